"""A throw-away service for the tests of the doors: few routes that count what they did.

What it stores is one number per name, kept in a cursor of the kernel, so it needs no tables of its own.
"""

import threading
import time
from typing import Annotated

import msgspec
from msgspec import Meta

from praxisd.kernel import events
from praxisd.kernel.access import Actor, Kind
from praxisd.kernel.app import House, State
from praxisd.kernel.engines import Conflict, Violation
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.service import Answer, Call, EventType, Permission, Raw, Route, Service

CANARY = "Kanarienvogel"
KEYS = {
    "all": frozenset({"sample.note.read", "sample.note.write"}),
    "other": frozenset({"sample.note.read", "sample.note.write"}),
    "reader": frozenset({"sample.note.read"}),
    "nothing": frozenset[str](),
    "metrics": frozenset({"kernel.metrics.read"}),
}
gate = threading.Event()
"""Set: slow operations go on at once."""
gate.set()
entered = threading.Event()
"""Set by a slow operation as soon as it is inside."""
conflicts = 0


class Filter(msgspec.Struct, rename="camel", frozen=True):
    """Query of the list."""

    word: str | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 10
    wide: int | None = None
    schedule: list[str] = []
    only_open: bool = False


class NewNote(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Body of a write."""

    title: Annotated[str, Meta(min_length=1, max_length=40)]
    amount: int = 1
    mode: str = "ok"
    kind: str | None = None


class Cancel(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Body whose fields may all be left out."""

    reason: str | None = None


class Note(msgspec.Struct, rename="camel", frozen=True):
    """Answer."""

    id: str
    count: int
    schedules: list[str] = []


class Seen(msgspec.Struct, rename="camel", frozen=True):
    """What the door made of a request."""

    lang: str
    base_url: str
    if_match: int | None
    fence: int | None
    word: str | None
    limit: int
    schedules: list[str]
    has_secret: bool
    organization: str


def listed(call: Call) -> Answer:
    """What the door saw

    Echoes the decoded request.
    """
    query = call.query
    seen = Seen(
        lang=call.lang,
        base_url=call.base_url,
        if_match=call.if_match,
        fence=call.fence,
        word=query.word,
        limit=query.limit,
        schedules=query.schedule,
        has_secret="authorization" in call.headers,
        organization=call.actor.organization,
    )
    return Answer(seen, etag="list-1")


def read(call: Call) -> Answer:
    """One note"""
    name = call.path["id"]
    if name == "unknown":
        raise not_found("Note")
    if name == "broken":
        raise RuntimeError(f"patient {CANARY} not expected")
    if name == "busy":
        raise Conflict(CANARY)
    if name == "violated":
        raise Violation(CANARY)
    if name == "away":
        raise _outage(call.house)
    if name == "frozen":
        raise _thrown_out(call.house)
    if name == "stuck":
        entered.set()
        time.sleep(30)
    if name == "slow":
        entered.set()
        gate.wait(10)
    with call.read() as tx:
        return Answer(Note(name, events.cursor(tx, f"sample:{name}")), version=7)


def _outage(house: House) -> Exception:
    if house.store.engine.name == "sqlite":
        import sqlite3

        error: Exception = sqlite3.OperationalError(CANARY)
        error.sqlite_errorcode = 13  # type: ignore[attr-defined]  # SQLITE_FULL
        return error
    import psycopg

    return psycopg.OperationalError(CANARY)


def _thrown_out(house: House) -> Exception:
    """What PostgreSQL says to who stood still in a transaction; SQLite knows nothing like it."""
    if house.store.engine.name == "sqlite":
        return _outage(house)
    from psycopg import errors

    return errors.IdleInTransactionSessionTimeout(CANARY)


def write(call: Call) -> Answer:
    """Count up"""
    global conflicts
    tx, body = call.writing, call.body
    count = events.cursor(tx, f"sample:{body.title}") + body.amount
    events.set_cursor(tx, f"sample:{body.title}", count)
    if body.mode == "event":
        events.note(tx, "sample.counted", "Note", "n1")
    if body.mode == "refuse":
        raise Problem("sample.refused", 409)
    if body.mode == "again":
        raise Problem("sample.refused", 409, retry=True)
    if body.mode == "limited":
        raise Problem("sample.refused", 429, retry=False)
    if body.mode == "crash":
        raise RuntimeError(CANARY)
    if body.mode == "slow":
        entered.set()
        gate.wait(10)
    if body.mode == "conflict_once":
        conflicts += 1
        if conflicts % 2:
            raise Conflict("deadlock")
    if body.mode == "secret":
        return Answer(Note("secret", count), 201, headers={"Cache-Control": "no-store"})
    return Answer(
        Note(body.title, count), 201, version=count, headers={"Location": f"/api/v1/notes/{body.title}"}
    )


def change(call: Call) -> Answer:
    """Change a note"""
    if call.if_match is not None and call.if_match != 7:
        raise Problem("resource.stale", 412, kind="Note")
    return Answer(Note(call.path["id"], call.fence or 0), version=8)


def cancel(call: Call) -> Answer:
    """Cancel a note"""
    return Answer(Note(call.path["id"], len(call.body.reason or "")))


def drop(call: Call) -> None:
    """Drop a note"""
    events.set_cursor(call.writing, f"sample:{call.path['id']}", 0)


def quick(call: Call) -> Answer | None:
    """From memory"""
    if call.query is not None and call.query.word == "thread":
        return None
    return Answer(b'{"quick":true}', etag="q1")


def in_thread(_call: Call) -> Answer:
    """From memory or a thread"""
    return Answer(
        threading.current_thread().name.encode(), headers={"X-Thread": threading.current_thread().name}
    )


def prepared(call: Call) -> Answer:
    """With slow work before the transaction"""
    return Answer(Note(call.prepared, 1), 201)


def prepare(call: Call) -> str:
    """Slow work outside of any transaction."""
    with call.house.store.write(call.actor) as tx:  # would fail inside a transaction on SQLite
        tx.raw("SELECT 1")
    return "prepared" if call.body.mode != "refuse" else _refuse()


def _refuse() -> str:
    raise Problem("sample.refused", 409)


def feed(call: Call) -> Raw:
    """A calendar file"""
    return Raw(f"BEGIN:{call.path['token']}".encode(), "text/calendar; charset=utf-8")


def sleepy(call: Call) -> Answer:
    """Takes until the server ends, and a while"""
    entered.set()
    end = time.monotonic() + 20
    while call.house.state is not State.DRAINING and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.2)
    return Answer(b'{"slept":true}')


