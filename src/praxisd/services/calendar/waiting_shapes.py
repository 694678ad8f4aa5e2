"""The waiting list as the door shows it: entries, rounds, offers."""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from praxisd.kernel.service import Cursor
from praxisd.kernel.store import Tx
from praxisd.model.waiting import EntryState, OfferState, RoundState, WaitingEntry
from praxisd.services.calendar import fitting, shapes, waiting_store
from praxisd.services.calendar.conflict_shapes import Person
from praxisd.services.calendar.shapes import In, Out
from praxisd.services.calendar.view import views
from praxisd.services.calendar.waiting_store import Offer, Round
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

FITS_SHOWN = 20
Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
Columns = Annotated[tuple[shapes.Id, ...], Meta(max_length=50)]
Days = Annotated[tuple[Annotated[int, Meta(ge=1, le=7)], ...], Meta(max_length=7)]
Notice = Annotated[int, Meta(ge=0, le=43_200)]


class EntryIn(In, frozen=True, kw_only=True):
    """Who waits for what, and when they could come. `replaces`: an appointment given up for an earlier one."""

    patient: shapes.Id
    service: shapes.Id
    schedules: Columns = ()
    days: Days = ()
    from_: Clock | None = msgspec.field(name="from", default=None)
    to: Clock | None = None
    first: date | None = None
    last: date | None = None
    notice_minutes: Notice = 120
    note: shapes.Note | None = None
    replaces: shapes.Id | None = None


class EntryPut(In, frozen=True, kw_only=True):
    """What to change of an entry; fields not given stay."""

    patient: shapes.Id | UnsetType = UNSET
    service: shapes.Id | UnsetType = UNSET
    schedules: Columns | UnsetType = UNSET
    days: Days | UnsetType = UNSET
    from_: Clock | None | UnsetType = msgspec.field(name="from", default=UNSET)
    to: Clock | None | UnsetType = UNSET
    first: date | None | UnsetType = UNSET
    last: date | None | UnsetType = UNSET
    notice_minutes: Notice | UnsetType = UNSET
    note: shapes.Note | None | UnsetType = UNSET
    replaces: shapes.Id | None | UnsetType = UNSET


class EntryOut(Out, frozen=True, kw_only=True):
    """An entry. `offer`: its open offer, if it has one. Masked callers see neither patient nor note."""

    id: str
    version: int
    state: EntryState
    patient: Person | None
    service: str
    schedules: tuple[str, ...]
    days: tuple[int, ...]
    from_: str | None = msgspec.field(name="from")
    to: str | None
    first: date | None
    last: date | None
    notice_minutes: int
    note: str | None
    replaces: str | None
    created: str
    offer: str | None


class Entries(Out, frozen=True, kw_only=True):
    """A page of entries, first come first."""

    entries: list[EntryOut]
    next: str | None = None


class EntriesIn(In, frozen=True, kw_only=True):
    """Which entries."""

    state: EntryState | None = None
    service: shapes.Id | None = None
    limit: shapes.Limit = 50
    cursor: Cursor | None = None


class OfferIn(In, frozen=True, kw_only=True):
    """A time offered by hand: the type is the entry's. `round`: the free time it is offered from, if it is one shown."""

    entry: shapes.Id
    start: shapes.Time
    schedules: Annotated[tuple[shapes.Id, ...], Meta(max_length=8)] = ()
    round: shapes.Id | None = None


class OfferOut(Out, frozen=True, kw_only=True):
    """An offer. `until`: from then on the next one is asked too; it stays good as long as it is open."""

    id: str
    round: str
    entry: str
    patient: Person | None
    service: str
    start: str
    end: str
    schedules: tuple[str, ...]
    state: OfferState
    made_at: str
    until: str
    answered_at: str | None
    appointment: str | None


class Offers(Out, frozen=True, kw_only=True):
    """A page of offers, latest made first."""

    offers: list[OfferOut]
    next: str | None = None


class OffersIn(In, frozen=True, kw_only=True):
    """Which offers."""

    round: shapes.Id | None = None
    entry: shapes.Id | None = None
    state: OfferState | None = None
    limit: shapes.Limit = 50
    cursor: Cursor | None = None


class FitOut(Out, frozen=True, kw_only=True):
    """Who would fit, with the appointment it would be."""

    entry: str
    patient: Person | None
    service: str
    start: str
    end: str
    schedules: tuple[str, ...]


