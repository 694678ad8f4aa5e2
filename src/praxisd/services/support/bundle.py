"""Support packages („Hilfspakete"): made from what is allowed, kept as they were shown, and handed over by a click.

A package is made once and never again changed: what a person has read line by line is, byte for byte, what is saved or
sent, and the copy stays with who, when, and to whom (SPEC 7.11). One that never left is forgotten after a month.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd import __version__
from praxisd.kernel import events, sharing
from praxisd.kernel.access import Actor, system
from praxisd.kernel.errors import not_found
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.services.messaging import api as messaging
from praxisd.services.support import (
    bundle_diagnosis,
    bundle_house,
    bundle_log,
    bundle_machine,
    contact,
    store,
)
from praxisd.services.support.bundle_known import Look, known_words
from praxisd.services.support.bundle_values import Row, error_type, ident, time, version
from praxisd.services.support.partner import address_of, partner
from praxisd.services.support.posting import Mail, Outcome, post

if TYPE_CHECKING:
    from praxisd.kernel.app import House

FORMAT = 1
KEPT_S = 30 * 86_400
"""How long a package that never left is kept, in seconds."""
MEDIA = "application/x-ndjson; charset=utf-8"
COLLECTORS: tuple[tuple[str, Callable[[Look], Iterable[Row]]], ...] = (
    ("installation", bundle_house.installed),
    ("versions", bundle_house.versions),
    ("software", bundle_machine.products),
    ("serviceprovider", bundle_diagnosis.serviceproviders),
    ("requirements", bundle_diagnosis.requirements),
    ("ports", bundle_diagnosis.ports),
    ("issues", bundle_house.problems),
    ("settings", bundle_house.settings),
    ("jobs", bundle_house.work),
    ("storage", bundle_machine.storage),
    ("machine", bundle_machine.machine),
    ("schema", bundle_house.tables),
    ("events", bundle_house.noted),
    ("log", bundle_log.log),
)
"""Everything a package can hold; what is not here is in none."""
OF_ALL = frozenset({"software", "serviceprovider", "requirements", "ports", "machine", "log"})
"""Parts that are about what several practices share: not in a package of one of them (`kernel/sharing`)."""


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """A package. `created_at` epoch seconds, `created_by` a label as in events; `content` is UTF-8."""

    id: str
    created_at: int
    created_by: str
    digest: str
    content: str

    @property
    def lines(self) -> list[str]:
        """Its lines, as they are shown."""
        return self.content.splitlines()

    @property
    def data(self) -> bytes:
        """Its bytes, as they are saved and sent."""
        return self.content.encode()

    @property
    def file(self) -> str:
        """What the file is called."""
        return f"praxisd-hilfspaket-{self.id}.jsonl"


def make(house: "House", actor: Actor) -> Bundle:
    """Collect a package for the actor's practice and keep it. It goes nowhere."""
    id_, now = new_id(), house.clock.now()
    with house.store.read(actor) as tx:
        without = OF_ALL if sharing.withheld(house, tx) else frozenset()
    rows = [head(id_, now, actor.organization), *collect(house, actor.organization, without)]
    content = b"".join(row.encoded() + b"\n" for row in rows)
    made = Bundle(
        id=id_, created_at=now, created_by=actor.label, digest=hashlib.sha256(content).hexdigest(), content=content.decode()
    )  # fmt: skip

    def keep(tx: Tx) -> None:
        store.forget(tx, now - KEPT_S)
        store.add(
            tx, id=id_, created_at=now, created_by=made.created_by, lines=len(rows), bytes=len(content),
            digest=made.digest, content=made.content,
        )  # fmt: skip
        events.note(tx, "support.bundle_made", "Bundle", id_, lines=len(rows))

    house.store.run(actor, keep)
    return made


def head(id_: str, now: int, organization: str) -> Row:
    """The first line: what this is."""
    return Row(
        "bundle",
        {
            "format": FORMAT,
            "id": ident(id_),
            "made": time(now),
            "praxisd": version(__version__),
            "organization": ident(organization),
        },
    )


def collect(house: "House", organization: str, without: Collection[str] = ()) -> Iterator[Row]:
    """All lines but the first, without the parts named in `without`. A collector that fails is told as failed, with the type of
    its fault, and stops nobody.
    """
    known = known_words(house)
    for name, gather in COLLECTORS:
        if name in without:
            continue
        with house.store.read(system("support", organization)) as tx:
            try:
                yield from list(gather(Look(house, tx, known)))
            except Exception as error:
                house.log.warning("bundle_part_failed", error=error)
                kind = type(error)
                path = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
                yield Row(name, {"failed": True, "error": error_type(path)})


def get(tx: Tx, id_: str) -> Bundle:
    """A package of the transaction's practice, or 404."""
    row = store.get(tx, id_)
    if row is None:
        raise not_found("Bundle")
    return Bundle(
        id=row.id,
        created_at=row.created_at,
        created_by=row.created_by,
        digest=row.digest,
        content=row.content,
    )


def saved(house: "House", actor: Actor, id_: str) -> Bundle:
    """The package to be saved as a file; that it was is kept."""

    def work(tx: Tx) -> Bundle:
        found = get(tx, id_)
        store.leave(
            tx, click=new_id(), bundle=id_, at=tx.now, by=actor.label, way="file", target="", outcome="sent"
        )
        events.note(tx, "support.bundle_saved", "Bundle", id_)
        return found

    return house.store.run(actor, work)


def send(house: "House", actor: Actor, id_: str, once: str, lang: str) -> tuple[str, Outcome]:
    """Send the package to the service partner, as it was shown: to whom, and what became of it. `once` is the click's id.

    Problems: `support.partner_missing`, `messaging.account_missing` (409); 404.
    """
    with house.store.read(actor) as tx:
        found, whom = get(tx, id_), partner(house, tx)
    to = address_of(whom)
    say = house.texts.get
    told: dict[str, Any] = {"id": found.id, "lines": len(found.lines), "digest": found.digest}
    subject = say("support.letter.bundle_subject", lang)
    if whom.customer:
        subject += f" ({say('support.letter.customer', lang)} {whom.customer})"
    text = say("support.letter.bundle_text", lang, **told)
    file = messaging.Attachment(found.file, MEDIA, found.data)
    mail = Mail(once=once, bundle=id_, to=to, subject=subject, text=text, lang=lang, attachments=(file,))
    outcome = post(
        house, actor, mail, lambda tx, end: contact.note(tx, end, "support.bundle_sent", "Bundle", id_)
    )
    return to, outcome
