"""Fixtures of the guard's tests: a repository that can be attacked (`trust_world`)."""

from pathlib import Path

import pytest

from .trust_world import World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("os.fsync", lambda _handle: None)  # no power cut here, and a third of the time
    return World(tmp_path)


@pytest.fixture(params=["cold", "warm"])
def either(request: pytest.FixtureRequest, world: World) -> World:
    """Once with an empty cache, once with one of state 1. A fresh client still keeps the root it was given."""
    world.trust().folder.mkdir()
    if request.param == "warm":
        world.warm()
    else:
        (world.trusted / "metadata" / "root_history").mkdir(parents=True)
        (world.trusted / "metadata" / "root_history" / "1.root.json").write_bytes(world.root)
    return world
