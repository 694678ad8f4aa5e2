"""What every way to a patient must keep, whatever lies behind it (promises 1–5 of `messaging/channel.py`).

A test module makes a `Stage` (the channel, and the outside world that it speaks to) and inherits the suite:

class TestSeven(ChannelSuite):
    @pytest.fixture
    def stage(self) -> Iterator[Stage]: ...
"""

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import pytest

from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.services.messaging.channel import (
    Absent,
    Accepted,
    Channel,
    Found,
    Lost,
    Outgoing,
    Refused,
    Reply,
    Report,
    Unknown,
    Waiting,
)

HookCall = tuple[Mapping[str, str], Mapping[str, str], bytes]
"""Headers (lower-case names), query and body of a call, as `Channel.hook` takes them."""
TAKEN_LOST = ("taken_unanswered", "taken_unreadable", "taken_late")
UNTAKEN_LOST = ("untaken_unanswered",)
REFUSED = ("refused_now", "refused_for_good", "unreachable", "credentials")
HARD_TEXTS = (
    "Grüße aus Köln: 5 € [Praxis] {ok} ~^|\\",
    "Zeile eins\nZeile zwei",
    "Anführung \"doppelt\" und 'einfach' & <b>kein HTML</b> %7E + = ; #",
    "Emoji 🎂🧑\u200d⚕️ und 中文",
    "{to} {text} {key} ${HOME} %(id)s",
)


class Stage(Protocol):
    """A channel and the outside world behind it, which does as it is told.

    `faults` are those of the names above that this outside can show. `finds_absent`: `find` may say that a message is not
    there. `ends`: the states that it can report. `secrets`: what must never be told (passwords, keys). `unreachable`: the
    code of the Problem when it cannot be asked.
    """

    channel: Channel
    clock: FrozenClock
    faults: Sequence[str]
    finds_absent: bool
    ends: Sequence[str]
    secrets: Sequence[str]
    unreachable: str

    def outgoing(self, number: int, text: str = "Ihr Termin: Montag, 9:30 Uhr.") -> Outgoing:
        """The message with this number; it may be sent for a minute from now on."""
        ...

    def fault(self, name: str) -> None:
        """The next message meets this fault; a name from `faults`."""
        ...

    def got(self) -> Sequence[tuple[str, str]]:
        """(our id, text) of each message that the outside took, once per time it took it."""
        ...

    def attempts(self) -> int:
        """How often a message was handed over, taken or not; counts what reached the outside at all."""
        ...

    def end(self, id_: str, state: str) -> None:
        """The outside now knows this of the message with our id."""
        ...

    def calls(self, id_: str, state: str) -> Sequence[HookCall]:
        """The calls that the outside makes to say so; only asked where the channel has hooks."""
        ...

    def away(self) -> None:
        """From now on nothing can be reached."""
        ...


def waiting(message: Outgoing, receipt: str = "", at: int = 0) -> Waiting:
    """What is known of a message that was sent, for `find` and `reports`."""
    return Waiting(message.id, receipt, message.to, at)


def _sent(stage: Stage, number: int) -> tuple[Outgoing, Accepted]:
    message = stage.outgoing(number)
    found = stage.channel.send(message)
    assert isinstance(found, Accepted), found
    return message, found


def _about(found: Iterable[Report | Reply], message: Outgoing, receipt: str) -> list[Report]:
    return [
        one for one in found if isinstance(one, Report) and (one.receipt == receipt or one.id == message.id)
    ]


