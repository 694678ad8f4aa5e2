"""Adapters of the contract `source.Source`: what is copied, each kind in its own safe way (SPEC 8.1)."""
