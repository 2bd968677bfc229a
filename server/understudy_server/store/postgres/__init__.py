"""The backend for PostgreSQL 14 and newer; ``store`` is the way in."""