READ, WRITE = "sample.note.read", "sample.note.write"
SERVICE = Service(
    name="sample",
    package=__name__,
    events=(EventType("sample.counted"),),
    permissions=(Permission(READ), Permission(WRITE)),
    problems=("sample.refused",),
    routes=(
        Route("GET", "/notes", "sample.list", listed, READ, answer=Seen, query=Filter),
        Route(
            "GET", "/notes/{id}", "sample.read", read, READ, answer=Note, problems=((404, "http.not_found"),)
        ),
        Route(
            "POST",
            "/notes",
            "sample.write",
            write,
            WRITE,
            answer=Note,
            body=NewNote,
            status=201,
            problems=((409, "sample.refused"), (429, "sample.refused")),
        ),
        Route("PATCH", "/notes/{id}", "sample.change", change, WRITE, answer=Note, body=Cancel),
        Route("POST", "/notes/{id}/cancel", "sample.cancel", cancel, WRITE, answer=Note, body=Cancel),
        Route("DELETE", "/notes/{id}", "sample.drop", drop, WRITE, status=204),
        Route("GET", "/quick", "sample.quick", in_thread, READ, query=Filter, quick=quick),
        Route(
            "POST",
            "/prepared",
            "sample.prepared",
            prepared,
            WRITE,
            answer=Note,
            body=NewNote,
            status=201,
            prepare=prepare,
            problems=((409, "sample.refused"),),
        ),
        Route("GET", "/sleepy", "sample.sleepy", sleepy, READ),
        Route(
            "GET",
            "/feeds/{token}.ics",
            "sample.feed",
            feed,
            None,
            why_open="the token in the address is the secret",
            root=True,
            media_type="text/calendar; charset=utf-8",
        ),
    ),
)


def authenticate(_house: House, secret: str, _address: str | None) -> Actor:
    """Keys of the tests: the secret is the name of a set of permissions."""
    if secret not in KEYS:
        raise Problem("accounts.key_missing", 401)
    return Actor(Kind.KEY, secret, "practice", KEYS[secret])


limited_actors: set[str] = set()


def take(_house: House, actor: Actor) -> None:
    """Rate limit of the tests: whoever is in `limited_actors` came too often."""
    if actor.id in limited_actors:
        raise Problem("accounts.rate_limited", 429, retry=True, headers={"Retry-After": "3"}, seconds=3)
