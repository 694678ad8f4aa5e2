"""The journal: whole lines only, and what they say of an order."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from praxisd_guard import journal, orders
from praxisd_guard.journal import Journal
from praxisd_guard.places import Places

ORDER = "0" * 26


@pytest.fixture
def writer(tmp_path: Path) -> Journal:
    """A journal in an empty HOME."""
    return Journal(tmp_path, clock=lambda: 17.5)


def _write(writer: Journal, *steps: str, **facts: Any) -> None:
    for step in steps:
        writer.write("install", step, order=ORDER, **facts)


def test_lines_come_back_in_order_with_their_facts(tmp_path: Path, writer: Journal) -> None:
    writer.write("start", "start", version="1.0", safe=False)
    writer.write("install", "accepted", order=ORDER, version="1.1")
    assert [(line.kind, line.step, line.order, line.facts) for line in journal.lines(tmp_path)] == [
        ("start", "start", None, {"version": "1.0", "safe": False}),
        ("install", "accepted", ORDER, {"version": "1.1"}),
    ]
    assert journal.lines(tmp_path)[0].at == 17.5
    assert Places(tmp_path).journal.stat().st_mode & 0o777 == 0o600
    assert [line.step for line in journal.of(tmp_path, ORDER)] == ["accepted"]


def test_there_is_nothing_in_an_empty_home(tmp_path: Path) -> None:
    assert journal.lines(tmp_path) == []
    assert journal.unfinished(tmp_path) is None
    assert not journal.knows(tmp_path, ORDER)


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_line_that_was_cut_off_is_none_and_the_next_one_is_whole(
    tmp_path: Path, writer: Journal, cut: int
) -> None:
    _write(writer, "accepted", "unpacked")
    file = Places(tmp_path).journal
    os.truncate(file, file.stat().st_size - cut)
    found = ["accepted", "unpacked"] if cut == 1 else ["accepted"]  # only its end of line was missing
    assert [line.step for line in journal.lines(tmp_path)] == found
    _write(writer, "stopped")
    assert [line.step for line in journal.lines(tmp_path)] == [*found, "stopped"]


@pytest.mark.parametrize(
    ("steps", "state", "final"),
    [
        (("accepted",), "running", False),
        (("accepted", "unpacked", "stopped", "expanded", "switched", "started", "healthy"), "running", False),
        (("accepted", "unpacked", "healthy", "kept"), "kept", True),
        (("accepted", "unpacked", "failed"), "running", False),
        (("accepted", "unpacked", "failed", "back"), "running", False),
        (("accepted", "unpacked", "failed", "back", "restored"), "rolled_back", True),
        (("refused",), "refused", True),
    ],
)
def test_the_outcome_of_an_order(
    tmp_path: Path, writer: Journal, steps: tuple[str, ...], state: str, final: bool
) -> None:
    for step in steps:
        why = (
            {"code": "guard.not_started", "detail": "status 3", "log": "/l"}
            if step in ("failed", "refused")
            else {}
        )
        _write(writer, step, **why)
    outcome = journal.outcome(tmp_path, ORDER)
    assert (outcome.state, outcome.final, outcome.step, outcome.kind) == (state, final, steps[-1], "install")
    trouble = "failed" in steps or "refused" in steps
    assert (outcome.code, outcome.log) == (("guard.not_started", "/l") if trouble else (None, None))
    assert journal.unfinished(tmp_path) == (None if final else ORDER)


def test_an_order_waits_until_its_first_line_and_one_that_lies_nowhere_is_refused(
    tmp_path: Path, writer: Journal
) -> None:
    wish = orders.order("restart", "cli", "planned")
    assert journal.outcome(tmp_path, wish.id).code == "guard.order_unknown"
    orders.give(tmp_path, wish)
    assert journal.outcome(tmp_path, wish.id).state == "waiting"
    writer.write("restart", "accepted", order=wish.id)
    orders.taken(tmp_path, wish.id)
    assert journal.outcome(tmp_path, wish.id).state == "running"


def test_a_full_disk_is_helped_by_the_reserve(
    tmp_path: Path, writer: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk has no room as long as the reserve lies there."""
    writer.keep_reserve()
    reserve = Places(tmp_path).reserve
    assert reserve.stat().st_size == journal.RESERVE
    real = os.write

    def write(handle: int, data: bytes) -> int:
        if reserve.exists():
            real(handle, data[:7])  # a part fits
            raise OSError(errno.ENOSPC, "full")
        return real(handle, data)

    monkeypatch.setattr(os, "write", write)
    _write(writer, "refused", code="guard.no_space")
    assert [line.step for line in journal.lines(tmp_path)] == ["refused"]
    assert Places(tmp_path).journal.read_bytes().count(b"\n") == 1
    monkeypatch.undo()
    writer.keep_reserve()
    assert reserve.exists()


def test_a_disk_that_stays_full_leaves_no_half_line(
    tmp_path: Path, writer: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(writer, "accepted")
    size = Places(tmp_path).journal.stat().st_size
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:5]))
    with pytest.raises(OSError):
        _write(writer, "unpacked")
    assert Places(tmp_path).journal.stat().st_size == size


def test_a_long_journal_is_cut_in_whole_lines_but_never_while_an_order_runs(
    tmp_path: Path, writer: Journal
) -> None:
    for number in range(100):
        writer.write("start", "start", number=number)
    _write(writer, "accepted")
    size = Places(tmp_path).journal.stat().st_size
    writer.shorten(size // 2)
    assert Places(tmp_path).journal.stat().st_size == size
    _write(writer, "refused")
    writer.shorten(size * 2)
    assert len(journal.lines(tmp_path)) == 102
    writer.shorten(size // 2)
    found = journal.lines(tmp_path)
    assert 10 < len(found) < 40
    assert found[0].facts["number"] == 102 - len(found)
    assert journal.outcome(tmp_path, ORDER).state == "refused"


def test_another_orders_end_is_not_this_ones(tmp_path: Path, writer: Journal) -> None:
    _write(writer, "accepted", "unpacked")
    writer.write("order", "refused", order="1" * 26, code="guard.order_unreadable")
    assert journal.unfinished(tmp_path) == ORDER
