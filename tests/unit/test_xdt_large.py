"""Large files of xDT are read in bounded memory with progress. 100 MB: `python -m praxisd.testing.xdt_large`."""

from pathlib import Path

import pytest

from praxisd.testing import xdt_large


@pytest.mark.parametrize("shape", xdt_large.SHAPES)
def test_memory_is_bounded(shape: str, tmp_path: Path) -> None:
    """A file far larger than what may be held: all persons, little memory, progress from nothing to all of it."""
    size = 3_000_000
    path = tmp_path / "large.bdt"
    persons = xdt_large.make(path, size, shape)
    told = xdt_large.read(path)
    assert told["persons"] == persons
    assert told["grown"] < 12 << 20
    assert told["rising"] and told["steps"] > 4
    assert told["end"] == path.stat().st_size
