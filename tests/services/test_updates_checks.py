"""What becomes an Issue: nobody could look for a while, a refused look, no root, old data; and that it heals by itself."""

from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel import issues
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.services.updates import checks, downloading, words

from .updates_cast import DATA, Desk, GuardOnPaper, Vendor

ACTOR = system("test")
DAY_S = 86_400


@pytest.fixture
def vendor(house: House, tmp_path: Path) -> Vendor:
    return Vendor(house, tmp_path)


def found(house: House) -> dict[str, Any]:
    """Open issues of updates, after all its checks, explained in German."""
    issues.run_checks(house, [one.name for one in checks.CHECKS])
    with house.store.read(ACTOR) as tx:
        open_ones = [one for one in issues.list_all(tx) if one.code.startswith("updates.")]
    return {one.code: (one, issues.explain(house, one, "de")) for one in open_ones}


def look(house: House) -> None:
    """A round of the job, whatever comes of it."""
    try:
        downloading.download(house, ACTOR)
    except Problem as problem:
        assert problem.code.startswith("updates.")


def test_all_is_well_and_nothing_is_asked_of_who_uses_no_updates(house: House, vendor: Vendor) -> None:
    look(house)
    assert found(house) == {}
    (house.folder / "updates" / "root.json").unlink()
    assert set(found(house)) == {"updates.no_root"}
    vendor.at("")
    house.clock.advance(100 * DAY_S)  # type: ignore[attr-defined]
    assert found(house) == {}


def test_a_source_that_is_away_for_long_is_told_and_heals(house: House, vendor: Vendor) -> None:
    look(house)
    vendor.at(str(vendor.work / "no-stick"))
    look(house)
    assert Desk(house).updates()["fault"]["code"] == "updates.unreachable"
    assert found(house) == {}  # a day without internet is none of anybody's business
    house.clock.advance(9 * DAY_S)  # type: ignore[attr-defined]
    look(house)
    issue, words = found(house)["updates.unknown_since"]
    assert issue.severity == "warning" and words["title"] == "Update-Stand unbekannt seit 2026-11-23"
    assert "9 Tagen" in words["cause"]
    house.clock.advance(30 * DAY_S)  # type: ignore[attr-defined]
    assert found(house)["updates.unknown_since"][0].severity == "error"
    vendor.at(str(vendor.quick.folder))
    vendor.quick.publish(anyway=True)
    look(house)
    assert found(house) == {}


def test_who_never_had_a_good_look_is_told_too(house: House, vendor: Vendor) -> None:
    vendor.at(str(vendor.work / "no-stick"))
    look(house)
    house.clock.advance(9 * DAY_S)  # type: ignore[attr-defined]
    assert set(found(house)) == {"updates.unknown_since"}


def test_a_refused_look_is_an_issue_in_its_own_words(house: House, vendor: Vendor) -> None:
    look(house)
    house.clock.set(house.clock.now() - 3 * 3600)  # type: ignore[attr-defined]
    look(house)
    _, words = found(house)["updates.clock_back"]
    assert "Datum und Uhrzeit" in words["solution"]
    house.clock.set(house.clock.now() + 3 * 3600)  # type: ignore[attr-defined]
    look(house)
    assert found(house) == {}


def test_data_in_use_that_grow_old(house: House, vendor: Vendor) -> None:
    owner = Desk(house)
    vendor.data("2026-11-01")
    look(house)
    owner.ask("PUT", f"/updates/subscriptions/{DATA}", {"subscribed": True})
    look(house)
    owner.ordered(owner.element(DATA)["waiting"]["id"])
    assert "updates.data_old" not in found(house)
    house.clock.advance(30 * DAY_S)  # type: ignore[attr-defined]
    _, words = found(house)["updates.data_old"]
    assert words["title"] == f"Datenbestand {DATA} ist 52 Tage alt"
    assert owner.element(DATA)["ageDays"] == 52
    vendor.data("2026-12-20")
    vendor.quick.publish(anyway=True)
    look(house)
    owner.ordered(owner.element(DATA)["waiting"]["id"])
    assert "updates.data_old" not in found(house)


def test_an_update_that_was_taken_back_says_why_in_words(
    house: House, vendor: Vendor, tmp_path: Path
) -> None:
    owner, guard = Desk(house), GuardOnPaper(house, tmp_path)
    vendor.software("9.1")
    look(house)
    owner.ordered(owner.element("praxisd")["waiting"]["id"])
    (wish,) = guard.orders()
    guard.does(wish, "accepted", "stopped")
    guard.does(wish, "failed", code="guard.not_started", detail="", log="/x/failed.log")
    guard.does(wish, "restored")
    issue, words = found(house)["updates.rolled_back"]
    assert "Grund: Die neue Version startet nicht." in words["cause"] and "guard" not in words["cause"]
    assert "Reason: The new version does not start." in issues.explain(house, issue, "en")["cause"]


def test_an_older_version_is_refused_in_words(house: House) -> None:
    for lang, word in (("de", "ältere"), ("en", "older")):
        told = words.said(house.texts, "guard.older", lang, detail="0.1, while 0.2 runs")
        assert told is not None and word in told.title and "0.1, while 0.2 runs" in told.cause