class RoundOut(Out, frozen=True, kw_only=True):
    """A time that became free. `found`: shown, free for all; `running`: kept, offers are out; `ended` (`how`: accepted,
    empty, taken, past, stopped). `automatic`: it is offered on by itself. `fits`: who would fit, first come first.
    """

    id: str
    version: int
    state: RoundState
    how: str | None
    automatic: bool
    schedules: tuple[str, ...]
    start: str
    end: str
    found_at: str
    ended_at: str | None
    offers: list[OfferOut]
    fits: list[FitOut]


class Rounds(Out, frozen=True, kw_only=True):
    """A page of them, latest found first."""

    rounds: list[RoundOut]
    next: str | None = None


class RoundsIn(In, frozen=True, kw_only=True):
    """Which times."""

    state: RoundState | None = None
    limit: shapes.Limit = 20
    cursor: Cursor | None = None


class Answered(Out, frozen=True, kw_only=True):
    """The offer after its answer; `appointment` in it is what was booked."""

    offer: OfferOut


class EndIn(In, frozen=True, kw_only=True):
    """Nothing more to say."""


def _people(tx: Tx, patients: Iterable[str]) -> dict[str, Person | None]:
    wanted = sorted(set(patients))
    if tx.actor.masked:
        return dict.fromkeys(wanted)
    names = directory.name(tx, wanted)
    return {id_: Person(id=id_, name=names.get(id_)) for id_ in wanted}


def entries(house: "House", tx: Tx, some: Sequence[WaitingEntry]) -> list[EntryOut]:
    """As this caller may see them."""
    zone = views(house).calendar(tx).almanac.zone
    people = _people(tx, (one.patient for one in some))
    found = []
    for one in some:
        offer = waiting_store.open_offer(tx, one.id) if one.state == "waiting" else None
        found.append(
            EntryOut(
                id=one.id,
                version=one.version,
                state=one.state,
                patient=people[one.patient],
                service=one.service,
                schedules=one.schedules,
                days=one.days,
                from_=one.from_,
                to=one.to,
                first=one.first,
                last=one.last,
                notice_minutes=one.notice_minutes,
                note=None if tx.actor.masked else one.note,
                replaces=one.replaces,
                created=shapes.moment(one.created, zone),
                offer=None if offer is None else offer.id,
            )
        )
    return found


def offers(house: "House", tx: Tx, some: Sequence[Offer]) -> list[OfferOut]:
    """As this caller may see them."""
    zone = views(house).calendar(tx).almanac.zone
    waits = {one.entry: waiting_store.entry(tx, one.entry) for one in some}
    people = _people(tx, (one.patient for one in waits.values() if one is not None))
    found = []
    for one in some:
        entry = waits[one.entry]
        found.append(
            OfferOut(
                id=one.id,
                round=one.round,
                entry=one.entry,
                patient=people[entry.patient] if entry is not None else None,
                service=one.service,
                start=shapes.at(one.start, zone),
                end=shapes.at(one.end, zone),
                schedules=one.schedules,
                state=one.state,
                made_at=shapes.at(one.made_at, zone),
                until=shapes.at(one.until, zone),
                answered_at=None if one.answered_at is None else shapes.at(one.answered_at, zone),
                appointment=one.appointment,
            )
        )
    return found


def rounds(house: "House", tx: Tx, some: Sequence[Round]) -> list[RoundOut]:
    """As this caller may see them, with their offers and who would fit."""
    zone = views(house).calendar(tx).almanac.zone
    found = []
    for one in some:
        fits: list[fitting.Fit] = []
        if one.state != "ended":
            fits = list(islice(fitting.fits(house, tx, one), FITS_SHOWN))
        people = _people(tx, (fit.entry.patient for fit in fits))
        shown: list[Any] = [
            FitOut(
                entry=fit.entry.id,
                patient=people[fit.entry.patient],
                service=fit.entry.service,
                start=shapes.at(fit.start, zone),
                end=shapes.at(fit.end, zone),
                schedules=fit.schedules,
            )
            for fit in fits
        ]
        found.append(
            RoundOut(
                id=one.id,
                version=one.version,
                state=one.state,
                how=one.how,
                automatic=one.automatic,
                schedules=one.schedules,
                start=shapes.at(one.start, zone),
                end=shapes.at(one.end, zone),
                found_at=shapes.at(one.found_at, zone),
                ended_at=None if one.ended_at is None else shapes.at(one.ended_at, zone),
                offers=offers(house, tx, waiting_store.offers_of(tx, one.id)),
                fits=shown,
            )
        )
    return found
