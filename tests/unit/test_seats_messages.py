"""The messages of `praxisd.seats.v1` as bytes, and the lines they are said by."""

import json
from typing import Any

import msgspec
import pytest

from praxisd.kernel.errors import Problem
from praxisd.services.seats import messages as m
from praxisd.services.seats.lines import Lines

SESSION = "0123456789abcdef" * 2
GOOD: tuple[tuple[dict[str, Any], object], ...] = (
    ({"type": "beat", "id": 1}, m.Beat(id=1)),
    ({"type": "lock", "id": 2, "record": "Patient/a"}, m.Lock(id=2, record="Patient/a")),
    ({"type": "lock", "id": 2**53, "record": "P/1.a-b", "wait": True}, m.Lock(id=2**53, record="P/1.a-b", wait=True)),
    (
        {"type": "switch", "id": 3, "from": "Patient/a", "fence": 7, "record": "Patient/b"},
        m.Switch(id=3, from_="Patient/a", fence=7, record="Patient/b"),
    ),
    ({"type": "at", "id": 4, "record": None}, m.Look(id=4, record=None)),
    ({"type": "who", "id": 5, "records": ["Patient/a"]}, m.WhoIs(id=5, records=("Patient/a",))),
    (
        {"type": "here", "id": 6, "session": SESSION, "holds": [{"record": "Patient/a", "fence": 1}]},
        m.Here(id=6, session=SESSION, holds=(m.Hold("Patient/a", 1),)),
    ),
)  # fmt: skip
BAD: tuple[dict[str, Any], ...] = (
    {"type": "beat"},
    {"type": "beat", "id": 0},
    {"type": "beat", "id": 2**53 + 1},
    {"type": "beat", "id": "1"},
    {"type": "beat", "id": 1, "more": 1},
    {"type": "hello", "id": 1},
    {"id": 1},
    {"type": "lock", "id": 1, "record": "Patient"},
    {"type": "lock", "id": 1, "record": "Patient/a/b"},
    {"type": "lock", "id": 1, "record": "patient/a"},
    {"type": "lock", "id": 1, "record": "Patient/a\n"},
    {"type": "lock", "id": 1, "record": "Patient/" + "a" * 65},
    {"type": "at", "id": 1},
    {"type": "here", "id": 1, "session": "A" * 32},
    {"type": "here", "id": 1, "session": SESSION, "person": "x" * 81},
    {"type": "take", "id": 1, "record": "Patient/a", "reason": "bored"},
    {"type": "who", "id": 1, "records": ["Patient/a"] * 201},
    {"type": "log", "id": 1, "entries": [{}] * 201},
)


@pytest.mark.parametrize(("sent", "meant"), GOOD)
def test_a_request_is_read(sent: dict[str, Any], meant: object) -> None:
    assert m.decoder.decode(json.dumps(sent)) == meant


@pytest.mark.parametrize("sent", BAD)
def test_what_is_no_request_is_refused(sent: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        m.decoder.decode(json.dumps(sent))


def test_what_is_not_there_is_left_out() -> None:
    seat = m.SeatIs(id="s", name="Empfang", viewer=False)
    said = m.Welcome(id=1, seat=seat, session=SESSION, interval=30, mode="operation", locks=(), lost=())
    assert json.loads(msgspec.json.encode(said)) == {
        "type": "answer", "id": 1, "seat": {"id": "s", "name": "Empfang", "viewer": False}, "session": SESSION,
        "interval": 30, "mode": "operation", "locks": [], "lost": [],
    }  # fmt: skip
    called_off = json.loads(msgspec.json.encode(m.Announced(announcement=None)))
    assert called_off == {"type": "announcement", "announcement": None}


class _Line:
    def __init__(self) -> None:
        self.said: list[Any] = []
        self.ended: list[tuple[int, str]] = []

    def say(self, message: object) -> None:
        self.said.append(json.loads(msgspec.json.encode(message)))

    answer = say

    def proven(self, name: str) -> None:
        self.said.append(name)

    def end(self, code: int, reason: str = "") -> None:
        self.ended.append((code, reason))


def test_what_is_told_to_a_practice_stays_there() -> None:
    lines, one, two, other = Lines(), _Line(), _Line(), _Line()
    for name, organization, line in (("1", "a", one), ("2", "a", two), ("3", "b", other)):
        assert lines.join(organization, name, "seat" + name, "seat:" + name, line) is None
    assert lines.tell("a", m.ByeSaid(reason="draining")) == 2
    assert one.said == two.said == [{"type": "bye", "reason": "draining"}]
    assert other.said == []
    assert (sorted(lines.sessions("a")), lines.of_seat("seat3")) == (["1", "2"], ["3"])


def test_a_session_that_comes_again_takes_its_place_and_the_old_line_cannot_take_it_away() -> None:
    lines, old, new = Lines(), _Line(), _Line()
    lines.join("a", "1", "seat", "seat:seat", old)
    assert lines.join("a", "1", "seat", "seat:seat", new) is old
    assert not lines.leave("1", old)
    assert lines.push("1", m.Interval(seconds=10))
    assert (old.said, new.said) == ([], [{"type": "interval", "seconds": 10}])
    assert lines.close("1", 4401, "revoked")
    assert (new.said[1], new.ended) == ({"type": "bye", "reason": "revoked"}, [(4401, "revoked")])
    assert lines.leave("1", new)
    assert "1" not in lines
    assert len(lines) == 0
    assert not lines.push("1", m.Interval(seconds=10))


@pytest.mark.parametrize(
    "other", [("b", "seat", "seat:seat"), ("a", "else", "seat:seat"), ("a", "seat", "user:eva")]
)
def test_nobody_takes_the_session_of_another(other: tuple[str, str, str]) -> None:
    lines, own, foreign = Lines(), _Line(), _Line()
    lines.join("a", "1", "seat", "seat:seat", own)
    organization, seat, actor = other
    with pytest.raises(Problem) as refused:
        lines.join(organization, "1", seat, actor, foreign)
    assert (refused.value.code, refused.value.status) == ("seats.session_taken", 409)
    assert lines.push("1", m.Interval(seconds=10))
    assert (len(own.said), foreign.said) == (1, [])
