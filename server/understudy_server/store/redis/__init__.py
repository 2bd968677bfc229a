"""The backend for Redis 7 and newer; ``store`` is the way in."""
