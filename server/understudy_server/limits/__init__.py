"""What one API key may use: requests in a minute, runs at a time, tokens in a day, models."""
