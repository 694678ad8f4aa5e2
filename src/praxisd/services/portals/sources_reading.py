"""Sources are read: each message in one transaction, and filed away only after its requests are kept.

Killed in between, it is read again and known again: by the sender's own id, else by what its writer wrote.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from praxisd.kernel.access import Actor
from praxisd.kernel.clock import zone
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.kernel.watched import file_away
from praxisd.model.portals import BookingSource, OnlinePortal
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api as messaging
from praxisd.services.portals import (
    reading,
    requests,
    sources,
    sources_cancelling,
    sources_folder,
    sources_store,
    store,
)
from praxisd.services.portals.reading import Reading
from praxisd.services.portals.sources_folder import ASIDE, DONE

if TYPE_CHECKING:
    from praxisd.kernel.app import House

STUCK = "portals.source_stuck"
DAYS = 400
"""Mails on a server that arrived longer ago are not looked at."""
TRIED = 20
"""Messages a test looks at."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a source. `keep(readable)` files it away; OSError where that cannot be done."""

    data: bytes
    keep: Callable[[bool], None]


def read(house: "House", actor: Actor, source: BookingSource, ask: Callable[[], None]) -> dict[str, int]:
    """Take in all that lies there; counts `taken` (bookings that were new or changed) and `stuck`.

    `ask` is called between messages and may raise to stop. How it went is noted; a source that cannot be reached is no
    exception.
    """
    counts = {"taken": 0, "stuck": 0}
    code: str | None = None
    try:
        for message in messages(house, actor, source, mailbox_seen(house, source)):
            ask()
            try:
                said, readable = take(house, actor, source, message.data)
                counts["taken"] += said
                message.keep(readable)
            except (OSError, ValueError, LookupError, Problem) as error:
                house.log.error("booking_stuck", where=source.id, error=error)
                counts["stuck"] += 1
    except Problem as problem:
        code = problem.code
    if code is None and counts["stuck"]:
        code = STUCK
    house.store.run(actor, lambda tx: sources_store.looked(tx, source.id, code=code, good=code is None))
    return counts


def mailbox_seen(house: "House", source: BookingSource) -> messaging.Seen:
    """Which mails were looked at since the start of the program."""
    known: dict[str, messaging.Seen] = house.shared.setdefault("booking_mails", {})
    return known.setdefault(f"{source.id}/{source.version}", messaging.Seen())


def messages(
    house: "House", actor: Actor, source: BookingSource, seen: messaging.Seen, *, still: bool = True
) -> Iterator[Message]:
    """What lies in a mailbox or a folder, oldest first. Problem where it cannot be reached, all temporary or codes of its own."""
    with house.store.read(actor) as tx:
        values = sources.values(house, tx, source)
    if source.kind == "folder":
        looks = house.shared.setdefault("booking_files", {}).setdefault(source.id, {})
        for file in sources_folder.files(values["folder"], looks, still=still):
            yield Message(file.data, lambda good, file=file: file_away(file, DONE if good else ASIDE))  # type: ignore[misc]
    elif source.kind == "mailbox":
        imap = values["mailbox"] == "imap"
        for letter in messaging.open_mailbox(house, values, seen, DAYS).letters():
            # On a server nobody could tell read ones from unread ones, if those stayed where they are.
            yield Message(
                letter.data,
                lambda good, letter=letter: letter.done() if good or imap else letter.aside(),  # type: ignore[misc]
            )


def take(house: "House", actor: Actor, source: BookingSource, data: bytes) -> tuple[int, bool]:
    """Keep what one message says, in one transaction: (how many bookings are new or changed, could all be read)."""
    with house.store.read(actor) as tx:
        here = zone(directory.organization(tx).zone)
        portal = None if source.portal is None else store.PORTALS.get(tx, source.portal)
    found = reading.read(data, here, house.clock.now(), mail=source.kind == "mailbox")

    def work(tx: Tx) -> int:
        words = [requests.receive(house, tx, _incoming(house, tx, source, portal, one)) for one in found]
        new = sum(word != "known" for word in words)
        if new:
            sources_store.taken(tx, source.id, new)
        return new

    new = house.store.run(actor, work)
    return new, all(one.start is not None or one.cancelled for one in found)


def _incoming(
    house: "House", tx: Tx, source: BookingSource, portal: OnlinePortal | None, one: Reading
) -> requests.Incoming:
    """A reading with our ids in place of its words, where a word can only mean one."""
    kind = _service(house, tx, portal, one.word)
    schedule, of_calendar = _column(house, tx, portal, one.calendar)
    said = requests.Incoming(
        origin=source.kind,
        remote=f"{source.id}/{one.key}" if one.named else one.key,
        told=one.told,
        start=one.start,
        end=one.end,
        service=kind or (None if one.word else of_calendar or source.service),
        schedule=schedule or (None if one.calendar else source.schedule),
        word=one.word,
        note=one.note,
        portal=portal,
        source=source.id,
        original=one.text,
        subject=one.subject,
        cancelled=one.cancelled,
        at_once=portal is not None and portal.at_once and not one.cancelled and not one.answers,
    )
    return sources_cancelling.tied(tx, said, one) if one.cancelled else said


def _service(house: "House", tx: Tx, portal: OnlinePortal | None, word: str) -> str | None:
    if not word:
        return None
    if portal is not None and word in portal.services:
        return portal.services[word]
    known = calendar.views(house).calendar(tx).services.values()
    meant = [one.id for one in known if one.active and one.name.casefold() == word.casefold()]
    return meant[0] if len(meant) == 1 else None


def _column(house: "House", tx: Tx, portal: OnlinePortal | None, word: str) -> tuple[str | None, str | None]:
    """(column, type of its online calendar) that a word names."""
    if not word:
        return None, None
    if portal is not None:
        for one in store.CALENDARS.all(tx):
            if one.portal == portal.id and one.name == word:
                return one.schedule, one.service
    known = calendar.views(house).calendar(tx).schedules.values()
    meant = [one.id for one in known if one.active and one.name.casefold() == word.casefold()]
    return (meant[0] if len(meant) == 1 else None), None


def tried(house: "House", actor: Actor, source: BookingSource) -> tuple[int, int]:
    """What lies there, without taking it: (found, of the first `TRIED` those whose time can be read). Problem as `messages`."""
    with house.store.read(actor) as tx:
        here = zone(directory.organization(tx).zone)
    found = readable = 0
    for message in messages(house, actor, source, messaging.Seen(), still=False):
        found += 1
        if found <= TRIED:
            read_ = reading.read(message.data, here, house.clock.now(), mail=source.kind == "mailbox")
            readable += all(one.start is not None or one.cancelled for one in read_)
    return found, readable
