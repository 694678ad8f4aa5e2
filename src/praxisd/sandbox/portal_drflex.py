"""The simulated portal as Dr.Flex: asks for a period at one address, takes all busy times of it at another (seed 001).

Dr.Flex publishes no names of fields, so they can be set (`POST /drflex/names`), as the real ones can in praxisd.
"""

from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from praxisd.sandbox.door import Answer, Bad, Call, Route, as_json
from praxisd.sandbox.portal import Board
from praxisd.sandbox.portal_api import owner, spans
from praxisd.sandbox.portal_faults import Guard
from praxisd.sandbox.portal_times import Wrong, instant, shown, words

NAMES = {
    "header": "X-API-Key",
    "calendar": "calendar",
    "start": "start",
    "end": "end",
    "appointments": "appointments",
    "from": "start",
    "to": "end",
    "accepted": "accepted",
    "format": "rfc3339",
}
FORMATS = ("rfc3339", "local")
_STORE = "drflex"


def routes(board: Board, guard: Guard, key: str) -> tuple[Route, ...]:
    """`/drflex/period`, `/drflex/upload`, `/drflex/names`."""

    def check(call: Call) -> None:
        given = call.headers.get(names(board)["header"].lower(), "")
        if not owner(key, given) and not owner(key, call.bearer):
            raise Bad("unauthorized", 401)

    asked = guard("drflex", lambda call: _period(board, call), check)
    taken = guard("drflex", lambda call: _upload(board, call), check)
    return (
        ("GET", "/drflex/period", asked),
        ("GET", "/drflex/period/{name}", asked),
        ("POST", "/drflex/upload", taken),
        ("POST", "/drflex/upload/{name}", taken),
        ("PUT", "/drflex/upload", taken),
        ("PUT", "/drflex/upload/{name}", taken),
        ("GET", "/drflex/names", lambda _: as_json(names(board))),
        ("POST", "/drflex/names", lambda call: _rename(board, call)),
    )


def names(board: Board) -> dict[str, str]:
    """How the fields are called now."""
    return {**NAMES, **(board.stored(_STORE) or {})}


def _rename(board: Board, call: Call) -> Answer:
    fields = call.table()
    if set(fields) - set(NAMES) or fields.get("format", "rfc3339") not in FORMATS:
        raise Bad("field_unknown", 422)
    try:
        board.store(_STORE, {name: words(value, 60, f"{name}_invalid") for name, value in fields.items()})
    except Wrong as wrong:
        raise Bad(str(wrong), 422) from None
    return as_json(names(board))


def _name(call: Call, known: dict[str, str], fields: dict[str, Any]) -> str:
    """The calendar meant: in the path, the query or the body."""
    found = call.path.get("name") or call.query.get(known["calendar"]) or fields.get(known["calendar"]) or ""
    if not isinstance(found, str):
        raise Bad("malformed")
    return unquote(found) if "name" in call.path else found


def _shown(at: int, known: dict[str, str], zone: ZoneInfo) -> str:
    said = shown(at, zone)
    return said[:19] if known["format"] == "local" else said


def _period(board: Board, call: Call) -> Answer:
    known = names(board)
    name = _name(call, known, {})
    start, end = board.period(name)
    return as_json({
        known["calendar"]: name,
        known["start"]: _shown(start, known, board.zone),
        known["end"]: _shown(end, known, board.zone),
    })  # fmt: skip


def _upload(board: Board, call: Call) -> Answer:
    known, fields = names(board), call.table()
    name = _name(call, known, fields)
    board.calendar(name)
    try:
        start, end = (instant(fields.get(known[one]), board.zone) for one in ("start", "end"))
        busy = spans(fields.get(known["appointments"]), board.zone, known["from"], known["to"])
    except Wrong as wrong:
        raise Bad(str(wrong), 422) from None
    if start >= end:
        raise Bad("time_invalid", 422)
    made = board.upload(name, "drflex", (start, end), busy, len(call.body))
    return as_json({known["accepted"]: len(made.busy)})
