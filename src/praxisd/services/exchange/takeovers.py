"""Take-overs as people ask for them: a file comes in, is looked at, taken over, stopped, taken back, thrown away.

Each is a change of state in one transaction; the work itself is done behind (`takeover_room`). Events tell counts, never
what stands in a file.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from praxisd.kernel import events
from praxisd.kernel.access import Actor
from praxisd.kernel.clock import local_date, zone
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.services.directory import api as directory
from praxisd.services.exchange import formats, takeover_places
from praxisd.services.exchange import takeover_store as store
from praxisd.services.exchange import takeover_terms as rules
from praxisd.services.exchange.format import HEAD

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Changed = Literal["keep", "take"]


def bring(house: "House", actor: Actor, given: Path, name: str = "", format_: str | None = None) -> str:
    """Keep a file; returns the id of its take-over. Problems `exchange.file_empty`, `exchange.format_unknown`,
    `exchange.format_unclear` (all 422)."""
    with given.open("rb") as file:
        head = file.read(HEAD)
    if not head.strip():
        raise Problem("exchange.file_empty", 422)
    if format_ is None:
        found = formats.guess(head)
        if not found or found[0][1] < SURE:
            raise Problem("exchange.format_unclear", 422, known=", ".join(formats.MODULES))
        format_ = found[0][0]
    chosen = formats.get(format_).name
    id_ = new_id()
    try:
        digest, size = takeover_places.keep(house, id_, given)

        def work(tx: Tx) -> None:
            practice = directory.organization(tx)
            store.add(
                tx, id=id_, name=_shown(name), format=chosen, sha256=digest, bytes=size,
                settings=msgspec.json.encode(_settled(tx, rules.Settings(), practice)).decode(),
                state="uploaded", cursor=0, done=0, total=size, counts="{}", left_out="{}", code="", source_gone=0,
                created_at=tx.now, created_by=tx.actor.label, changed_at=tx.now,
            )  # fmt: skip
            events.note(tx, "takeover.brought", "Takeover", id_, format=chosen, bytes=size)

        house.store.run(actor, work)
    except BaseException:
        takeover_places.throw_away(house, id_)
        raise
    return id_


def _shown(name: str) -> str:
    """The name of a file as far as it can be kept and shown."""
    return "".join(one for one in name if one.isprintable())[:200]


SURE = 0.3
"""A format that a file looks like less is not believed."""


def _settled(tx: Tx, wanted: rules.Settings, practice: Any) -> rules.Settings:
    """Settings with what the practice says: its country, its zone, and today, so that a later reading reads the same."""
    here = zone(practice.zone)
    options = msgspec.structs.replace(
        wanted.options, country=practice.country, zone=practice.zone, today=local_date(tx.now, here)
    )
    return msgspec.structs.replace(wanted, options=options)


def need(tx: Tx, id_: str, *, lock: bool = False) -> Any:
    """The take-over's row; 404."""
    row = store.get(tx, id_, lock=lock)
    if row is None or row.state == rules.DELETING:
        raise not_found("Takeover")
    return row


def settings_of(row: Any) -> rules.Settings:
    """How its file is taken over."""
    return msgspec.json.decode(row.settings, type=rules.Settings)


def _may(row: Any, what: str) -> None:
    if row.state not in rules.AFTER[what]:
        raise Problem("exchange.wrong_state", 409)


def look(house: "House", tx: Tx, id_: str, wanted: rules.Settings | None, format_: str | None = None) -> None:
    """Begin to look. Problems: `exchange.wrong_state`, `exchange.source_gone` (409), `exchange.settings_invalid`,
    `exchange.mapping_missing`, `exchange.date_order_missing` (422)."""
    row = need(tx, id_, lock=True)
    _may(row, "look")
    if row.code and store.states(tx, id_).get("applied"):
        raise Problem("exchange.wrong_state", 409)  # what was begun is finished or taken back
    if row.source_gone:
        raise Problem("exchange.source_gone", 409)
    settings = settings_of(row) if wanted is None else _settled(tx, wanted, directory.organization(tx))
    settings.check(directory.LEADS)
    chosen = row.format if format_ is None else formats.get(format_).name
    store.save(
        tx, row, state="looking", cursor=0, done=0, total=row.bytes, counts="{}", left_out="{}", code="",
        settings=msgspec.json.encode(settings).decode(), format=chosen,
    )  # fmt: skip
    events.note(tx, "takeover.look_begun", "Takeover", id_)


def apply(tx: Tx, id_: str) -> None:
    """Begin to take over what was looked at, or go on after a stop. Problem `exchange.wrong_state` (409)."""
    row = need(tx, id_, lock=True)
    _may(row, "apply")
    found = store.states(tx, id_)
    again = found.get("applied", 0) > 0
    taken_back = any(found.get(one) for one in ("back", "kept", "changed"))
    if taken_back or (row.state == "failed" and not again):
        raise Problem("exchange.wrong_state", 409)
    if row.source_gone:
        raise Problem("exchange.source_gone", 409)
    store.save(
        tx, row, state="running", code="", **({} if again else {"cursor": 0, "done": 0, "total": row.bytes})
    )
    events.note(tx, "takeover.begun", "Takeover", id_)


def stop(tx: Tx, id_: str) -> None:
    """Stop the work; what was taken over stays, and may go on or be taken back. Problem `exchange.wrong_state` (409)."""
    row = need(tx, id_, lock=True)
    _may(row, "stop")
    after = {"looking": "uploaded", "running": "stopped", "undoing": "undecided"}[row.state]
    store.save(tx, row, state=after, **({"code": ""} if row.state == "undoing" else {}))
    events.note(tx, "takeover.stopped", "Takeover", id_)


def undo(tx: Tx, id_: str, changed: Changed | None = None) -> None:
    """Begin to take back. What somebody has changed since waits; `changed` decides about that: it stays (`keep`), or goes as
    far as nothing of others is lost (`take`). Problems `exchange.wrong_state`, `exchange.undo_undecided` (409)."""
    row = need(tx, id_, lock=True)
    _may(row, "undo")
    found = store.states(tx, id_)
    if found.get("applied", 0):
        changed = None  # first what nobody has touched; then a person sees what is left
    elif row.state == "undecided" and changed is None:
        raise Problem("exchange.undo_undecided", 409, waiting=found.get("changed", 0))
    code = f"exchange.undo_{changed}" if changed else ""
    store.save(tx, row, state="undoing", cursor=0, done=0, code=code)
    events.note(tx, "takeover.undo_begun", "Takeover", id_, changed=changed or "wait")


def delete(house: "House", tx: Tx, id_: str) -> None:
    """Forget a take-over and throw its file away. What it brought stays, and can be taken back as a whole no more.

    From now on it is not there; its fifty thousand rows go in pieces, behind (`takeover_room`).

    Problem `exchange.wrong_state` (409) while it is at work or half done.
    """
    row = need(tx, id_, lock=True)
    _may(row, "delete")
    if row.state == "failed" and store.states(tx, id_).get("applied"):
        raise Problem("exchange.wrong_state", 409)
    store.save(tx, row, state=rules.DELETING, cursor=0)
    events.note(tx, "takeover.deleted", "Takeover", id_)
    tx.after(lambda: takeover_places.throw_away(house, id_))
