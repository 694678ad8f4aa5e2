"""The rows of praxisd itself, from the running configuration: its doors, and where it calls."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from praxisd.kernel import database_at
from praxisd.kernel.access import system
from praxisd.model.product import INTRANET
from praxisd.model.requirement import Words
from praxisd.services.diagnosis.port_listening import listeners
from praxisd.services.diagnosis.port_rows import OWN, PortRow
from praxisd.services.messaging import api as messaging
from praxisd.services.relay import api as relay

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_USUAL = {"http": 80, "https": 443, "postgresql": 5432, "postgres": 5432, "postgresql+psycopg": 5432}
_HERE = ("127.0.0.1", "::1", "localhost")
_UPDATES = "updates.url"
_MAIL = "email"


def own_ports(house: "House", lang: str, organization: str) -> list[PortRow]:
    """Where praxisd listens and where it calls, in the practice `organization` as far as that has accounts of its own.

    The doors are those of the server that runs on this data folder; where none runs there are none.
    """
    rows = [*_doors(house, lang), *_ways_out(house, lang, organization)]
    return list({row.id: row for row in rows}.values())


def _doors(house: "House", lang: str) -> Iterator[PortRow]:
    note = _note(house)
    door, ear = urlsplit(str(note.get("url", ""))), note.get("port")
    if door.hostname:
        number = _port(door.scheme, door.port)
        closed = _only_here(number)
        yield _row(
            house, lang, "door", number, (INTRANET,), secure=door.scheme == "https",
            in_=True, internal=not closed, note="door_here" if closed else "door",
        )  # fmt: skip
    if isinstance(ear, int):
        yield _row(house, lang, "control", ear, ("127.0.0.1",), in_=True, note="control")
    public = urlsplit(house.config.public_url or "")
    if public.hostname:
        yield _row(
            house, lang, "public", _port(public.scheme, public.port), (public.hostname,),
            secure=public.scheme == "https", in_=True, external=True, note="public",
        )  # fmt: skip


def _only_here(port: int) -> bool:
    """Does the door listen on the loopback alone? Its address does not tell: people are shown one they can use."""
    heard = [one for one in listeners() or () if (one.protocol, one.port) == ("tcp", port)]
    return bool(heard) and all(one.local_only for one in heard)


def _ways_out(house: "House", lang: str, organization: str) -> Iterator[PortRow]:
    for number, (host, port) in enumerate(relay.hubs(house)):
        yield _row(
            house, lang, "relay", port, (host,), at=number, secure=True, out=True, external=True, note="relay"
        )  # fmt: skip
    with house.store.read(system("diagnosis", organization)) as tx:
        source = urlsplit(str(house.settings.get(tx, _UPDATES)))
        account = messaging.account_facts(tx, _MAIL)
    if source.scheme in ("http", "https") and source.hostname:
        yield _row(
            house, lang, "updates", _port(source.scheme, source.port), (source.geturl(),),
            secure=source.scheme == "https", out=True, external=True, note="updates",
        )  # fmt: skip
    if account and account.get("host", "") not in ("", *_HERE) and account.get("port", "").isdecimal():
        yield _row(
            house, lang, "mail", int(account["port"]), (account["host"],),
            secure=account.get("security") == "tls", out=True, external=True, note="mail",
        )  # fmt: skip
    database = urlsplit(database_at.address(house.config.database_url, house.folder) or "")
    if database.scheme.startswith("postgres") and database.hostname and database.hostname not in _HERE:
        yield _row(
            house, lang, "database", database.port or 5432, (database.hostname,),
            out=True, internal=True, note="database",
        )  # fmt: skip


def _row(
    house: "House",
    lang: str,
    what: str,
    port: int,
    targets: tuple[str, ...],
    *,
    note: str,
    at: int = 0,
    secure: bool = False,
    in_: bool = False,
    out: bool = False,
    internal: bool = False,
    external: bool = False,
) -> PortRow:
    texts = house.texts
    return PortRow(
        id=f"{OWN}/{what}{at or ''}",
        source=OWN,
        name=OWN,
        service=texts.get(f"diagnosis.own_port.{what}", lang),
        protocol="tcp",
        ports=(str(port),),
        tls=(str(port),) if secure else (),
        in_=in_,
        out=out,
        internal=internal,
        external=external,
        targets=targets,
        note=Words(
            de=texts.get(f"diagnosis.own_port_note.{note}", "de"),
            en=texts.get(f"diagnosis.own_port_note.{note}", "en"),
        ),
    )


def _note(house: "House") -> dict[str, object]:
    """What control.json says of the server on this folder; nothing where none runs."""
    try:
        found = json.loads((house.folder / "run" / "control.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _port(scheme: str, port: int | None) -> int:
    return port or _USUAL.get(scheme, 443)
