"""The relay is tormented a little, with fixed dice: `make torture RELAY=1` does the same at length."""

import asyncio
from pathlib import Path

import pytest

from praxisd.testing.relay_fuzz import fuzz
from praxisd.testing.relay_storm import PROMISED_S, Storm
from praxisd.testing.relay_torture import torture

pytestmark = pytest.mark.judge


@pytest.mark.slow
def test_it_comes_back_does_not_leak_and_does_not_lie(tmp_path: Path) -> None:
    said: list[str] = []
    _notes, faults = asyncio.run(torture(1_000, 7, tmp_path, said.append))
    assert not faults, "\n".join([*said, *faults])


def test_fuzzed_inputs_are_refused_in_their_own_words() -> None:
    found = fuzz(4_000, 7)
    assert not found.faults
    assert all(found.refused[name] for name in found.inputs), (
        "a reader refused nothing: the inputs were too kind"
    )


def test_a_cluster_that_loses_a_hub_has_all_links_back_in_time() -> None:
    for scene in ("killed", "vanished", "drained"):
        found = Storm(2_000, 10, 7, 0.0007).run(scene)
        assert found.links > 300
        assert found.at(0.99) <= PROMISED_S[scene], found.report()
        assert not found.unreachable, "who has two links is reachable all the time"
