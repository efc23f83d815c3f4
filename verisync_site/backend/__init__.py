"""Django's own backend for PostgreSQL, but for what `base.py` changes."""
