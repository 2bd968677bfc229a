"""API keys: making, revoking and recognizing them."""
