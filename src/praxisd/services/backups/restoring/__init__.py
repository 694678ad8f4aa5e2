"""Giving back: a file, a folder, everything; to another place or in place (SPEC 8.5)."""
