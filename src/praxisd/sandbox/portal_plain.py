"""What tests, demos and integrators see of the simulated portal, and how they set it up. Without a key, as it is a game."""

from datetime import date, timedelta
from typing import Any
from urllib.parse import unquote

from praxisd.sandbox.door import Answer, Bad, Call, Function, Route, as_json
from praxisd.sandbox.portal import Board
from praxisd.sandbox.portal_booking import OPEN, Booking, patient_of
from praxisd.sandbox.portal_faults import Faults, Guard
from praxisd.sandbox.portal_times import Wrong, calendar_of, instant, midnight, shown, words

_NOTE_MOST = 500


def routes(board: Board, faults: Faults, guard: Guard) -> tuple[Route, ...]:
    """`/calendars`, `/blockers`, `/uploads`, `/bookings`, `/free`, `/status`, `/traffic`, `/faults`."""

    def booking(change: Any) -> Function:
        return lambda call: as_json(change(call.path["id"]).json(board.zone))

    return (
        ("GET", "/calendars", lambda _: as_json([one.json() for one in board.calendars()])),
        ("POST", "/calendars", lambda call: _calendar(board, call)),
        ("DELETE", "/calendars/{name}", lambda call: _gone(board, call)),
        ("GET", "/blockers", lambda _: as_json(_blockers(board))),
        ("POST", "/blockers", lambda call: _block(board, call)),
        ("DELETE", "/blockers/{id}", lambda call: _unblock(board, call)),
        ("GET", "/uploads", lambda call: _uploads(board, call)),
        ("GET", "/bookings", lambda _: as_json([one.json(board.zone) for one in board.bookings()])),
        ("POST", "/bookings", lambda call: as_json(_book(board, call).json(board.zone), 201)),
        ("GET", "/bookings/{id}", booking(board.booking)),
        ("POST", "/bookings/{id}/cancel", booking(board.cancel)),
        ("POST", "/bookings/{id}/yes", booking(lambda id_: board.decide(id_, True))),
        ("POST", "/bookings/{id}/no", booking(lambda id_: board.decide(id_, False))),
        ("GET", "/free", lambda call: _free(board, call)),
        ("GET", "/status", lambda _: _status(board, faults)),
        ("GET", "/traffic", lambda _: as_json(list(guard.traffic))),
        ("GET", "/faults", lambda _: as_json(faults.state())),
        ("POST", "/faults", lambda call: _faults(faults, call)),
    )


def note_of(fields: Any) -> str:
    """What the patient adds; Wrong if it is too long."""
    value = fields.get("note") or ""
    if not isinstance(value, str) or len(value) > _NOTE_MOST:
        raise Wrong("note_invalid")
    text = value.replace("\r\n", "\n").strip()
    if not text.replace("\n", " ").isprintable():
        raise Wrong("note_invalid")
    return text


def _calendar(board: Board, call: Call) -> Answer:
    try:
        calendar = calendar_of(call.table())
    except Wrong as wrong:
        raise Bad(str(wrong), 422) from None
    board.put_calendar(calendar)
    return as_json(calendar.json())


def _gone(board: Board, call: Call) -> Answer:
    board.drop_calendar(unquote(call.path["name"]))
    return Answer(204)


def _blockers(board: Board) -> list[dict[str, str]]:
    return [
        {"id": id_, "calendar": name, "start": shown(start, board.zone), "end": shown(end, board.zone)}
        for id_, name, start, end in board.blockers()
    ]


def _block(board: Board, call: Call) -> Answer:
    fields = call.table()
    try:
        name = words(fields.get("calendar"), 80, "calendar_invalid")
        start, end = (instant(fields.get(one), board.zone) for one in ("start", "end"))
    except Wrong as wrong:
        raise Bad(str(wrong), 422) from None
    id_ = board.block(name, start, end)
    return as_json(
        {"id": id_, "calendar": name, "start": shown(start, board.zone), "end": shown(end, board.zone)}, 201
    )


def _unblock(board: Board, call: Call) -> Answer:
    board.unblock(call.path["id"])
    return Answer(204)


def _uploads(board: Board, call: Call) -> Answer:
    name = call.query.get("calendar")
    return as_json([one.json(board.zone) for one in board.uploads() if name in (None, one.calendar)])


def _book(board: Board, call: Call) -> Booking:
    fields = call.table()
    try:
        name = words(fields.get("calendar"), 80, "calendar_invalid")
        start = instant(fields.get("start"), board.zone)
        patient, note = patient_of(fields.get("patient"), board.today), note_of(fields)
        service = words(fields["service"], 80, "service_unknown") if fields.get("service") else ""
    except Wrong as wrong:
        raise Bad(str(wrong), 422) from None
    return board.book(name, service, start, patient, note)


def _free(board: Board, call: Call) -> Answer:
    """Free starts of a day, or of the whole period."""
    calendar = board.calendar(call.query.get("calendar", ""))
    try:
        service = calendar.service(call.query.get("service", ""))
        since, until = board.period(calendar.name)
        if "date" in call.query:
            day = date.fromisoformat(call.query["date"])
            since, until = midnight(day, board.zone), midnight(day + timedelta(days=1), board.zone)
    except Wrong as wrong:
        raise Bad(str(wrong), 422) from None
    except (ValueError, OverflowError):
        raise Bad("date_invalid", 422) from None
    found = board.free(calendar.name, service, since, until)
    return as_json({"minutes": service.minutes, "free": [shown(one, board.zone) for one in found]})


def _status(board: Board, faults: Faults) -> Answer:
    last = {one.calendar: one for one in board.uploads()}
    bookings = board.bookings()
    calendars = []
    for one in board.calendars():
        upload = last.get(one.name)
        mine = [booking for booking in bookings if booking.calendar == one.name]
        calendars.append({
            "name": one.name,
            "busy": len(board.busy(one.name)),
            "uploaded": None if upload is None else len(upload.busy),
            "uploadedAt": None if upload is None else upload.json(board.zone)["at"],
            "bookings": len(mine),
            "open": sum(booking.state in OPEN for booking in mine),
        })  # fmt: skip
    return as_json({
        "now": shown(int(board.now()), board.zone), "zone": str(board.zone), "calendars": calendars,
        "uploads": board.told, "bookings": len(bookings), "faults": faults.state(),
    })  # fmt: skip


def _faults(faults: Faults, call: Call) -> Answer:
    fields = call.table()
    if set(fields) - {"next", "always", "rate", "seed", "kinds", "doors", "delay"}:
        raise Bad("field_unknown", 422)
    if not all(isinstance(fields.get(one, []), list | None) for one in ("next", "kinds", "doors")):
        raise Bad("malformed", 422)
    try:
        faults.set(
            next_=fields.get("next"),
            always=(fields["always"] or "") if "always" in fields else None,
            rate=fields.get("rate"),
            seed=fields.get("seed"),
            kinds=fields.get("kinds"),
            doors=fields.get("doors"),
            delay_s=fields.get("delay"),
        )
    except (ValueError, TypeError) as error:
        raise Bad(f"{error}_invalid" if str(error).isalpha() else "malformed", 422) from None
    return as_json(faults.state())
