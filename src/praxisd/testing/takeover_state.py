"""The state of a practice as one hash: what a take-over may change, and an undo has to give back."""

import hashlib

import msgspec
import sqlalchemy as sa

from praxisd.kernel.access import Actor
from praxisd.kernel.app import House
from praxisd.kernel.store import METADATA, Tx, mine

TABLES = (
    "directory_patient", "directory_contact", "directory_match", "directory_treatment", "directory_portal_patient",
    "medication_statement", "medication_risk", "calendar_appointment", "calendar_busy", "exchange_link",
)  # fmt: skip
"""Tables that say something about patients. Not among them: `directory_birthday`, rows that only make two matches wait for
each other."""
_MOVED = frozenset({"version", "updated_at"})


def state(house: House, actor: Actor) -> dict[str, str]:
    """Hash of each table's rows, in the order of their keys.

    All columns but `version` and `updated_at`, and the document without its `version`: a version is an ETag, and one that came
    back with other content would let somebody overwrite what they never saw.
    """
    with house.store.read(actor) as tx:
        return {name: _hash(tx, name) for name in TABLES}


def _hash(tx: Tx, name: str) -> str:
    one = METADATA.tables[name]
    columns = [c for c in one.columns if c.name not in _MOVED]
    digest = hashlib.sha256()
    for row in tx.tuples(sa.select(*columns).where(mine(one)).order_by(*one.primary_key.columns)):
        cells = [_plain(c.name, value) for c, value in zip(columns, row, strict=True)]
        digest.update(msgspec.json.encode(cells))
    return digest.hexdigest()


def _plain(name: str, value: object) -> object:
    if name != "doc" or not isinstance(value, str):
        return value
    fields = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
    fields.pop("version", None)
    return {key: bytes(raw).decode() for key, raw in sorted(fields.items())}


def created(house: House, actor: Actor) -> int:
    """How many patients the events say were made."""
    with house.store.read(actor) as tx:
        one = METADATA.tables["kernel_event"]
        query = sa.select(sa.func.count()).select_from(one).where(mine(one), one.c.type == "patient.created")
        return int(tx.value(query))
