"""The index of an edition is made ready behind; who searches sooner is answered from the set itself, and told so."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel.app import House
from praxisd.services.medication import finding_making, finding_warming, sets_reading, starting
from praxisd.services.medication.sets_schema import MEDICATION
from praxisd.services.updates import slots
from praxisd.testing.medication import install_samples
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd.web.app import build

from .calendar_cast import Rest

PATIENCE_S = 30.0


@pytest.fixture
def practice(house: House) -> Practice:
    return small_practice(house)


@pytest.fixture
def desk(house: House, practice: Practice) -> Iterator[Rest]:
    doors: Any = main.doors(house)
    with TestClient(build(house, doors)) as client:
        yield Rest(client, key_for(house, practice, "desk", "Empfang"))


@pytest.fixture
def held_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Indexes take until this is set."""
    go, build_ = threading.Event(), finding_making.build

    def slow(*given: Any) -> Any:
        assert go.wait(PATIENCE_S)
        return build_(*given)

    monkeypatch.setattr(finding_making, "build", slow)
    yield go
    go.set()


def until(good: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not good():
        assert time.monotonic() < end
        time.sleep(0.02)


def warm(house: House) -> bool:
    return finding_making.kept(house, sets_reading.open_set(house, MEDICATION)) is not None


def search(desk: Rest, text: str) -> dict[str, Any]:
    found: dict[str, Any] = desk("POST", "/medication/search", 200, {"text": text})
    return found


def test_it_is_made_at_the_start_and_after_a_switch_and_nobody_has_searched(
    house: House, practice: Practice
) -> None:
    first = install_samples(house, elements=(MEDICATION,))
    starting.start(house)
    until(lambda: warm(house))
    assert install_samples(house, edition=2, days_ago=5, elements=(MEDICATION,)) != first
    until(lambda: warm(house))
    house.shared.pop("medication_finding")
    slots.back(house.folder, MEDICATION)
    until(lambda: warm(house))


def test_who_searches_before_it_is_ready_is_answered_at_once_and_told(
    house: House, practice: Practice, desk: Rest, held_up: threading.Event
) -> None:
    install_samples(house)
    finding_warming.start(house)
    begun = time.monotonic()
    soon = search(desk, "amoxi")
    assert time.monotonic() - begun < PATIENCE_S / 2  # while the index is held up
    first = soon["results"][0]
    assert soon["preparing"] and first["how"] == "prefix" and first["name"].startswith("Amoxicillin")
    assert first["packages"] and first["substances"]
    assert search(desk, "muster amoxicillin")["results"][0]["how"] == "infix"
    assert {one["atc"] for one in search(desk, "J01CA04")["results"]} == {"J01CA04"}
    (only,) = search(desk, first["packages"][0]["pzn"])["results"]
    assert (only["id"], only["how"]) == (first["id"], "exact")
    by_substance = search(desk, "acetylsal")["results"]
    assert by_substance and all("substances" in one for one in by_substance)
    assert search(desk, "100% _")["results"] == [] and search(desk, "amoxycilin")["results"] == []
    held_up.set()
    until(lambda: not search(desk, "amoxi")["preparing"])
    assert search(desk, "amoxycilin")["results"][0]["how"] == "similar"


def test_one_that_cannot_be_made_is_told_and_tried_again_when_somebody_asks(
    house: House, practice: Practice, desk: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_samples(house)
    build_ = finding_making.build

    def full(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(finding_making, "build", full)
    finding_warming.start(house)
    assert desk.code("POST", "/medication/search", 503, {"text": "amoxi"}) == "medication.index_failed"
    monkeypatch.setattr(finding_making, "build", build_)
    until(lambda: not search(desk, "amoxi")["preparing"])


def test_one_look_at_which_edition_is_in_use_serves_a_whole_answer(
    house: House, practice: Practice, desk: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_samples(house)
    search(desk, "amoxi")
    looks: list[str] = []
    held = slots.held

    def counted(folder: Any, name: str) -> Any:
        looks.append(name)
        return held(folder, name)

    monkeypatch.setattr(slots, "held", counted)
    search(desk, "amoxi")
    assert looks == [MEDICATION]
