"""The checklist of a practice in words: what holds, how it stands, what is to be done."""

from datetime import date, datetime
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import events
from praxisd.kernel.access import Actor
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import not_found
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.model.directive import Kept, Kind, Line, Look, Note, Practice, Size, State
from praxisd.services.diagnosis import directive_rules as rules
from praxisd.services.diagnosis import directive_store as store
from praxisd.services.diagnosis.directive_catalogue import catalogue
from praxisd.services.diagnosis.directive_looks import looks

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx


class _Out(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What all answers share: camelCase names."""


class DirectiveItemOut(_Out, frozen=True, kw_only=True):
    """One item: what it asks, how it stands, what was measured, who said what and when, when it is due again.

    `state`: `good` and `bad` were measured; `done`, `due` (its date has passed), `not_applicable` were said by a person.
    `proposedDue` is offered as the next date. `isNew`: it holds since 2025.
    """

    id: str
    annex: str
    number: str
    title: str
    todo: str
    kind: Kind
    state: State
    measured: str | None
    person: str
    note: str
    at: str | None
    due: str | None
    proposed_due: str
    is_new: bool
    source: str


class AnnexOut(_Out, frozen=True, kw_only=True):
    """A part of the list with its heading."""

    id: str
    title: str


class DirectiveOut(_Out, frozen=True, kw_only=True):
    """The checklist. `size` is null until somebody said how large the practice is; then there are no items yet."""

    size: Size | None
    large_devices: bool
    title: str
    stand: str
    url: str
    annexes: list[AnnexOut]
    items: list[DirectiveItemOut]
    counts: dict[str, int]


class Sheet(msgspec.Struct, frozen=True):
    """The checklist before it is put into words."""

    practice: Practice | None
    lines: tuple[Line, ...]
    today: date


def day(house: "House", tx: "Tx") -> date:
    """The day it is in the practice."""
    return datetime.fromtimestamp(tx.now, zone_of(zone_name(house, tx))).date()


def sheet(house: "House", actor: Actor) -> Sheet:
    """The checklist of the actor's practice as it stands now. Measures: may take some seconds."""
    with house.store.read(actor) as tx:
        practice, notes = store.read(tx)
        today = day(house, tx)
    items = rules.wanted(catalogue().item, practice)
    found = looks(house, [one.probe for one in items if one.probe], today)
    lines = [rules.line(one, notes.get(one.id), found.get(one.probe or ""), today) for one in items]
    return Sheet(practice, tuple(lines), today)


def keep(house: "House", tx: "Tx", id_: str, state: Kept, person: str, note: str, due: date | None) -> Note:
    """Keep what a person says of an item; Problems 404 and those of `rules.noted`."""
    item = catalogue().of(id_)
    if item is None:
        raise not_found("Directive")
    made = rules.noted(item, state, person, note, due, day(house, tx), tx.now)
    store.put(tx, id_, made)
    events.note(tx, "directive.noted", "Directive", id_, state=state)
    return made


def keep_size(tx: "Tx", size: Size, large_devices: bool) -> None:
    """Keep how large the practice is."""
    store.put(tx, store.SIZE, Practice(size, large_devices))
    events.note(tx, "directive.noted", "Directive", store.SIZE, state=size)


class Words:
    """Puts the list into words of one language; for a masked caller without what people wrote."""

    def __init__(self, house: "House", lang: str, masked: bool = False) -> None:
        self._texts, self._lang, self._masked = house.texts, lang, masked

    def say(self, key: str, **params: object) -> str:
        """A text of the checklist."""
        return self._texts.get(f"diagnosis.{key}", self._lang, **params)

    def annex(self, id_: str) -> str:
        """The heading of a part."""
        return self.say(f"directive_annex.{id_}")

    def place(self, one: Line) -> str:
        """Where the item stands, such as "Anlage 1, Nr. 14"; empty for what praxisd adds."""
        if one.item.annex == "more":
            return ""
        key = "place" if one.item.number else "place_whole"
        return self.say(f"directive_sheet.{key}", annex=one.item.annex, number=one.item.number)

    def look(self, look: Look | None) -> str | None:
        """What was measured, or why nothing could be."""
        if look is None:
            return None
        reason = ""
        if look.why is not None:
            known = (f"diagnosis.directive_why.{look.why}", f"diagnosis.why.{look.why}")
            key = next((one for one in known if self._texts.has(one)), "diagnosis.why.failed")
            reason = self._texts.get(key, self._lang)
        keys = [look.text, *([f"more.{look.more}"] if look.more else [])]
        return " ".join(self.say(f"directive_look.{key}", **look.params, reason=reason) for key in keys)

    def item(self, one: Line, today: date) -> DirectiveItemOut:
        """One line."""
        item, note = one.item, one.note or Note("open")
        proposed = rules.noted(item, "done", "-", "", None, today, 0).due or today
        return DirectiveItemOut(
            id=item.id,
            annex=item.annex,
            number=item.number,
            title=self.say(f"directive_item.{item.id}.title"),
            todo=self.say(f"directive_item.{item.id}.todo"),
            kind=item.kind,
            state=one.state,
            measured=self.look(one.look),
            person="" if self._masked else note.person,
            note="" if self._masked else note.note,
            at=format_rfc3339(note.at) if note.at else None,
            due=note.due.isoformat() if note.due else None,
            proposed_due=proposed.isoformat(),
            is_new=item.since is not None,
            source=item.source,
        )

    def all(self, found: Sheet) -> DirectiveOut:
        """The whole list."""
        source = catalogue().source
        there = [one for one in rules.ORDER if any(line.item.annex == one for line in found.lines)]
        return DirectiveOut(
            size=found.practice.size if found.practice else None,
            large_devices=found.practice.large_devices if found.practice else False,
            title=source.title,
            stand=source.stand.isoformat(),
            url=source.url,
            annexes=[AnnexOut(id=one, title=self.annex(one)) for one in there],
            items=[self.item(one, found.today) for one in found.lines],
            counts=rules.counts(found.lines),
        )
