"""Adapters of the contract `engine.Engine`: the programs that keep the copies."""

from pathlib import Path

from praxisd.services.backups.engine import Engine
from praxisd.services.backups.engines.restic import Restic


def chosen(folder: Path) -> Engine:
    """The engine of this installation. `folder` is its own (DIR/backups/engine): cache, files in passing, bin/restic."""
    return Restic(folder)
