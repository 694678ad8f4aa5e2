"""Access data of portals: set by people, secrets sealed in the vault, opened only to speak with the portal.

A change keeps the secrets it does not name. Where a field changes that says *whom we talk to* (an address), they must be
given again: whoever may change it must not lead a kept key elsewhere. As with messages to patients, whoever sees no
patients does not switch on what he has set up himself.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from praxisd.kernel import events
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.resource import changed_fields, check_version
from praxisd.kernel.store import Tx
from praxisd.model.portals import INTERVAL_LOW_S, AdapterName, OnlinePortal
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.portals import cycle_start, cycle_store, engine_store, links, portals
from praxisd.services.portals.portal import Account, Memory, Portal
from praxisd.services.portals.portals import Form
from praxisd.services.portals.store import PORTALS

if TYPE_CHECKING:
    from praxisd.kernel.app import House

SEALED = "portals.secret"


class Kept:
    """What an adapter remembers. Each change is handed to `keep` at once, as JSON of all of it: a crash forgets nothing."""

    def __init__(self, text: str = "{}", keep: Callable[[str], None] | None = None) -> None:
        self._values: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
        self._keep = keep

    def get(self, key: str) -> Any:
        """A JSON value, or None."""
        return self._values.get(key)

    def put(self, key: str, value: Any) -> None:
        """Remember; None forgets."""
        # As JSON gives it back: what the adapter does to its own value later is not remembered.
        fresh = msgspec.json.decode(msgspec.json.encode(value))
        if self._values.get(key) == fresh:
            return
        if fresh is None:
            del self._values[key]
        else:
            self._values[key] = fresh
        if self._keep is not None:
            self._keep(msgspec.json.encode(self._values).decode())


_LEADS = ("name", "at_once", "tells", "services")
"""Whose bookings they are, whether a person decides, who writes to the patient, what is booked: not for masked callers."""


class Given(NamedTuple):
    """What a person says of a portal, and its secrets: those that are not named stay, an empty one is removed."""

    record: OnlinePortal
    secrets: Mapping[str, str]


def form(adapter: AdapterName) -> Form:
    """What the adapter's form asks for; Problem `portals.adapter_unknown` (422)."""
    found = portals.forms().get(adapter)
    if found is None:
        raise Problem("portals.adapter_unknown", 422, adapter=adapter)
    return found


def secrets(house: "House", tx: Tx, owner: str) -> dict[str, str]:
    """The opened secrets of `Portal/<id>`, `Source/<id>` or `Webhook/<id>`."""
    text = cycle_store.sealed(tx, owner)
    if not text:
        return {}
    return msgspec.json.decode(house.vault.open(SEALED, tx.organization, text), type=dict[str, str])


def secrets_set(house: "House", tx: Tx, portal: str) -> list[str]:
    """Names of the secrets that are stored, never their values; none where they cannot be opened any more."""
    try:
        return sorted(secrets(house, tx, f"Portal/{portal}"))
    except Problem:
        return []


def keep_secrets(house: "House", tx: Tx, owner: str, values: Mapping[str, str]) -> None:
    """Seal these secrets of an owner in place of those it had."""
    data = msgspec.json.encode(dict(values))
    cycle_store.put_sealed(tx, owner, house.vault.seal(SEALED, tx.organization, data) if values else "")


def account(house: "House", tx: Tx, portal: OnlinePortal, fresh: Mapping[str, str] | None = None) -> Account:
    """How the practice is known to the portal. `fresh`: secrets in place of the stored ones (of one not saved yet)."""
    opened = secrets(house, tx, f"Portal/{portal.id}") if fresh is None else dict(fresh)
    return Account(portal.id, {**portal.fields, **opened}, directory.organization(tx).zone)


def opened(house: "House", one: Account, adapter: str, memory: Memory) -> Portal:
    """The portal, ready to be asked."""
    return portals.open_portal(house, adapter, one, memory)


def every(tx: Tx) -> list[OnlinePortal]:
    """All portals of the practice."""
    return PORTALS.all(tx)


def create(house: "House", tx: Tx, given: Given) -> OnlinePortal:
    """Set up a portal. Problems as `change`."""
    record = msgspec.structs.replace(given.record, id=new_id())
    _check(house, tx, record, None)
    kept = _secrets(form(record.adapter), given.secrets, {})
    _may_switch_on(tx, record, None, touched=True)
    if record.active:
        portals.check_fields(record.adapter, {**record.fields, **kept})
    made = PORTALS.insert(tx, record)
    keep_secrets(house, tx, f"Portal/{made.id}", kept)
    engine_store.add_cycle(tx, made.id)
    events.note(
        tx, "portal.created", "Portal", made.id, version=1, adapter=made.adapter, active=made.active,
    )  # fmt: skip
    return made


