"""Tables of the waiting list: entries, rounds (one per freed time) and offers (SPEC 1.14)."""

import sqlalchemy as sa

from praxisd.kernel.resource import Records, resource_table
from praxisd.kernel.store import table
from praxisd.model.waiting import WaitingEntry

_BIG = sa.BigInteger
WAITING = resource_table(
    "calendar_waiting",
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("patient", sa.Text, nullable=False),
    sa.Column("created", _BIG, nullable=False),
    sa.Index("calendar_waiting_listed", "organization", "state", "created"),
    sa.Index("calendar_waiting_patient", "organization", "patient"),
)
ROUND = table(
    "calendar_round",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("schedules", sa.Text, nullable=False),
    sa.Column("start", _BIG, nullable=False),
    sa.Column("end", _BIG, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("how", sa.Text),
    sa.Column("automatic", sa.Integer, nullable=False),
    sa.Column("found_at", _BIG, nullable=False),
    sa.Column("next_at", _BIG),
    sa.Column("ended_at", _BIG),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.UniqueConstraint("organization", "source", name="calendar_round_source"),
    sa.Index("calendar_round_listed", "organization", "state", "start"),
)
"""A time that became free. `source`: what freed it, so that it is one round however often it is told. States: `found`
(shown, not held), `running` (held, offers are out), `ended`. `automatic`: 1 = goes on by itself. `next_at`: when it wants
to be looked at. `how` it ended: accepted, empty, taken, past, stopped.
"""
OFFER = table(
    "calendar_offer",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("round", sa.Text, nullable=False),
    sa.Column("entry", sa.Text, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("schedules", sa.Text, nullable=False),
    sa.Column("start", _BIG, nullable=False),
    sa.Column("end", _BIG, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, unique=True),
    sa.Column("made_at", _BIG, nullable=False),
    sa.Column("until", _BIG, nullable=False),
    sa.Column("answered_at", _BIG),
    sa.Column("appointment", sa.Text),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.UniqueConstraint("organization", "round", "entry", name="calendar_offer_entry"),
    sa.Index("calendar_offer_listed", "organization", "state", "made_at"),
)
_OPEN = sa.text("state = 'open'")
sa.Index(
    "calendar_offer_once",
    OFFER.c.organization,
    OFFER.c.entry,
    unique=True,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)
"""States: open, accepted, declined, lapsed (nobody answered), gone (somebody else was first, or the time was taken).
`digest`: SHA-256 (hex) of the unguessable part of the patient's link. `until`: from then on the next one is asked too.
An entry has at most one open offer.
"""
TABLES = (str(WAITING.name), str(ROUND.name), str(OFFER.name))
ENTRIES: Records[WaitingEntry] = Records(
    "WaitingEntry",
    WAITING,
    WaitingEntry,
    lambda r: {name: getattr(r, name) for name in ("state", "service", "patient", "created")},
    lockable=False,
)
