"""Out: chosen patients, with all a laptop needs to work on them, in one sealed file (SPEC 11.1).

What the file holds is kept as the base of the merge. At home everybody works on; the merge is what that is for.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from praxisd import __version__
from praxisd.kernel import events
from praxisd.kernel.access import Actor
from praxisd.kernel.clock import local_date, zone
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id, token
from praxisd.kernel.store import Tx
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.exchange import laptop_file, laptop_sealing, laptop_store
from praxisd.services.exchange.laptop_file import Line, Manifest
from praxisd.services.exchange.laptop_kinds import KINDS, doc_of, patient_of
from praxisd.services.messaging import api as messaging

if TYPE_CHECKING:
    from praxisd.kernel.app import House

MOST_PATIENTS, LONGEST_DAYS = 2_000, 366
PURPOSE = "exchange.loan"
"""Of the vault, for what a loan keeps secret."""
CONSENT = "Consent"
FRAME = ("Organization", "Mandator", "Practitioner", "Location", "Schedule", "HealthcareService")
"""What the practice is, in the order in which they need one another; it goes out and never comes back."""


class Secrets(msgspec.Struct, frozen=True):
    """What opens and proves the file that comes back."""

    identity: str
    proof: str


class Given(NamedTuple):
    """A loan and the file to take along."""

    loan: str
    file: bytes
    until: int
    patients: int


def need_practice(house: "House") -> None:
    """Problem `exchange.laptop_lends_not` (409) on a laptop: only the practice lends, and takes back."""
    if house.lent is not None:
        raise Problem("exchange.laptop_lends_not", 409)


def need_sight(actor: Actor) -> None:
    """Problem `exchange.export_masked` (403) for who may not see patients: the file would show them."""
    if actor.masked:
        raise Problem("exchange.export_masked", 403)


def end_of(tx: Tx, day: date) -> int:
    """The end of a local day, in epoch seconds. Problem `exchange.loan_days` (422) for a day past, or too far away."""
    here = zone(directory.organization(tx).zone)
    today = local_date(tx.now, here)
    if not today <= day <= today + timedelta(days=LONGEST_DAYS):
        raise Problem("exchange.loan_days", 422, most=LONGEST_DAYS)
    return int(datetime.combine(day + timedelta(days=1), time.min, here).timestamp())


def lend(
    house: "House",
    actor: Actor,
    patients: Sequence[str],
    label: str,
    until: date,
    *,
    passphrase: str | None = None,
    recipient: str | None = None,
) -> Given:
    """A new loan of these patients, for whom the passphrase or the key of `recipient` opens.

    Problems: `exchange.laptop_lends_not` (409), `exchange.export_masked` (403), and 422 `exchange.passphrase_weak`,
    `exchange.passphrase_missing`, `exchange.recipient_invalid`, `exchange.loan_empty`, `exchange.loan_days`,
    `exchange.file_too_large`, `directory.patient_unknown`.
    """
    need_practice(house)
    need_sight(actor)
    if (passphrase is None) == (recipient is None):
        raise Problem("exchange.passphrase_missing", 422)
    if passphrase is not None:
        laptop_sealing.check_passphrase(passphrase)
    if recipient is not None:
        laptop_sealing.check_recipient(recipient)
    key, proof, loan = laptop_sealing.new_key(), token(), new_id()
    with house.store.read(actor) as tx:
        end = end_of(tx, until)
        chosen = _chosen(tx, patients)
        manifest = Manifest(
            way="out",
            loan=loan,
            organization=tx.organization,
            practice=directory.organization(tx).name,
            label=label,
            program=__version__,
            made_at=tx.now,
            out_at=tx.now,
            until=end,
            recipient=key.recipient,
            secret=proof,
            patients=chosen,
        )
        records = records_of(tx, chosen)
        lines = [*_frame(tx), *records, *_consents(tx, chosen)]
    content, digest = laptop_file.write(manifest, lines, proof)
    if len(content) > laptop_sealing.FILE_MOST:
        raise Problem("exchange.file_too_large", 422, most=laptop_sealing.FILE_MOST)
    if passphrase is not None:
        file = laptop_sealing.seal_with_passphrase(content, passphrase)
    else:
        file = laptop_sealing.seal_for(content, recipient or "")
    kept = msgspec.json.encode(Secrets(key.identity, proof))
    sealed = house.vault.seal(PURPOSE, actor.organization, kept)

    def note(tx: Tx) -> None:
        laptop_store.add_loan(
            tx,
            id=loan,
            label=label,
            person=tx.actor.label,
            out_at=manifest.out_at,
            until=end,
            sealed="passphrase" if passphrase is not None else "key",
            recipient=key.recipient,
            secret=sealed,
            sha256=digest,
            patients=len(chosen),
            laptop=None,
        )
        laptop_store.put_bases(tx, loan, bases_of(records), digest)
        events.note(tx, "loan.made", "Loan", loan, version=1, patients=len(chosen))
        for one in chosen:
            events.note(tx, "patient.lent", "Patient", one, loan=loan)

    house.store.run(actor, note)
    return Given(loan, file, end, len(chosen))


def _chosen(tx: Tx, patients: Sequence[str]) -> tuple[str, ...]:
    """The records that go on, each once."""
    found = tuple(dict.fromkeys(directory.known(tx, one).id for one in patients))
    if not found or len(found) > MOST_PATIENTS:
        raise Problem("exchange.loan_empty", 422, most=MOST_PATIENTS)
    return found


def records_of(tx: Tx, patients: Sequence[str]) -> list[Line]:
    """All records of these patients that come back."""
    lines = []
    for kind in KINDS.values():
        for one in kind.of(tx, patients):
            doc = doc_of(one)
            lines.append(Line(kind=kind.name, id=one.id, patient=patient_of(kind.name, doc, one.id), doc=doc))
    return lines


def bases_of(lines: Sequence[Line]) -> list[laptop_store.Base]:
    """The rows in which records are kept as the base of the merge."""
    return [
        laptop_store.Base(
            one.kind, one.id, one.patient, int((one.doc or {}).get("version") or 0), text_of(one.doc)
        )
        for one in lines
    ]


def text_of(doc: Any) -> str | None:
    """A document as it is kept; None for none."""
    return None if doc is None else msgspec.json.encode(doc).decode()


def _frame(tx: Tx) -> list[Line]:
    """The practice itself: no patient in it."""
    found: dict[str, Sequence[Any]] = {
        "Organization": [directory.organization(tx)],
        "Mandator": directory.mandators(tx),
        "Practitioner": directory.practitioners(tx),
        "Location": directory.locations(tx),
        "Schedule": calendar.columns(tx),
        "HealthcareService": calendar.types(tx),
    }
    return [Line(kind=kind, id=one.id, doc=doc_of(one)) for kind in FRAME for one in found[kind]]


def _consents(tx: Tx, patients: Sequence[str]) -> list[Line]:
    """What the patients want, for reading: nothing is sent from a laptop."""
    return [
        Line(
            kind=CONSENT,
            id=patient,
            patient=patient,
            doc={
                "preferred": wish.preferred,
                "said": [[purpose, channel, said.state] for (purpose, channel), said in wish.said.items()],
            },
        )
        for patient, wish in messaging.wishes(tx, patients).items()
    ]


def revoke(tx: Tx, loan: str) -> None:
    """A laptop that is lost: nothing is taken from it any more. 404 for an unknown loan; once more changes nothing."""
    need_loan(tx, loan)
    if laptop_store.revoke(tx, loan):
        laptop_store.forget(tx, loan)
        events.note(tx, "loan.revoked", "Loan", loan)


def need_loan(tx: Tx, loan: str) -> Any:
    """The row of a loan, or 404."""
    found = laptop_store.loan(tx, loan)
    if found is None:
        raise not_found("Loan")
    return found
