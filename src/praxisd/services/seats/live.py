"""Live: one WebSocket of a seat, from `hello` to `bye` (docs/reference/seats-protocol.md).

On the event loop messages are only read and handed on: to the desk, which judges, or to a clerk, who looks after proofs and
logs. Whoever says who it is does so once: the challenge is good for one signature.
"""

import re
import secrets
import threading
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel.access import Actor, Kind, system
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Call, Line, Socket
from praxisd.services.seats import messages, register
from praxisd.services.seats.clerk import clerk
from praxisd.services.seats.desk import desk_of
from praxisd.services.seats.lines import REPLACED, lines
from praxisd.services.seats.live_log import take
from praxisd.services.seats.messages import PROTOCOL, Answer, ByeSaid, Hello, Here, Refused
from praxisd.services.seats.proof import installation, signed
from praxisd.services.seats.rules import BROWSER, is_browser
from praxisd.services.seats.who import Who

if TYPE_CHECKING:
    from praxisd.kernel.app import House

PROOFS, LOGS = "seats-proofs", "seats-logs"
BAD, UNPROVEN, FORBIDDEN, AGAIN = 4400, 4401, 4403, 1013
_ID = re.compile(rb'"id"\s*:\s*([1-9][0-9]{0,15})\b')
_PEOPLE = (Kind.USER, Kind.SUPPORT)
_CODES = {401: UNPROVEN, 403: FORBIDDEN, 429: AGAIN, 503: AGAIN}
_NEW, _PROVING, _HERE, _OVER = range(4)
WHY_OPEN = "a seat proves itself with its key, or its session, in its first message; until then it is answered nothing"


def talk(call: Call, line: Line) -> "Conversation":
    """A connection was made: the server speaks first."""
    return Conversation(call, line)


