"""Runs: the backup itself, its verification and its proof (SPEC 8.1, 8.5, 8.8)."""