class ChannelSuite:
    """The promises, one test each."""

    @pytest.fixture
    def stage(self) -> Stage:
        """Each adapter brings its own."""
        raise LookupError("no stage")

    def test_accepted_means_taken_over_once(self, stage: Stage) -> None:
        messages = [stage.outgoing(number) for number in range(3)]
        found = [stage.channel.send(one) for one in messages]
        assert all(isinstance(one, Accepted) and one.receipt for one in found), found
        assert [id_ for id_, _ in stage.got()] == [one.id for one in messages]
        assert len({one.receipt for one in found if isinstance(one, Accepted)}) == 3

    @pytest.mark.parametrize("text", HARD_TEXTS)
    def test_texts_arrive_as_they_are(self, stage: Stage, text: str) -> None:
        message = stage.outgoing(1, text)
        assert isinstance(stage.channel.send(message), Accepted)
        assert [one.replace("\r\n", "\n").strip() for _, one in stage.got()] == [text]

    @pytest.mark.parametrize("fault", REFUSED)
    def test_refused_means_certainly_not_taken(self, stage: Stage, fault: str) -> None:
        assert set(REFUSED) <= set(stage.faults)
        stage.fault(fault)
        found = stage.channel.send(stage.outgoing(1))
        assert isinstance(found, Refused), found
        assert stage.got() == []
        assert found.code.startswith("messaging.")
        if fault == "refused_for_good":
            assert found.permanent
        if fault in ("refused_now", "unreachable"):
            assert not found.permanent

    @pytest.mark.parametrize("fault", [*TAKEN_LOST, *UNTAKEN_LOST])
    def test_lost_when_nobody_can_know_and_never_a_second_try(self, stage: Stage, fault: str) -> None:
        assert {"taken_unanswered", "untaken_unanswered"} <= set(stage.faults)
        if fault in stage.faults:
            stage.fault(fault)
            assert isinstance(stage.channel.send(stage.outgoing(1)), Lost)
            assert [id_ for id_, _ in stage.got()] == ([stage.outgoing(1).id] if fault in TAKEN_LOST else [])
            assert stage.attempts() == 1

    def test_nothing_is_written_after_its_time(self, stage: Stage) -> None:
        message = stage.outgoing(1)
        stage.clock.advance(61)
        assert stage.channel.send(message) == Refused("messaging.too_late", False, detail="too_late")
        assert stage.attempts() == 0 and stage.got() == []

    def test_find_tells_what_became_of_a_lost_one(self, stage: Stage) -> None:
        for number, fault in enumerate(("taken_unanswered", "untaken_unanswered")):
            at = stage.clock.now()
            message = stage.outgoing(number)
            stage.fault(fault)
            assert isinstance(stage.channel.send(message), Lost)
            first = stage.channel.find(waiting(message, at=at))
            stage.clock.advance(1_000)
            taken = fault == "taken_unanswered"
            if taken:  # some tell of a message only once it is under way
                stage.end(message.id, stage.ends[-1])
            later = stage.channel.find(waiting(message, at=at))
            for found in (first, later):
                assert not isinstance(found, Absent if taken else Found), f"{fault}: {found}"
            if stage.channel.abilities.finds and taken:
                assert isinstance(later, Found) and later.receipt, later
            if not taken and stage.finds_absent:
                assert isinstance(later, Absent), later
            if not stage.channel.abilities.finds:
                assert later == Unknown(temporary=False)

    def test_find_is_unsure_when_nothing_answers(self, stage: Stage) -> None:
        message, _ = _sent(stage, 1)
        at = stage.clock.now()
        stage.clock.advance(1_000)
        stage.away()
        assert isinstance(stage.channel.find(waiting(message, at=at)), Unknown)

    def test_reports_are_the_same_as_often_as_asked(self, stage: Stage) -> None:
        if not stage.channel.abilities.reports:
            return
        sent = {state: _sent(stage, number) for number, state in enumerate(stage.ends)}
        for state, (message, _) in sent.items():
            stage.end(message.id, state)
        asked = [waiting(one, got.receipt, stage.clock.now()) for one, got in sent.values()]
        first = list(stage.channel.reports(asked))
        again = list(stage.channel.reports(asked))
        assert first == again
        for state, (message, got) in sent.items():
            assert {one.state for one in _about(first, message, got.receipt)} == {state}
        for one in again:
            one.keep()

    def test_an_unknown_message_has_no_report(self, stage: Stage) -> None:
        message, got = _sent(stage, 1)
        strange = Waiting("0" * 26, "99", message.to, stage.clock.now())
        found = list(stage.channel.reports([strange]))
        assert [one for one in found if isinstance(one, Report) and one.receipt == "99"] == []
        assert got.receipt != "99"

    def test_reports_say_when_they_cannot_be_asked(self, stage: Stage) -> None:
        if not stage.channel.abilities.reports:
            return
        message, got = _sent(stage, 1)
        stage.away()
        with pytest.raises(Problem) as caught:
            list(stage.channel.reports([waiting(message, got.receipt, stage.clock.now())]))
        assert (caught.value.code, caught.value.status, caught.value.retry) == (stage.unreachable, 503, True)

    def test_calls_are_believed_only_from_the_gateway(self, stage: Stage) -> None:
        if not stage.channel.abilities.hooks:
            return
        message, got = _sent(stage, 1)
        calls = stage.calls(message.id, "delivered")
        assert calls
        for headers, query, body in calls:
            found = list(stage.channel.hook(headers, query, body))
            assert found == list(stage.channel.hook(headers, query, body)), "the same call, the same report"
            assert {one.state for one in _about(found, message, got.receipt)} == {"delivered"}
            signed = {name: value for name, value in headers.items() if "signature" in name}
            no_headers = {name: value for name, value in headers.items() if name not in signed}
            for forged in (
                (no_headers, {}, body),
                ({**headers, **dict.fromkeys(signed, "0" * 64)}, {**query, "token": "wrong"}, body),
                ({**headers, **dict.fromkeys(signed, "ä")}, {**query, "token": "ä"}, body),
                ({}, {}, b""),
            ):
                with pytest.raises(Problem) as caught:
                    list(stage.channel.hook(*forged))
                assert (caught.value.code, caught.value.status) == ("messaging.hook_refused", 403)
            if signed:
                with pytest.raises(Problem):
                    list(stage.channel.hook(headers, query, body + b" "))
                stage.clock.advance(3_600)
                with pytest.raises(Problem):
                    list(stage.channel.hook(headers, query, body))

    def test_nothing_secret_is_told(self, stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        told: list[str] = []
        message = stage.outgoing(1, "Befund-geheim-4711")
        for fault in ("", *stage.faults):
            if fault:
                stage.fault(fault)
            told.append(repr(stage.channel.send(message)))
        stage.away()
        told.append(repr(stage.channel.find(waiting(message, at=stage.clock.now()))))
        for work in (lambda: list(stage.channel.reports([waiting(message, "1", 1)])), stage.channel.balance):
            try:
                told.append(repr(work()))
            except Problem as problem:
                told += [repr(problem), repr(problem.params), repr(problem.detail)]
        shown = "\n".join(told) + caplog.text
        for word in (*stage.secrets, "Befund-geheim-4711", message.to):
            assert word not in shown

    def test_many_at_once_each_once(self, stage: Stage) -> None:
        messages = [stage.outgoing(number) for number in range(12)]
        found: list[object] = []
        threads = [
            threading.Thread(target=lambda one=one: found.append(stage.channel.send(one))) for one in messages
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(found) == 12 and all(isinstance(one, Accepted) for one in found), found
        assert sorted(id_ for id_, _ in stage.got()) == sorted(one.id for one in messages)

    def test_the_balance_is_told_where_there_is_one(self, stage: Stage) -> None:
        before = stage.channel.balance()
        assert (before is not None) == stage.channel.abilities.balance
        if before is not None:
            _sent(stage, 1)
            after = stage.channel.balance()
            assert after is not None and after < before
