"""What `praxisd ports …` does, in the server or under the folder's lock. JSON in and out."""

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.access import INSTALLATION, Actor, Kind, system
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Operation
from praxisd.services.diagnosis import port_making, port_view, port_words
from praxisd.services.diagnosis.machine import own_host
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]


def _actor(house: "House") -> Actor:
    """The command line, in the practice if there is only one."""
    with house.store.read(system("diagnosis")) as tx:
        known = directory.organization_ids(tx)
    return Actor(Kind.CLI, "cli", known[0] if len(known) == 1 else INSTALLATION, everything=True)


def _text(args: Args, name: str, default: str | None = None) -> str | None:
    value = args.get(name, default)
    if value is not None and not isinstance(value, str):
        raise Problem("control.bad_arguments", 400)
    return value


def listed(house: "House", args: Args) -> Args:
    """The rows with what was found, the last test included."""
    lang, source = _text(args, "lang", "de") or "de", _text(args, "source")
    rows = port_view.rows(house, lang, _actor(house).organization, source)
    shown = [port_words.row_out(house, row, found, lang) for row, found in port_view.seen(house, rows)]
    return {"host": own_host(), "rows": msgspec.to_builtins(shown)}


def test(house: "House", args: Args) -> Args:
    """Try the connections now, then as `listed`."""
    lang, source = _text(args, "lang", "de") or "de", _text(args, "source")
    rows = port_view.rows(house, lang, _actor(house).organization, source)
    count = port_view.test(house, rows, bool(args.get("external")))
    return {**listed(house, args), "tried": count}


def export(house: "House", args: Args) -> Args:
    """A file of the list: its name, and its bytes in base64."""
    file, lang = _text(args, "file") or "", _text(args, "lang", "de") or "de"
    data, _, name = port_making.made(house, _actor(house), file, lang, _text(args, "source"))
    return {"name": name, "data": b64encode(data).decode()}


OPERATIONS = (
    Operation("diagnosis.ports_list", listed, offline=True),
    Operation("diagnosis.ports_test", test, offline=True),
    Operation("diagnosis.ports_export", export, offline=True),
)
