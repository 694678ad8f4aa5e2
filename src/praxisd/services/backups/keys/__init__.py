"""Passwords of the backups, the recovery key, and what opens what (SPEC 8.4)."""
