"""Sources of bookings: set up by people, secrets sealed, opened for reading.

A change keeps the secrets it does not name. Where it says *whom we talk to*, they must be given again. Whoever may not see
patients may set a source up, but somebody who may see them switches it on.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import events, sharing
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.resource import changed_fields, check_version
from praxisd.kernel.store import Tx
from praxisd.model.portals import BookingSource, SourceKind
from praxisd.services.calendar import api as calendar
from praxisd.services.portals import cycle_store, desk_keys, sources_store, store

if TYPE_CHECKING:
    from praxisd.kernel.app import House

SEALED = "portals.source"
ADDRESS = "/api/v1/portals/hooks/"
FIELD, AGAIN, OWNER = (
    "portals.source_field",
    "portals.source_secrets_again",
    "portals.source_owner_switches_on",
)
NAME = "portals.source_name_taken"
_SECRETS = ("imap_password",)
_DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "mailbox": {
        "mailbox": "imap", "folder": "", "imap_server": "", "imap_port": "993", "imap_login": "",
        "imap_inbox": "INBOX", "imap_done": "praxisd", "certificate": "",
    },
    "folder": {"folder": ""},
    "hook": {},
}  # fmt: skip
_WHOM = ("mailbox", "imap_server", "imap_port", "imap_login", "certificate")
_PATHS = ("folder", "certificate")
"""Places on the server, which one of several practices cannot choose: another's folder may be there."""
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_PORT = re.compile(r"[1-9]\d{0,4}")


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says of a source."""

    name: str
    kind: SourceKind
    active: bool
    portal: str | None
    schedule: str | None
    service: str | None
    fields: Mapping[str, str]
    secrets: Mapping[str, str]
    new_address: bool = False


def values(house: "House", tx: Tx, source: BookingSource) -> dict[str, str]:
    """All fields of the form, as the source has them or as they are by themselves, secrets opened."""
    return {
        **dict.fromkeys(_SECRETS, ""),
        **_DEFAULTS[source.kind],
        **source.fields,
        **_opened(house, tx, source.id),
    }


def secrets_set(house: "House", tx: Tx, source: str) -> list[str]:
    """Names of the secrets that are stored, never their values."""
    return sorted(_opened(house, tx, source))


def create(house: "House", tx: Tx, given: Given) -> tuple[BookingSource, str | None]:
    """A new source, and the unguessable part of its address if it is one. Problems as `change`."""
    key, kept = desk_keys.made() if given.kind == "hook" else (None, None)
    source = BookingSource(id=new_id(), name=given.name.strip(), kind=given.kind, hook=kept)
    source, secrets = _checked(house, tx, source, given, {}, True)
    saved = store.SOURCES.insert(tx, source)
    _seal(house, tx, saved.id, secrets)
    events.note(
        tx, "source.created", "BookingSource", saved.id, version=1, kind=saved.kind, active=saved.active
    )
    return saved, key


def change(
    house: "House", tx: Tx, id_: str, given: Given, expected: int | None
) -> tuple[BookingSource, str | None]:
    """Another setting of a source. Problems (422): `portals.source_field` (params `field`), `.source_secrets_again`,
    `.source_owner_switches_on`, `calendar.schedule_unfit`, `calendar.service_unknown`;
    403 `access.shared`; 409 `.source_name_taken`; 404, 412.
    """
    old = store.SOURCES.need(tx, id_)
    check_version(expected, old.version, "BookingSource")
    if given.kind != old.kind:
        raise Problem(FIELD, 422, field="kind")
    kept = _opened(house, tx, id_)
    new, secrets = _checked(house, tx, old, given, kept, False)
    key = None
    if given.new_address and old.kind == "hook":
        key, digest = desk_keys.made()
        new = msgspec.structs.replace(new, hook=digest)
    saved = store.SOURCES.save(tx, new, old.version)
    _seal(house, tx, id_, secrets)
    names = [*changed_fields(old, saved), *(f"secret:{name}" for name in given.secrets)]
    events.note(
        tx, "source.changed", "BookingSource", id_,
        version=saved.version, fields=names, kind=saved.kind, active=saved.active,
    )  # fmt: skip
    return saved, key


def delete(tx: Tx, id_: str, expected: int | None) -> None:
    """Take a source out; what it brought stays."""
    old = store.SOURCES.need(tx, id_)
    check_version(expected, old.version, "BookingSource")
    store.SOURCES.delete(tx, id_, old.version)
    cycle_store.put_sealed(tx, f"Source/{id_}", "")
    sources_store.forget(tx, id_)
    events.note(tx, "source.deleted", "BookingSource", id_, version=old.version, kind=old.kind)


def _checked(
    house: "House", tx: Tx, old: BookingSource, given: Given, kept: Mapping[str, str], new: bool
) -> tuple[BookingSource, dict[str, str]]:
    defaults = _DEFAULTS[given.kind]
    fields = {name: value.strip() for name, value in given.fields.items() if value.strip()}
    for name in (*fields.keys() - defaults.keys(), *given.secrets.keys() - set(_SECRETS)):
        raise Problem(FIELD, 422, field=name[:40])
    if given.secrets and given.kind != "mailbox":
        raise Problem(FIELD, 422, field="secrets")
    secrets = {name: value for name, value in {**kept, **given.secrets}.items() if value}
    before = {**defaults, **old.fields}
    changed = new or any({**defaults, **fields}[name] != before[name] for name in defaults)
    moved = any({**defaults, **fields}.get(name) != before.get(name) for name in _WHOM)
    if moved and not new and (kept.keys() & secrets.keys()) - given.secrets.keys():
        raise Problem(AGAIN, 422)
    # Whoever may not see patients decides neither who may bring bookings in, nor where they end up.
    turned = (given.portal, given.schedule, given.service) != (old.portal, old.schedule, old.service)
    touched = changed or turned or given.new_address or bool(given.secrets)
    if tx.actor.masked and given.active and (touched or not old.active):
        raise Problem(OWNER, 422)
    whole = {**defaults, **fields}
    wrong = next((name for name, value in whole.items() if not _fits(house, name, value, whole)), None)
    if wrong is None and given.active and whole.get("mailbox") == "imap" and not secrets.get("imap_password"):
        wrong = "imap_password"
    if not given.name.strip() or not given.name.isprintable():
        wrong = "name"
    if wrong is not None:
        raise Problem(FIELD, 422, field=wrong)
    if changed and any(whole.get(name) for name in _PATHS):
        sharing.need(house, tx)
    _check_links(house, tx, given)
    if sources_store.named(tx, given.name.strip(), old.id):
        raise Problem(NAME, 409)
    changes = {"name": given.name.strip(), "active": given.active, "portal": given.portal, "fields": fields}
    return msgspec.structs.replace(old, schedule=given.schedule, service=given.service, **changes), secrets


def _check_links(house: "House", tx: Tx, given: Given) -> None:
    view = calendar.views(house).calendar(tx)
    if given.portal is not None and store.PORTALS.get(tx, given.portal) is None:
        raise Problem(FIELD, 422, field="portal")
    if given.schedule is not None and given.schedule not in view.schedules:
        raise Problem(FIELD, 422, field="schedule")
    if given.service is not None and given.service not in view.services:
        raise Problem(FIELD, 422, field="service")


def _fits(house: "House", name: str, value: str, whole: Mapping[str, str]) -> bool:
    """Can the field be right?"""
    imap = whole.get("mailbox") == "imap"
    if not value.isprintable():
        return False
    match name:
        case "mailbox":
            return value in ("imap", "folder")
        case "folder":
            return imap if not value else _own_folder(house, value)
        case "imap_server":
            return not imap or _HOST.fullmatch(value) is not None
        case "imap_port":
            return _PORT.fullmatch(value) is not None and int(value) < 65_536
        case "imap_login" | "imap_inbox" | "imap_done":
            return not imap or bool(value)
        case "certificate":
            return not value or Path(value).is_absolute()
    return True


def _own_folder(house: "House", value: str) -> bool:
    """An absolute path, not within our own data nor where our keys lie: files in it are moved."""
    path = Path(value)
    if not path.is_absolute() or ".." in path.parts or len(path.parts) < 2:
        return False
    whole, data = path.resolve(), house.folder.resolve()
    keys = Path(house.config.vault_key).resolve().parent if house.config.vault_key else data
    return whole not in (data, keys) and data not in whole.parents


def _opened(house: "House", tx: Tx, source: str) -> dict[str, str]:
    sealed = cycle_store.sealed(tx, f"Source/{source}")
    if not sealed:
        return {}
    return msgspec.json.decode(house.vault.open(SEALED, tx.organization, sealed), type=dict[str, str])


def _seal(house: "House", tx: Tx, source: str, secrets: Mapping[str, str]) -> None:
    text = house.vault.seal(SEALED, tx.organization, msgspec.json.encode(dict(secrets))) if secrets else ""
    cycle_store.put_sealed(tx, f"Source/{source}", text)
