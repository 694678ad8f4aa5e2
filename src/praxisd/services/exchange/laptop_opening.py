"""On the laptop: an empty folder becomes the practice with the patients on loan, and packs what changed (SPEC 11.1)."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from praxisd import __version__
from praxisd.kernel import events
from praxisd.kernel.access import Actor, system
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.lent import Lent, mark
from praxisd.kernel.store import Tx
from praxisd.model.people import Mandator, Practitioner
from praxisd.model.places import Location, Organization
from praxisd.model.scheduling import HealthcareService, Schedule
from praxisd.services.accounts import api as accounts
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.exchange import laptop_file, laptop_lending, laptop_sealing, laptop_store, merge_rules
from praxisd.services.exchange.laptop_file import Content, Line, Manifest
from praxisd.services.exchange.laptop_kinds import KINDS, record_of
from praxisd.services.messaging import api as messaging

if TYPE_CHECKING:
    from praxisd.kernel.app import House

WORKS = ("kernel", "accounts", "directory", "calendar", "medication", "exchange", "seats", "logbook", "care")
"""Services that go on on a laptop. Of all others nothing runs there, and nothing can be changed."""
AFTER = ("exchange",)
"""What may still be written at the end: that it was packed."""
_PACKED = "packed"


class Owner(NamedTuple):
    """Who works on the laptop; `password_hash` was made outside of any transaction."""

    login: str
    name: str
    password_hash: str


def need_empty(house: "House") -> None:
    """Problems (409) `exchange.folder_used` where a practice lies already, `exchange.laptop_serving` while it is served."""
    if house.shared.get("url") is not None:
        raise Problem("exchange.laptop_serving", 409)
    with house.store.read(system("laptop")) as tx:
        if directory.organization_ids(tx):
            raise Problem("exchange.folder_used", 409)


def fill(house: "House", content: Content, owner: Owner) -> Lent:
    """Make the practice of a file that was proved, in one transaction of a folder nobody serves; returns its mark.

    The mark is written first: a folder that was filled is never without it.
    """
    need_empty(house)
    manifest = content.manifest
    one = Lent(
        loan=manifest.loan,
        organization=manifest.organization,
        practice=manifest.practice,
        label=manifest.label,
        since=house.clock.now(),
        until=manifest.until,
        works=WORKS,
        after=AFTER,
    )
    mark(house.folder, one)
    house.store.run(system("laptop", manifest.organization), lambda tx: _fill(house, tx, content, owner))
    return one


def _fill(house: "House", tx: Tx, content: Content, owner: Owner) -> None:
    for line in content.lines:
        if line.kind in _FRAME and line.doc is not None:
            _FRAME[line.kind](house, tx, line.doc)
    for kind in KINDS.values():
        for line in content.lines:
            if line.kind == kind.name and line.doc is not None:
                kind.bring(house, tx, record_of(kind, line.doc))
    for line in content.lines:
        if line.kind == laptop_lending.CONSENT and line.doc is not None:
            _consent(house, tx, line)
    accounts.create_user(
        tx,
        house.registry,
        login=owner.login,
        name=owner.name,
        role="owner",
        password_hash=owner.password_hash,
    )
    manifest = content.manifest
    laptop_store.add_laptop(tx, manifest.loan, new_id(), msgspec.json.encode(manifest).decode())
    # As it is here now, not as the file says: what is stored may be written differently, and is no change of anybody.
    lines = laptop_lending.records_of(tx, manifest.patients)
    laptop_store.put_bases(tx, manifest.loan, laptop_lending.bases_of(lines), "")
    events.note(tx, "laptop.opened", "Loan", manifest.loan, patients=len(manifest.patients))


def _fields(struct: type[Any], doc: dict[str, Any], *without: str) -> dict[str, Any]:
    one = msgspec.convert(doc, struct)
    return {name: getattr(one, name) for name in one.__struct_fields__ if name not in ("version", *without)}


def _organization(_house: "House", tx: Tx, doc: dict[str, Any]) -> None:
    directory.create_organization(tx, msgspec.convert(doc, Organization))


def _mandator(_house: "House", tx: Tx, doc: dict[str, Any]) -> None:
    directory.create_mandator(tx, msgspec.convert(doc, Mandator))


def _practitioner(_house: "House", tx: Tx, doc: dict[str, Any]) -> None:
    directory.put_practitioner(tx, msgspec.convert(doc, Practitioner))


def _location(_house: "House", tx: Tx, doc: dict[str, Any]) -> None:
    directory.put_location(tx, msgspec.convert(doc, Location))


def _schedule(house: "House", tx: Tx, doc: dict[str, Any]) -> None:
    calendar.add_schedule(house, tx, **_fields(Schedule, doc, "no"))


def _service(house: "House", tx: Tx, doc: dict[str, Any]) -> None:
    calendar.add_service(house, tx, **_fields(HealthcareService, doc, "no"))


_FRAME: "dict[str, Callable[[House, Tx, dict[str, Any]], None]]" = {
    "Organization": _organization,
    "Mandator": _mandator,
    "Practitioner": _practitioner,
    "Location": _location,
    "Schedule": _schedule,
    "HealthcareService": _service,
}


def _consent(house: "House", tx: Tx, line: Line) -> None:
    doc = line.doc or {}
    words = [(purpose, channel, state) for purpose, channel, state in doc.get("said", ())]
    messaging.say(house, tx, line.patient, words, "import")
    messaging.prefer(house, tx, line.patient, doc.get("preferred", "none"))


class Packed(NamedTuple):
    """A file for the practice: its number among those packed here, and how many records are in it."""

    file: bytes
    number: int
    records: int


def need_laptop(house: "House", tx: Tx) -> Any:
    """What this laptop is a loan of; Problem `exchange.not_a_laptop` (409) in a practice."""
    found = laptop_store.laptop(tx) if house.lent is not None else None
    if found is None:
        raise Problem("exchange.not_a_laptop", 409)
    return found


def pack(house: "House", actor: Actor, *, last: bool = False, passphrase: str | None = None) -> Packed:
    """What changed here since it was opened, sealed for the practice's own key, or with a passphrase.

    `last`: from now on this laptop can only be read. Problems: `exchange.not_a_laptop`, `exchange.passphrase_weak`.
    """
    laptop_lending.need_sight(actor)
    if passphrase is not None:
        laptop_sealing.check_passphrase(passphrase)

    def work(tx: Tx) -> tuple[Manifest, Manifest, list[Line]]:
        row = need_laptop(house, tx)
        out = msgspec.json.decode(row.manifest, type=Manifest)
        number = row.number + 1
        lines = _changes(tx, out)
        back = Manifest(
            way="back",
            loan=out.loan,
            organization=out.organization,
            label=out.label,
            program=__version__,
            made_at=tx.now,
            laptop=row.laptop,
            number=number,
            last=last,
        )
        laptop_store.packed(tx, out.loan, number)
        events.note(tx, "laptop.packed", "Loan", out.loan, number=number, records=len(lines), last=last)
        return out, back, lines

    out, back, lines = house.store.run(actor, work)
    content, _ = laptop_file.write(back, lines, out.secret)
    if passphrase is not None:
        file = laptop_sealing.seal_with_passphrase(content, passphrase)
    else:
        file = laptop_sealing.seal_for(content, out.recipient)
    if last and house.lent is not None and not house.lent.closed:
        closed = msgspec.structs.replace(house.lent, closed=True)
        mark(house.folder, closed)
        house.lent = closed
    return Packed(file, back.number, len(lines))


def _changes(tx: Tx, out: Manifest) -> list[Line]:
    """Records that are new, changed or gone since the loan; and what was packed once, so that a change back is told too."""
    people = [*out.patients, *(one for one in _everybody(tx) if one not in out.patients)]
    now = {(one.kind, one.id): one for one in laptop_lending.records_of(tx, people)}
    lines: list[Line] = []
    for (kind, id_), one in now.items():
        row = laptop_store.base(tx, out.loan, kind, id_)
        before = None if row is None or row.doc is None else msgspec.json.decode(row.doc)
        told = row is not None and row.sha256 == _PACKED
        if told or not merge_rules.same(KINDS[kind].form, before, one.doc):
            lines.append(one)
            if row is None:
                laptop_store.put_bases(tx, out.loan, [_new(one)], _PACKED)
            elif not told:
                laptop_store.put_bases(tx, out.loan, [_kept(row)], _PACKED)
    for row in laptop_store.bases(tx, out.loan):
        if (row.kind, row.id) not in now:
            lines.append(Line(kind=row.kind, id=row.id, patient=row.patient))
    return lines


def _new(line: Line) -> laptop_store.Base:
    return laptop_store.Base(line.kind, line.id, line.patient, 0, None)


def _kept(row: Any) -> laptop_store.Base:
    return laptop_store.Base(row.kind, row.id, row.patient, row.version, row.doc)


def _everybody(tx: Tx) -> Sequence[str]:
    """All patients of this laptop: those on loan, and who is new here."""
    found: list[str] = []
    after: str | None = None
    while True:
        some, after = directory.all_patients(tx, after, 200)
        found += [one.id for one in some]
        if after is None:
            return found
