"""The checklist's rules: which items hold, how each stands, and when a system is out of support."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.model.directive import Item, Kept, Look, Note, Practice, Size
from praxisd.model.machine import Disk, Fact, SystemFacts, known, unknown
from praxisd.services.diagnosis import directive_rules as rules
from praxisd.services.diagnosis.directive_catalogue import catalogue
from praxisd.services.diagnosis.directive_looks import PROBES

TODAY = date(2026, 11, 27)
ITEM = Item("a", "1", "source", kind="measured", probe="clock", every_days=30)
PART = Item("b", "1", "source", probe="firewall", every_days=30)
LOOKS: list[Look | None] = [None, Look("good", "x"), Look("bad", "x"), Look("unknown", "x", why="denied")]


def annexes(practice: Practice | None) -> set[str]:
    return {one.annex for one in rules.wanted(catalogue().item, practice)}


def test_the_size_decides_which_annexes_hold() -> None:
    assert annexes(None) == set()
    assert annexes(Practice("small")) == {"1", "5", "more"}
    assert annexes(Practice("medium")) == {"1", "2", "5", "more"}
    assert annexes(Practice("large")) == {"1", "2", "3", "5", "more"}
    assert annexes(Practice("small", large_devices=True)) == {"1", "4", "5", "more"}
    sizes: tuple[Size, ...] = ("small", "medium", "large")
    found = [len(rules.wanted(catalogue().item, Practice(size, True))) for size in sizes]
    assert found == sorted(found) and found[-1] == len(catalogue().item)


def test_the_list_is_sound() -> None:
    items = catalogue().item
    assert len({one.id for one in items}) == len(items)
    for one in items:
        assert one.annex in rules.ORDER and one.source
        assert one.probe is not None or one.kind == "reminder", one.id
        assert one.probe is None or one.probe in PROBES
        assert 0 < one.every_days <= 366
    assert {one.probe for one in items if one.probe} == set(PROBES)
    # Only this probe measures all its item speaks of; the others see a part, so a person says when it is done.
    assert [one.id for one in items if one.kind == "measured"] == ["more_clock"]
    numbers = [one.number for one in items if one.annex == "1" and one.since and one.number]
    # New since 01.10.2025 in annex 1 (domain.md § 5): 1-7, 8-10, 14-17, 22-26, 40-41, 50.
    assert numbers == ["1", "2", "3–7", "8–10", "14", "15", "16", "17", "22–26", "40–41", "50"]


@given(
    kept=st.sampled_from([None, "done", "not_applicable", "open"]),
    look=st.sampled_from(LOOKS),
    ahead=st.integers(-400, 400),
    item=st.sampled_from([ITEM, PART]),
)
def test_what_is_measured_counts_more_than_what_is_said(
    kept: Kept | None, look: Look | None, ahead: int, item: Item
) -> None:
    note = None if kept is None else Note(kept, "Eva", due=TODAY + timedelta(days=ahead))
    state = rules.line(item, note, look, TODAY).state
    if kept == "not_applicable":
        assert state == "not_applicable"
    elif look is not None and (look.verdict == "bad" or (look.verdict == "good" and item is ITEM)):
        assert state == look.verdict
    elif kept == "done":
        assert state == ("due" if ahead < 0 else "done")
    else:
        assert state == "open"
    if state == "good":
        # Unknown is never green, and neither is an item of which a part was measured.
        assert look is not None and look.verdict == "good" and item is ITEM


def test_who_did_it_and_when_it_is_due_again() -> None:
    made = rules.noted(ITEM, "done", " Eva ", " geprüft ", None, TODAY, 7)
    assert made == Note("done", "Eva", "geprüft", TODAY + timedelta(days=30), 7)
    assert rules.noted(ITEM, "done", "Eva", "", date(2027, 3, 1), TODAY, 7).due == date(2027, 3, 1)
    assert rules.noted(ITEM, "open", "", "", date(1999, 1, 1), TODAY, 7).due is None
    for person, due, code in (
        ("  ", None, rules.PERSON_MISSING),
        ("Eva", TODAY, rules.DUE_INVALID),
        ("Eva", date(2099, 1, 1), rules.DUE_INVALID),
    ):
        with pytest.raises(Problem) as refused:
            rules.noted(ITEM, "done", person, "", due, TODAY, 7)
        assert refused.value.code == code


def test_one_bad_computer_is_bad_and_one_unknown_is_not_good() -> None:
    good, bad, unsure = (True, None), (False, None), (None, "denied")
    assert rules.together("firewall", {"a": good, "b": good}, 2, 2) == Look(
        "good", "firewall.good", {"hosts": "a, b"}
    )
    assert rules.together("firewall", {"a": good, "b": unsure}, 2, 2) == Look(
        "unknown", "unknown", {"hosts": "b"}, "denied"
    )
    assert rules.together("firewall", {"a": bad, "b": unsure, "c": good}, 3, 9) == Look(
        "bad", "firewall.bad", {"hosts": "a"}
    )
    assert rules.together("firewall", {}, 0, 0).verdict == "unknown"


def test_computers_nobody_measured_are_not_good() -> None:
    found = {"a": (True, None)}
    for expected, more in ((11, "some"), (0, "how_many")):
        look = rules.together("supported", found, 1, expected)
        assert (look.verdict, look.text, look.more) == ("unknown", "supported.good", more)
    assert rules.together("supported", found, 1, 1).verdict == "good"


def test_what_a_computer_sent_long_ago_is_not_good_any_more() -> None:
    day = 86_400
    assert rules.aged((True, None), 0, 7 * day) == (True, None)
    assert rules.aged((True, None), 0, 7 * day + 1) == (None, rules.STALE)
    assert rules.aged((False, None), 0, 90 * day) == (False, None)


def test_updates_may_wait_some_days() -> None:
    since = rules.waiting({}, {"a": known(3), "b": known(0)}, TODAY)
    assert since == {"a": TODAY}
    later = TODAY + timedelta(days=14)
    assert rules.waiting(since, {"a": known(1), "b": unknown("denied")}, later) == since
    assert rules.waiting(since, {"a": unknown("denied")}, later) == since
    assert rules.waiting(since, {"a": known(0)}, later) == {}
    assert (
        rules.updates(known(3), None, TODAY) == rules.updates(known(3), TODAY, later) == (None, rules.WAITING)
    )
    assert rules.updates(known(1), TODAY, later + timedelta(days=1)) == (False, None)
    assert rules.updates(known(0), TODAY, later) == (True, None)
    assert rules.updates(unknown("denied"), TODAY, later) == (None, "denied")
    look = rules.together("updates", {"a": (None, rules.WAITING), "b": (None, "denied")}, 2, 2)
    assert (look.verdict, look.text, look.params) == ("unknown", "updates.waiting", {"hosts": "a"})


@pytest.mark.parametrize(
    ("name", "edition", "version", "wanted"),
    [
        ("Windows 7", "Professional", "6.1.7601", False),
        ("Windows 8.1", "Pro", "6.3.9600", False),
        ("Windows 10", "Pro", "10.0.19045", False),
        ("Windows 10", "Enterprise LTSC", "10.0.19044", None),
        ("Windows 11", "Pro", "10.0.22631", False),
        ("Windows 11", "Home", "10.0.26200", True),
        ("Windows 11", "Enterprise", "10.0.22631", None),
        ("Windows 11", "Pro", "10.0.99999", None),
        ("Windows Server 2012 R2", "Standard", "6.3.9600", False),
        ("Windows Server 2022", "Standard", "10.0.20348", True),
        ("Debian GNU/Linux 12 (bookworm)", "", "12", True),
        ("Debian GNU/Linux 11 (bullseye)", "", "11", False),
        ("Debian GNU/Linux 120 (far)", "", "120", None),
        ("Plan 9", "", "4", None),
    ],
)
def test_systems_out_of_support(name: str, edition: str, version: str, wanted: bool | None) -> None:
    facts = SystemFacts(name=known(name), edition=known(edition), version=known(version))
    assert rules.supported(facts, catalogue().system, TODAY)[0] is wanted


def test_a_system_nobody_could_read_is_unknown() -> None:
    assert rules.supported(SystemFacts(name=unknown("denied")), catalogue().system, TODAY) == (None, "denied")


def test_removable_media() -> None:
    def disk(kind: str, encrypted: Fact[bool]) -> Disk:
        return Disk(volume="E:\\", kind=known(kind), encrypted=encrypted)  # type: ignore[arg-type]

    assert rules.removable(unknown("denied")) == (None, "denied")
    assert rules.removable(known((disk("ssd", known(False)),))) == (None, "no_medium")
    assert rules.removable(known((disk("removable", known(True)),))) == (True, None)
    both = (disk("removable", known(True)), disk("removable", known(False)))
    assert rules.removable(known(both)) == (False, None)
    assert rules.removable(known((disk("removable", unknown("denied")),))) == (None, "denied")
