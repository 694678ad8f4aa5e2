"""Adapters of the contract `Portal`: one file each."""
