"""REST operations of the booking desk: the inbox of requests, and every decision about one (SPEC 3.7, 1.12, 1.13)."""

from msgspec import UNSET

from praxisd.kernel.clock import parse_rfc3339, zone
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Answer, Call, Route
from praxisd.model.portals import BookingRequest, Told
from praxisd.services.directory import api as directory
from praxisd.services.portals import chain, deciding, desk_shapes, desk_views, requests, requests_store, store

READ, WRITE = "portals.request.read", "portals.request.write"
_GROUPS = {
    "open": ("open",),
    "asked": ("asked",),
    "decided": requests_store.DECIDED,
    None: (*requests_store.WAITING, *requests_store.DECIDED),
}


def search(call: Call) -> desk_shapes.Requests:
    """Requests of one group with what is missing in each, and how many wait in all."""
    body: desk_shapes.RequestSearch = call.body
    newest = body.state in ("decided", None)
    with call.read() as tx:
        found, cursor = requests_store.page(tx, _GROUPS[body.state], body.cursor, body.limit, newest=newest)
        shown = desk_views.views(call.house, tx, found, call.lang)
        return desk_shapes.Requests(requests=shown, next=cursor, counts=desk_views.counts(tx))


def read(call: Call) -> Answer:
    """One request, whole: the message, both persons side by side, the chain."""
    with call.read() as tx:
        one = store.REQUESTS.need(tx, call.path["id"])
        shown = desk_views.view(call.house, tx, one, call.lang)
        ids = (
            []
            if shown.patient is None
            else [shown.patient.id, *(each.id for each in shown.matching.candidates)]
        )
        people = directory.contacts(tx, ids)
    directory.saw(call.house, call.actor, people.values())
    return Answer(shown, version=one.version)


def _answer(call: Call, one: BookingRequest) -> Answer:
    return Answer(desk_views.view(call.house, call.writing, one, call.lang), version=one.version)


def accept(call: Call) -> Answer:
    """Accept, with the wanted length; portal and patient hear of it."""
    body: desk_shapes.AcceptIn = call.body
    tx = call.writing
    one = deciding.need(tx, call.path["id"], call.if_match)
    start = None if body.start is None else parse_rfc3339(body.start, "start")
    return _answer(
        call,
        deciding.accept(
            call.house, tx, one, minutes=body.minutes, service=body.service, schedules=body.schedules,
            patient=body.patient, start=start, note=body.note,
        ),
    )  # fmt: skip


def refuse(call: Call) -> Answer:
    """Refuse with a reason; the time is free, portal and patient hear why."""
    one = deciding.need(call.writing, call.path["id"], call.if_match)
    return _answer(call, deciding.refuse(call.house, call.writing, one, call.body.reason, call.body.words))


def propose(call: Call) -> Answer:
    """Propose another time, which is kept until the patient answers or the proposal lapses."""
    body: desk_shapes.ProposeIn = call.body
    tx = call.writing
    one = deciding.need(tx, call.path["id"], call.if_match)
    until = None if body.until is None else parse_rfc3339(body.until, "until")
    start = parse_rfc3339(body.start, "start")
    return _answer(call, deciding.propose(call.house, tx, one, start, body.minutes, body.schedules, until))


def withdraw(call: Call) -> Answer:
    """The patient does not want it any more: the time is free, the portal hears of it."""
    one = deciding.need(call.writing, call.path["id"], call.if_match, "open", "asked", "accepted")
    return _answer(call, deciding.withdraw(call.house, call.writing, one))


def answer(call: Call) -> Answer:
    """What the patient said to the proposed time, on the telephone."""
    one = deciding.need(call.writing, call.path["id"], call.if_match)
    return _answer(call, deciding.answered(call.house, call.writing, one, call.body.accepted))