class Conversation:
    """The Talk of one connection."""

    def __init__(self, call: Call, line: Line) -> None:
        self._house = house = call.house
        self._line = line
        self._lang = call.lang
        self._actor = call.actor
        self._challenge = secrets.token_urlsafe(32)
        self._lock = threading.Lock()
        self._state = _NEW
        self._who: Who | None = None
        now = format_rfc3339(house.clock.now())
        line.say(Hello(v=1, installation=installation(house), challenge=self._challenge, now=now))

    # --- Talk: on the event loop -------------------------------------------------------------------------------------------

    def heard(self, message: bytes) -> None:
        """Read one message and hand it on."""
        try:
            request = messages.decoder.decode(message)
        except (msgspec.DecodeError, UnicodeDecodeError):
            found = _ID.search(message)
            self._say(int(found[1]) if found else None, Problem("seats.bad_message", 400))
            if self._who is None:
                self._line.end(BAD, "bad_message")
            return
        who = self._who
        if isinstance(request, Here):
            if self._state != _NEW:
                self._say(request.id, Problem("seats.here_already", 409))
                return
            self._state = _PROVING
            clerk(self._house, PROOFS).put(partial(self._prove, request))
        elif who is None:
            self._say(request.id, Problem("seats.not_here", 401))
            if self._state == _NEW:
                self._line.end(UNPROVEN, "unproven")
        elif isinstance(request, messages.Bye):
            self._over()
            desk_of(self._house).gone(who, True, partial(self._leave, request.id))
        elif isinstance(request, messages.Log):
            clerk(self._house, LOGS).put(
                partial(take, self._house, who, request, partial(self._say, request.id))
            )
        else:
            desk_of(self._house).put(who, request, partial(self._say, request.id))

    def checked(self, actor: Actor) -> None:
        """The door has asked who this is: rights may have changed, and a program's seat may be none any more."""
        who = self._who
        if who is None:
            return
        if who.actor.kind in _PEOPLE:
            now = _person(actor, who.session, who.seat, who.seat_name, who.person)
            with self._lock:
                self._who = now if self._who is not None else None
        else:
            clerk(self._house, PROOFS).put(partial(self._look, who))

    def leaving(self, reason: str) -> ByeSaid:
        """The door ends it."""
        return ByeSaid(reason=reason)

    def ended(self, code: int) -> None:
        """The connection is over; its session may come back by another one."""
        who = self._over()
        if who is not None:
            desk_of(self._house).gone(who, False)

    # --- elsewhere ---------------------------------------------------------------------------------------------------------

    def _say(self, id_: int | None, outcome: Answer | Problem) -> None:
        self._line.answer(
            refused(self._house, self._lang, id_, outcome) if isinstance(outcome, Problem) else outcome
        )

    def _prove(self, request: Here) -> None:
        """In the clerk's thread: who is it?"""
        joined: Who | None = None
        try:
            who = self._known(request)
            name = f"seat:{who.seat}" if who.actor.kind is Kind.SEAT else who.actor.label
            self._line.proven(name)
            before = lines(self._house).join(
                who.organization, who.session, who.seat, who.actor.label, self._line
            )
            joined = who
            if before is not None and before is not self._line:
                before.say(ByeSaid(reason="replaced"))
                before.end(REPLACED, "replaced")
            desk_of(self._house).here(who, request, partial(self._here, who, request.id))
        except Exception as error:
            if not isinstance(error, Problem):
                self._house.log.error("loop_failed", where=PROOFS, error=error)
                away = isinstance(error, self._house.store.engine.failure)
                error = Problem("http.store_unavailable" if away else "http.internal", 503, retry=True)
            self._refuse(request.id, error, joined)

    def _known(self, request: Here) -> Who:
        if request.signature is None:
            seat = request.seat or BROWSER + request.session
            if self._actor.kind not in _PEOPLE or not is_browser(seat):  # a program's seat has a key
                raise Problem("seats.not_proven", 401)
            return _person(self._actor, request.session, seat, request.program, request.person)
        seat = request.seat or ""
        with self._house.store.read(system("seats")) as tx:
            found = register.key_of(tx, seat)
        words = signed(installation(self._house), self._challenge, seat, request.session)
        if not register.proves(found.public_key, request.signature, words):
            raise Problem("seats.not_proven", 401)
        return register.who_of(found, request.session, request.person)

    def _here(self, who: Who, id_: int, outcome: Answer | Problem) -> None:
        """In the desk's thread: it was let in, or not."""
        if isinstance(outcome, Problem):
            self._refuse(id_, outcome, who)
            return
        with self._lock:
            late = self._state == _OVER
            if not late:
                self._state, self._who = _HERE, who
        if late:  # it went meanwhile
            if lines(self._house).leave(who.session, self._line):
                desk_of(self._house).gone(who, False)
            return
        self._say(id_, outcome)

    def _refuse(self, id_: int, problem: Problem, joined: Who | None) -> None:
        if joined is not None:
            lines(self._house).leave(joined.session, self._line)
        self._say(id_, problem)
        self._line.end(_CODES.get(problem.status, AGAIN if problem.retry else BAD), problem.code)

    def _over(self) -> Who | None:
        """The end, once: whoever was here by this line."""
        with self._lock:
            self._state, who, self._who = _OVER, self._who, None
        if who is not None and lines(self._house).leave(who.session, self._line):
            return who
        return None

    def _leave(self, id_: int, outcome: Answer | Problem) -> None:
        self._say(id_, outcome if isinstance(outcome, Problem) else Answer(id=id_))
        self._line.end(1000, "bye")

    def _look(self, who: Who) -> None:
        """In the clerk's thread: is the program's seat still what it was?"""
        try:
            with self._house.store.read(system("seats")) as tx:
                found = register.key_of(tx, who.seat)
        except Problem:
            self._line.say(ByeSaid(reason="revoked"))
            self._line.end(UNPROVEN, "revoked")
            return
        now = register.who_of(found, who.session, who.person)
        with self._lock:
            if self._who is not None:
                self._who = now


def _person(actor: Actor, session: str, seat: str, seat_name: str, person: str) -> Who:
    viewer, takes = not actor.may(register.HOLD), actor.may("seats.lock.take")
    return Who(actor.organization, session, seat, seat_name, viewer, takes, person, actor)


def refused(house: "House", lang: str, id_: int | None, problem: Problem) -> Refused:
    """A Problem as a message, in the caller's language."""
    plain = {k: v for k, v in problem.params.items() if v is None or isinstance(v, str | int | float | bool)}
    key = f"{problem.code}.title"
    title = house.texts.get(key, lang, **plain) if house.texts.has(key) else problem.code
    return Refused(
        id=id_, code=problem.code, retry=problem.retry, title=title, parameters=dict(problem.params)
    )


SOCKETS = (
    Socket(
        "/seats/live", "seats.live", PROTOCOL, talk, None, why_open=WHY_OPEN, exempt=True, most_bytes=messages.LONGEST,
        tags=("seats",),
    ),
)  # fmt: skip
PROBLEMS = (
    "seats.bad_message",
    "seats.here_already",
    "seats.not_here",
    "seats.not_proven",
)
