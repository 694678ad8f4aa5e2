"""Adapters of the contract `engine.Engine`: the programs that keep the copies."""
