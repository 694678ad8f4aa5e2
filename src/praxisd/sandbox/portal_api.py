"""The simulated portal as one that talks both ways: busy times go in, bookings come out, answers go back."""

import hashlib
import hmac
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from praxisd.sandbox.door import Answer, Bad, Call, Route, as_json
from praxisd.sandbox.portal import Board
from praxisd.sandbox.portal_faults import Guard
from praxisd.sandbox.portal_times import Calendar, Span, Wrong, instant, shown

PAGE = 200
MOST_SPANS = 20_000
SIGNATURE = "x-signature"


def owner(key: str, given: str) -> bool:
    """Whether the key given is the right one."""
    return hmac.compare_digest(key.encode(), given.encode())


def signature(secret: str, body: bytes) -> str:
    """What `X-Signature` must say where the portal wants what is written signed."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def routes(board: Board, guard: Guard, key: str, secret: str) -> tuple[Route, ...]:
    """`/api/…`."""

    def check(call: Call) -> None:
        if not owner(key, call.bearer):
            raise Bad("unauthorized", 401)
        if secret and call.method in ("PUT", "POST"):
            given = call.headers.get(SIGNATURE, "")
            if not hmac.compare_digest(given.encode(), signature(secret, call.body).encode()):
                raise Bad("signature_invalid", 401)

    found = {
        ("GET", "/api/calendars"): _calendars,
        ("GET", "/api/calendars/{name}"): lambda board, call: as_json(_shown(board, _calendar(board, call))),
        ("GET", "/api/calendars/{name}/busy"): _busy,
        ("PUT", "/api/calendars/{name}/busy"): _upload,
        ("GET", "/api/calendars/{name}/hours"): _hours,
        ("GET", "/api/calendars/{name}/blockers"): _blockers,
        ("GET", "/api/bookings"): _bookings,
        ("POST", "/api/bookings/{id}/answer"): _answer,
    }
    return tuple(
        (method, path, guard("api", lambda call, function=function: function(board, call), check))  # type: ignore[misc]
        for (method, path), function in found.items()
    )


def spans(value: Any, zone: ZoneInfo | None, first: str = "start", last: str = "end") -> list[Span]:
    """A list of times `{start, end}`; Wrong if one of them is none."""
    if not isinstance(value, list) or len(value) > MOST_SPANS:
        raise Wrong("busy_invalid")
    found = []
    for one in value:
        if not isinstance(one, dict):
            raise Wrong("busy_invalid")
        start, end = instant(one.get(first), zone), instant(one.get(last), zone)
        if start >= end:
            raise Wrong("time_invalid")
        found.append((start, end))
    return found


def said(found: list[Span], zone: ZoneInfo) -> list[dict[str, str]]:
    """Spans as on the wire."""
    return [{"start": shown(start, zone), "end": shown(end, zone)} for start, end in found]


def _calendar(board: Board, call: Call) -> Calendar:
    return board.calendar(unquote(call.path["name"]))


def _shown(board: Board, one: Calendar) -> dict[str, Any]:
    """A calendar with the period it wants to know about."""
    span = said([board.period(one.name)], board.zone)[0]
    services = [{"name": kind.name, "minutes": kind.minutes} for kind in one.services]
    return {"name": one.name, **span, "period": span, "zone": str(board.zone), "services": services}


def _calendars(board: Board, _: Call) -> Answer:
    return as_json({"calendars": [_shown(board, one) for one in board.calendars()]})


def _window(board: Board, call: Call, name: str) -> Span:
    """The part of the period that is asked for."""
    start, end = board.period(name)
    try:
        since = instant(call.query["start"]) if "start" in call.query else start
        until = instant(call.query["end"]) if "end" in call.query else end
    except Wrong as wrong:
        raise Bad(str(wrong), 422) from None
    if since >= until:
        raise Bad("time_invalid", 422)
    return since, until


def _clipped(found: list[Span], window: Span) -> list[Span]:
    since, until = window
    return [(max(start, since), min(end, until)) for start, end in found if start < until and end > since]


def _busy(board: Board, call: Call) -> Answer:
    calendar = _calendar(board, call)
    window = _window(board, call, calendar.name)
    found = _clipped(board.busy(calendar.name), window)
    span = said([window], board.zone)[0]
    return as_json({"calendar": calendar.name, **span, "busy": said(found, board.zone)})


def _upload(board: Board, call: Call) -> Answer:
    calendar, fields = _calendar(board, call), call.table()
    try:
        start, end = instant(fields.get("start")), instant(fields.get("end"))
        busy = spans(fields.get("busy"), None)
    except Wrong as wrong:
        raise Bad(str(wrong), 422) from None
    if start >= end:
        raise Bad("time_invalid", 422)
    made = board.upload(calendar.name, "api", (start, end), busy, len(call.body))
    return as_json({"taken": len(made.busy)})


def _hours(board: Board, call: Call) -> Answer:
    calendar = _calendar(board, call)
    start, end = _window(board, call, calendar.name)
    return as_json({"hours": said(board.hours(calendar.name, start, end), board.zone)})


def _blockers(board: Board, call: Call) -> Answer:
    calendar = _calendar(board, call)
    since, until = _window(board, call, calendar.name)
    found = [
        {"id": id_, **said([(start, end)], board.zone)[0]}
        for id_, _, start, end in board.blockers(calendar.name)
        if start < until and end > since
    ]
    return as_json({"blockers": found})


def _number(call: Call, name: str, low: int, high: int) -> int | None:
    value = call.query.get(name)
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 18 and low <= int(value) <= high):
        raise Bad(f"{name}_invalid", 422)
    return int(value)


def _bookings(board: Board, call: Call) -> Answer:
    limit = _number(call, "limit", 1, PAGE) or PAGE
    page, mark, more = board.feed(_number(call, "since", 0, 10**17), limit)
    return as_json({"bookings": [one.json(board.zone) for one in page], "mark": str(mark), "more": more})


def _answer(board: Board, call: Call) -> Answer:
    return as_json(board.answer(call.path["id"], call.table()).json(board.zone))
