"""Tables of the room of portals. Each file of the room keeps its own statements beside it (`*_store.py`)."""

import sqlalchemy as sa

from praxisd.kernel.resource import Records, resource_table
from praxisd.kernel.store import table
from praxisd.model.portals import BookingRequest, BookingSource, OnlineCalendar, OnlinePortal, Webhook

_BIG = sa.BigInteger
PORTAL = resource_table(
    "portals_portal",
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("adapter", sa.Text, nullable=False),
    sa.Column("active", sa.Integer, nullable=False),
    sa.UniqueConstraint("organization", "name", name="portals_portal_name"),
)
CALENDAR = resource_table(
    "portals_calendar",
    sa.Column("portal", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("schedule", sa.Text, nullable=False),
    sa.UniqueConstraint("organization", "portal", "name", name="portals_calendar_name"),
    sa.UniqueConstraint("organization", "portal", "schedule", name="portals_calendar_schedule"),
)
SECRET = table(
    "portals_secret",
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "owner"),
)
"""Sealed secrets of `Portal/<id>`, `Source/<id>` and `Webhook/<id>`, as one JSON object each."""
CYCLE = table(
    "portals_cycle",
    sa.Column("portal", sa.Text, nullable=False),
    sa.Column("due_at", _BIG, nullable=False),
    sa.Column("contacted_at", _BIG),
    sa.Column("fetched_at", _BIG),
    sa.Column("good_at", _BIG),
    sa.Column("reconciled_on", sa.Text),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("code", sa.Text),
    sa.Column("retry", sa.Integer),
    sa.Column("mark", sa.Text),
    sa.Column("memory", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "portal"),
    sa.Index("portals_cycle_due", "due_at"),
)
"""How the contact with each portal stands. `due_at`: not before (epoch seconds). `contacted_at`: last request to it.
`code`: why the last cycle failed as a whole. `memory`: what the adapter remembers, JSON.
"""
STATE = table(
    "portals_state",
    sa.Column("calendar", sa.Text, nullable=False),
    sa.Column("portal", sa.Text, nullable=False),
    sa.Column("dirty_at", _BIG),
    sa.Column("force", sa.Integer, nullable=False),
    sa.Column("digest", sa.Text),
    sa.Column("seq", _BIG, nullable=False),
    sa.Column("uploaded", sa.Integer),
    sa.Column("uploaded_at", _BIG),
    sa.Column("good_at", _BIG),
    sa.Column("tried_at", _BIG),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("code", sa.Text),
    sa.Column("retry", sa.Integer),
    sa.Column("first", _BIG),
    sa.Column("last", _BIG),
    sa.Column("hours", sa.Text),
    sa.PrimaryKeyConstraint("organization", "calendar"),
)
"""How each online calendar stands. `dirty_at`: something changed then and is not out yet. `force`: 0 nothing is owed, 1 an
upload is whatever the digest says, 2 one is under way, 3 one made without the lease may have come in between
(`engine_store.CLEAN`, `OWED`, `UNDER_WAY`, `OUTDATED`). `seq`: number of the last event the portal's state includes.
`good_at`: it was certainly in step then. `first`, `last`: the period. `hours`: when the portal offers times, JSON
[[start, end], …], null where it does not tell.
"""
UPLOAD = table(
    "portals_upload",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("calendar", sa.Text, nullable=False),
    sa.Column("portal", sa.Text, nullable=False),
    sa.Column("at", _BIG, nullable=False),
    sa.Column("seq", _BIG, nullable=False),
    sa.Column("first", _BIG),
    sa.Column("last", _BIG),
    sa.Column("count", sa.Integer),
    sa.Column("code", sa.Text),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("portals_upload_listed", "organization", "calendar", "at"),
)
"""Each upload that was made, and each first failure in a row (`code`): the proof „on the portals since“ of a booking."""
REQUEST = resource_table(
    "portals_request",
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("portal", sa.Text, nullable=False),
    sa.Column("remote", sa.Text),
    sa.Column("appointment", sa.Text),
    sa.Column("patient", sa.Text),
    sa.Column("received", _BIG, nullable=False),
    sa.Column("until", _BIG),
    sa.Column("answer", sa.Text, unique=True),
    sa.UniqueConstraint("organization", "origin", "portal", "remote", name="portals_request_remote"),
    sa.UniqueConstraint("organization", "appointment", name="portals_request_appointment"),
    sa.Index("portals_request_listed", "organization", "state", "received"),
    sa.Index("portals_request_patient", "organization", "patient"),
)
ANSWER = table(
    "portals_answer",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("portal", sa.Text, nullable=False),
    sa.Column("request", sa.Text),
    sa.Column("remote", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("start", _BIG),
    sa.Column("end", _BIG),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", _BIG, nullable=False),
    sa.Column("code", sa.Text),
    sa.Column("created_at", _BIG, nullable=False),
    sa.Column("sent_at", _BIG),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("portals_answer_open", "organization", "portal", "state", "next_at"),
    sa.Index("portals_answer_request", "organization", "request"),
)
"""Decisions on their way to the portals: `open`, `sent`, `failed` (for good), `superseded` (a newer one says more)."""
UNKNOWN = table(
    "portals_unknown",
    sa.Column("portal", sa.Text, nullable=False),
    sa.Column("remote", sa.Text, nullable=False),
    sa.Column("calendar", sa.Text, nullable=False),
    sa.Column("start", _BIG, nullable=False),
    sa.Column("end", _BIG, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("found_at", _BIG, nullable=False),
    sa.Column("choice", sa.Text),
    sa.Column("settled_at", _BIG),
    sa.PrimaryKeyConstraint("organization", "portal", "remote"),
)
"""Times offered at a portal of which we know nothing. `choice`: what a person said; `settled_at`: done."""
BLOCKER = table(
    "portals_blocker",
    sa.Column("portal", sa.Text, nullable=False),
    sa.Column("calendar", sa.Text, nullable=False),
    sa.Column("remote", sa.Text, nullable=False),
    sa.Column("reservation", sa.Text),
    sa.Column("start", _BIG, nullable=False),
    sa.Column("end", _BIG, nullable=False),
    sa.Column("conflict", sa.Text),
    sa.PrimaryKeyConstraint("organization", "portal", "calendar", "remote"),
    sa.Index("portals_blocker_reservation", "organization", "reservation"),
)
"""Busy times that were entered at a portal. `reservation`: the reservations that stand for it here, `id:start:end` with a space
between them; null where none does (all of it is booked). `conflict`: the last one with what the practice booked there.
"""
SOURCE = resource_table(
    "portals_source",
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("active", sa.Integer, nullable=False),
    sa.Column("hook", sa.Text, unique=True),
    sa.UniqueConstraint("organization", "name", name="portals_source_name"),
)
"""`hook`: SHA-256 (hex) of the unguessable part of the address under which a source of kind `hook` is called."""
SOURCE_STATE = table(
    "portals_source_state",
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("due_at", _BIG, nullable=False),
    sa.Column("good_at", _BIG),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("code", sa.Text),
    sa.Column("taken", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("organization", "source"),
)
WEBHOOK = resource_table(
    "portals_webhook",
    sa.Column("active", sa.Integer, nullable=False),
    sa.Column("portal", sa.Text),
)
DELIVERY = table(
    "portals_delivery",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("webhook", sa.Text, nullable=False),
    sa.Column("seq", _BIG, nullable=False),
    sa.Column("replay", sa.Integer, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", _BIG, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("code", sa.Text),
    sa.Column("created_at", _BIG, nullable=False),
    sa.Column("done_at", _BIG),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.UniqueConstraint("organization", "webhook", "seq", "replay", name="portals_delivery_once"),
    sa.Index("portals_delivery_open", "state", "next_at"),
    sa.Index("portals_delivery_listed", "organization", "webhook", "created_at"),
    sa.Index("portals_delivery_subject", "organization", "webhook", "subject", "state"),
)
"""One call of one webhook about one event (`replay` 0; 1, 2, … where a person had it sent again). States: `open`,
`delivered`, `failed` (given up). `status`: the last HTTP status; `code`: why not.
"""
TABLES = tuple(
    str(one.name)
    for one in (
        *(PORTAL, CALENDAR, SECRET, CYCLE, STATE, UPLOAD, REQUEST, ANSWER, UNKNOWN, BLOCKER),
        *(SOURCE, SOURCE_STATE, WEBHOOK, DELIVERY),
    )
)
REFERENCES = (("portals_request", "patient"),)
"""Where a patient's id stands, for merge, export and erasure."""

PORTALS: Records[OnlinePortal] = Records(
    "Portal", PORTAL, OnlinePortal,
    lambda r: {"name": r.name, "adapter": r.adapter, "active": int(r.active)}, lockable=False,
)  # fmt: skip
CALENDARS: Records[OnlineCalendar] = Records(
    "OnlineCalendar", CALENDAR, OnlineCalendar,
    lambda r: {"portal": r.portal, "name": r.name, "schedule": r.schedule}, lockable=False,
)  # fmt: skip
REQUESTS: Records[BookingRequest] = Records(
    "BookingRequest", REQUEST, BookingRequest,
    lambda r: {
        "state": r.state, "origin": r.origin, "portal": r.portal or "", "remote": r.remote or None,
        "appointment": r.appointment, "patient": r.patient, "received": r.received, "until": r.until,
        "answer": r.answer,
    },
    lockable=False,
)  # fmt: skip
SOURCES: Records[BookingSource] = Records(
    "BookingSource", SOURCE, BookingSource,
    lambda r: {"kind": r.kind, "name": r.name, "active": int(r.active), "hook": r.hook}, lockable=False,
)  # fmt: skip
WEBHOOKS: Records[Webhook] = Records(
    "Webhook", WEBHOOK, Webhook, lambda r: {"active": int(r.active), "portal": r.portal}, lockable=False
)