def change(house: "House", tx: Tx, id_: str, given: Given, expected: int | None) -> OnlinePortal:
    """Change a portal; it is tried at once.

    Problems (422): `portals.adapter_unknown`, `.adapter_fixed`, `.field_unknown`, `.field_wrong`, `.interval_too_short`,
    `.name_taken` (409), `.name_fixed`, `.service_unknown`, `.secrets_again`, `.owner_switches_on`; `resource.stale` (412).
    """
    old = PORTALS.need(tx, id_)
    check_version(expected, old.version, "Portal")
    record = msgspec.structs.replace(given.record, id=id_, version=old.version)
    _check(house, tx, record, old)
    one = form(record.adapter)
    before = secrets(house, tx, f"Portal/{id_}")
    kept = _secrets(one, given.secrets, before)
    changed = _changed(one, old.fields, record.fields)
    moved = any(field.whom for field in one.fields if field.name in changed)
    if moved and (before.keys() & kept.keys()) - given.secrets.keys():
        raise Problem("portals.secrets_again", 422)
    led = any(getattr(record, name) != getattr(old, name) for name in _LEADS)
    _may_switch_on(tx, record, old, touched=led or bool(changed or given.secrets))
    if record.active:
        portals.check_fields(record.adapter, {**record.fields, **kept})
    saved = PORTALS.save(tx, record, old.version)
    keep_secrets(house, tx, f"Portal/{id_}", kept)
    # Whatever was wrong may be healed by this: no waiting until a failure's time is over.
    soon = cycle_start.free_now(tx, id_)
    engine_store.change_cycle(tx, id_, due_at=soon, failures=0, code=None, retry=None)
    for state in engine_store.states(tx, id_).values():
        if state.failures:
            engine_store.change_state(tx, state.calendar, failures=0, code=None, retry=None)
    names = [*changed_fields(old, saved), *(f"secret:{name}" for name in given.secrets)]
    events.note(tx, "portal.changed", "Portal", id_, version=saved.version, fields=names, active=saved.active)
    tx.after(house.wake.signal)
    return saved


def remove(house: "House", tx: Tx, id_: str, expected: int | None) -> None:
    """Forget a portal, its calendars and its access data. What was booked stays."""
    old = PORTALS.need(tx, id_)
    check_version(expected, old.version, "Portal")
    for one in engine_store.calendars(tx, id_):
        links.unlink(house, tx, one.id, None)
    engine_store.forget_portal(tx, id_)
    PORTALS.delete(tx, id_, old.version)
    events.note(tx, "portal.deleted", "Portal", id_, version=old.version)


def _check(house: "House", tx: Tx, record: OnlinePortal, old: OnlinePortal | None) -> None:
    """What holds for every portal, switched on or not."""
    if record.interval < INTERVAL_LOW_S:
        raise Problem("portals.interval_too_short", 422, low=INTERVAL_LOW_S)
    if not record.name.strip() or not record.name.isprintable():
        raise Problem("portals.field_wrong", 422, field="name")
    if old is not None and old.adapter != record.adapter:
        raise Problem("portals.adapter_fixed", 422)
    same = PORTALS.all(tx, PORTALS.table.c.name == record.name)
    if any(one.id != record.id for one in same):
        raise Problem("portals.name_taken", 409, name=record.name)
    if old is not None and old.name != record.name and engine_store.has_requests(tx, old.id):
        # Its bookings, and the persons it knows, are kept under its name.
        raise Problem("portals.name_fixed", 422)
    known = {one.name for one in form(record.adapter).fields if not one.secret}
    for key in record.fields.keys() - known:
        raise Problem("portals.field_unknown", 422, field=key[:40])
    services = calendar.views(house).calendar(tx).services
    for name, service in record.services.items():
        if service not in services:
            raise Problem("portals.service_unknown", 422, name=name)


def _secrets(one: Form, given: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    known = {field.name for field in one.fields if field.secret}
    for key in given.keys() - known:
        raise Problem("portals.field_unknown", 422, field=key[:40])
    return {key: value for key, value in {**before, **given}.items() if value and key in known}


def _changed(one: Form, old: Mapping[str, str], new: Mapping[str, str]) -> set[str]:
    """Names of the plain fields that mean something else now; one left empty means its default."""
    before, after = one.filled(old), one.filled(new)
    return {
        field.name for field in one.fields if not field.secret and before[field.name] != after[field.name]
    }


def _may_switch_on(tx: Tx, record: OnlinePortal, old: OnlinePortal | None, *, touched: bool) -> None:
    """Whoever sees no patients must not lead their bookings to a machine of his choice (`portals.owner_switches_on`)."""
    if tx.actor.masked and record.active and (touched or old is None or not old.active):
        raise Problem("portals.owner_switches_on", 422)