def complete(call: Call) -> Answer:
    """Fill in what could not be read: the person is looked up, the time is blocked."""
    body: desk_shapes.CompleteIn = call.body
    tx = call.writing
    one = deciding.need(tx, call.path["id"], call.if_match, "open")
    told = (
        one.told if body.told is UNSET else Told(**{f: getattr(body.told, f) for f in Told.__struct_fields__})
    )
    start = one.start if body.start is UNSET else parse_rfc3339(body.start, "start")
    return _answer(
        call,
        requests.complete(
            call.house, tx, one, told=told, start=start,
            service=one.service if body.service is UNSET else body.service,
            schedule=one.schedule if body.schedule is UNSET else body.schedule,
            minutes=None if body.minutes is UNSET else body.minutes,
        ),
    )  # fmt: skip


def read_chain(call: Call) -> desk_shapes.Chain:
    """How far a booking is: requested, held, in the calendar, on the portals, confirmed to the patient."""
    if call.actor.portal is not None:
        raise Problem("access.forbidden", 403, permission="calendar.appointment.read")
    with call.read() as tx:
        here = zone(directory.organization(tx).zone)
        steps = chain.of_appointment(call.house, tx, call.path["id"])
        return desk_shapes.Chain(steps=chain.shown(call.house, steps, here, call.lang))


_TAGS = ("booking desk",)
_MISSING = ((404, "http.not_found"),)
_DECIDE = (*_MISSING, (409, "portals.request_decided"))
_TIME = ((400, "clock.naive_time"), (400, "clock.bad_time"))
_PLACE = (
    (409, "portals.request_incomplete"),
    (409, "portals.request_nobody"),
    (409, deciding.CHANGES),
    (409, deciding.CANCELS),
    (409, "calendar.slot_taken"),
    (409, "calendar.status_change"),
    (422, "calendar.service_unknown"),
    (422, "calendar.schedule_unfit"),
    (422, "calendar.end_missing"),
    (422, "calendar.wrong_duration"),
)
_PERSON = (
    (422, "directory.patient_unknown"),
    (422, "directory.patient_inactive"),
    (409, "directory.match_decided"),
    (409, "directory.merge_impossible"),
    (409, "directory.merge_blocked"),
    (423, "seats.locked"),
)


def _decision(name: str, call: object, body: type, problems: tuple[tuple[int, str], ...]) -> Route:
    return Route(
        "POST", f"/requests/{{id}}/{name}", f"requests.{name}", call, WRITE, answer=desk_shapes.RequestOut, body=body,  # type: ignore[arg-type]
        problems=(*_DECIDE, *problems), tags=_TAGS,
    )  # fmt: skip


ROUTES = (
    Route(
        "POST", "/requests/search", "requests.search", search, READ, answer=desk_shapes.Requests,
        body=desk_shapes.RequestSearch, transaction=False, tags=_TAGS,
    ),
    Route(
        "GET", "/requests/{id}", "requests.read", read, READ, answer=desk_shapes.RequestOut, problems=_MISSING, tags=_TAGS
    ),
    Route(
        "PUT", "/requests/{id}", "requests.complete", complete, WRITE, answer=desk_shapes.RequestOut,
        body=desk_shapes.CompleteIn, problems=(*_DECIDE, *_TIME, *_PLACE, *_PERSON, (422, "portals.time_past")), tags=_TAGS,
    ),
    _decision("accept", accept, desk_shapes.AcceptIn, (*_PLACE, *_PERSON, *_TIME)),
    _decision("refuse", refuse, desk_shapes.RefuseIn, ()),
    _decision(
        "propose", propose, desk_shapes.ProposeIn,
        (*_PLACE, *_TIME, (422, "portals.time_past"), (422, "portals.until_unfit")),
    ),
    _decision("withdraw", withdraw, desk_shapes.WithdrawIn, ((409, "calendar.status_change"),)),
    _decision("answer", answer, desk_shapes.AnswerIn, ((409, "portals.not_asked"), *_PLACE)),
    Route(
        "GET", "/appointments/{id}/chain", "appointments.chain", read_chain, "calendar.appointment.read",
        answer=desk_shapes.Chain, problems=(*_MISSING, (403, "access.forbidden")), tags=("appointments",),
    ),
)  # fmt: skip
