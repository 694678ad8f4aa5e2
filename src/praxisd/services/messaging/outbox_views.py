"""Messages as people see them: codes with their words, ids with names, times in the practice's zone."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from praxisd.kernel.clock import format_rfc3339, zone
from praxisd.kernel.store import Tx
from praxisd.services.directory import api as directory
from praxisd.services.messaging.outbox_shapes import MessageView, Reason

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def here(tx: Tx) -> tzinfo:
    """The practice's time zone."""
    return zone(directory.organization(tx).zone)


def words(house: "House", code: str | None, lang: str) -> Reason | None:
    """A code with its texts; a code of which nobody knows any more stands for itself."""
    if not code:
        return None
    texts = house.texts
    title, cause, solution = (
        texts.get(f"{code}.{part}", lang) if texts.has(f"{code}.{part}") else ""
        for part in ("title", "cause", "solution")
    )
    return Reason(code=code, title=title or code, cause=cause, solution=solution)


def mandators(tx: Tx) -> dict[str, str]:
    """Names of mandators by id."""
    return {one.id: one.name for one in directory.mandators(tx)}


def views(house: "House", tx: Tx, found: Sequence[Any], lang: str) -> list[MessageView]:
    """The messages as this actor may see them."""
    names = directory.name(tx, [row.patient for row in found])
    units, where = mandators(tx), here(tx)
    return [MessageView(**values(house, tx, row, lang, names, units, where)) for row in found]


def values(
    house: "House",
    tx: Tx,
    row: Any,
    lang: str,
    names: dict[str, str | None],
    units: dict[str, str],
    where: tzinfo,
) -> dict[str, Any]:
    """The fields of a MessageView."""
    open_ = not tx.actor.masked
    return {
        "id": row.id,
        "version": row.version,
        "kind": row.kind,
        "state": row.state,
        "channel": row.channel or None,
        "reason": words(house, row.reason, lang),
        "letter": row.letter,
        "reply": row.reply,
        "patient": row.patient if open_ else None,
        "patient_name": names.get(row.patient) if open_ else None,
        "address": row.address if open_ else None,
        "appointment": row.appointment,
        "start": time(row.stamp or None, where),
        "mandator": row.mandator,
        "mandator_name": units.get(row.mandator or ""),
        "language": row.language,
        "subject": row.subject if open_ else None,
        "text": row.text if open_ else None,
        "parts": row.parts,
        "cost": row.cost,
        "charged": row.charged,
        "prepared_at": format_rfc3339(row.prepared_at, where),
        "next_at": time(row.next_at if row.state == "prepared" else None, where),
        "sent_at": time(row.sending_at, where),
        "accepted_at": time(row.accepted_at, where),
        "ended_at": time(row.ended_at, where),
        "useless_after": format_rfc3339(row.useless_after, where),
        "attempts": row.attempts,
        "gateway": row.gateway,
        "detail": row.detail,
        "run": row.run,
    }


def time(epoch: int | None, where: tzinfo) -> str | None:
    """An instant as RFC 3339, or None."""
    return None if epoch is None else format_rfc3339(epoch, where)
