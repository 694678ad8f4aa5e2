"""Alembic's environment; see kernel/migrations.py."""
