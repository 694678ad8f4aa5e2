"""Deliveries: one call of one webhook about one event, written down first, then made, and kept with its outcome.

What a receiver gets is `{id, type, at, subject: {type, id}, version, status}`: who it concerns is asked for with the
receiver's own key. `id` stays the same for every repetition, so that a receiver knows what it has seen. At least once.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from praxisd.kernel import events
from praxisd.kernel.clock import format_rfc3339, zone
from praxisd.kernel.errors import not_found
from praxisd.kernel.events import Event
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.portals import Webhook
from praxisd.services.directory import api as directory
from praxisd.services.portals import deliveries_store as rows
from praxisd.services.portals import webhooks
from praxisd.services.portals import webhooks_rules as rules
from praxisd.services.portals.store import WEBHOOK, WEBHOOKS

if TYPE_CHECKING:
    from praxisd.kernel.app import House

REPLAY_MOST = 1_000
"""Deliveries sent again at one go."""
_STATES = {
    "request.received": "open",
    "request.accepted": "accepted",
    "request.refused": "refused",
    "request.proposed": "asked",
    "request.withdrawn": "withdrawn",
    "request.expired": "expired",
}
GONE = 410
"""A receiver that says so wants no more of this: the call is given up at once."""


class Subject(msgspec.Struct, frozen=True, rename="camel"):
    """What it is about."""

    type: str
    id: str


class Payload(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The body of a call. `at`: RFC 3339 in the practice's zone. `status`: what the appointment's was, or the request's
    state, where the event tells it. `version`: of the subject, 0 where the event does not tell it.
    """

    id: str
    type: str
    at: str
    subject: Subject
    version: int
    status: str | None


class Result(NamedTuple):
    """What a call brought: HTTP status (None: no answer), a code (None: delivered), how long the receiver asks to wait (s),
    and whether the next call would meet the same.
    """

    status: int | None
    code: str | None = None
    told: int | None = None
    down: bool = False


def heard(house: "House", tx: Tx, event: Event) -> None:
    """Something happened: one delivery for each webhook that wants to know of it."""
    for one in WEBHOOKS.all(tx, WEBHOOK.c.active == 1):
        if event.seq <= one.since or not rules.wants(one.events, event.type):
            continue
        if webhooks.shut_out(tx, one):
            continue
        subject = _subject(tx, one, event)
        if subject is not None:
            _add(tx, one, event, subject)
            tx.after(
                house.wake.signal
            )  # the courier was woken by the event itself, perhaps before this row was there


def _subject(tx: Tx, one: Webhook, event: Event) -> Subject | None:
    """What the receiver knows it by; None where a portal may not hear of it: only its own bookings, as appointments."""
    if one.portal is None:
        return Subject(event.subject_type, event.subject_id)
    if event.portal != one.portal or event.type in rules.INSIDE:
        return None
    if event.subject_type != "BookingRequest":
        return Subject(event.subject_type, event.subject_id)
    appointment = event.codes.get("appointment")
    return Subject("Appointment", appointment) if isinstance(appointment, str) else None


def _add(tx: Tx, one: Webhook, event: Event, subject: Subject) -> None:
    id_, here = new_id(), zone(directory.organization(tx).zone)
    status = event.codes.get("status") or _STATES.get(event.type)
    known = subject.type == event.subject_type
    payload = Payload(
        id=id_, type=event.type, at=format_rfc3339(event.at, here), subject=subject, version=event.version if known else 0,
        status=status if isinstance(status, str) else None,
    )  # fmt: skip
    rows.add(
        tx, id=id_, webhook=one.id, seq=event.seq, replay=0, type=event.type, subject=f"{subject.type}/{subject.id}",
        payload=msgspec.json.encode(payload).decode(),
    )  # fmt: skip


def record(tx: Tx, row: Any, result: Result) -> str:
    """Write down what the call of a claimed delivery (`row.attempts` names the call) brought; its state now.

    A delivery that arrived has arrived, whoever says so; a failure counts only if nobody has called since.
    """
    if result.code is None:
        rows.change(tx, row.id, None, state="delivered", status=result.status, code=None, done_at=tx.now)
        return "delivered"
    wait = None if result.status == GONE else rules.wait(row.attempts, result.told)
    values = {"status": result.status, "code": result.code}
    if wait is None:
        if rows.change(tx, row.id, row.attempts, state="failed", done_at=tx.now, **values):
            hook = WEBHOOKS.get(tx, row.webhook)
            events.note(
                tx, "webhook.failed", webhooks.SUBJECT, row.webhook, portal=hook.portal if hook else None,
                code=result.code, delivery=row.id, status=result.status,
            )  # fmt: skip
        return "failed"
    if rows.change(tx, row.id, row.attempts, next_at=tx.now + wait, **values) and result.down:
        rows.hold(tx, row.webhook, row.id, tx.now + min(wait, 300))
    return "open"


def find(tx: Tx, id_: str) -> Any:
    """A delivery that this actor may know of, or 404."""
    row = rows.get(tx, id_)
    if row is None:
        raise not_found("Delivery")
    webhooks.need(tx, row.webhook)
    return row


def replay(tx: Tx, row: Any) -> Any:
    """Send one again, whatever became of it: a new delivery with the same body."""
    id_ = new_id()
    rows.add(
        tx, id=id_, webhook=row.webhook, seq=row.seq, replay=rows.next_replay(tx, row.webhook, row.seq), type=row.type,
        subject=row.subject, payload=row.payload,
    )  # fmt: skip
    hook = webhooks.need(tx, row.webhook)
    events.note(tx, "webhook.replayed", webhooks.SUBJECT, row.webhook, portal=hook.portal, delivery=id_)
    return rows.get(tx, id_)


def replay_failed(tx: Tx, webhook: str, since: int) -> int:
    """Send again what was given up since then (epoch seconds), in its order; how many, at most `REPLAY_MOST`."""
    webhooks.need(tx, webhook)
    found = rows.failed_since(tx, webhook, since, REPLAY_MOST)
    for row in found:
        replay(tx, row)
    return len(found)


def test_payload(tx: Tx, webhook: str) -> tuple[str, bytes]:
    """The id and body of a test call: about the webhook itself."""
    id_, here = new_id(), zone(directory.organization(tx).zone)
    made = Payload(
        id=id_, type=rules.TEST, at=format_rfc3339(tx.now, here), subject=Subject(webhooks.SUBJECT, webhook), version=0,
        status=None,
    )  # fmt: skip
    return id_, msgspec.json.encode(made)
