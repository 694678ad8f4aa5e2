"""The installation as a person must be able to name it to somebody on the telephone (SPEC 7.1).

Instance name, version, host, IP addresses, the operating system's name of the service, and the plug-ins.
"""

import os
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from praxisd import __version__
from praxisd.kernel import plugin_places
from praxisd.kernel.guarded_routes import READ
from praxisd.kernel.plugin_loading import Loaded
from praxisd.kernel.service import Call, Operation, Route

if TYPE_CHECKING:
    from praxisd.kernel.app import House

SERVICE_VARIABLE = "PRAXISD_SERVICE"
"""Set by the service's definition: the name under which the operating system knows it."""
_ANYWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses for documentation (RFC 5737, RFC 3849): nothing is sent there, only the way is asked for."""


class _Out(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What all answers share: camelCase names."""


class PluginOut(_Out, frozen=True, kw_only=True):
    """A plug-in. `on` False: `reason` is why it is not loaded; `packaged`: it came with the program's libraries."""

    name: str
    version: str | None
    on: bool
    packaged: bool
    reason: str | None = None


class InstallationOut(_Out, frozen=True, kw_only=True):
    """This installation. `service` None: it was not started as a service of the operating system."""

    instance: str
    version: str
    state: str
    host: str
    addresses: list[str]
    port: int | None
    service: str | None
    guarded: bool
    plugins: list[PluginOut]


def read(call: Call) -> InstallationOut:
    """This installation

    How it is called, which version runs, on which computer, and with which plug-ins.
    """
    return facts(call.house)


def facts(house: "House") -> InstallationOut:
    """What `GET /installation` answers."""
    url = house.shared.get("url")
    return InstallationOut(
        instance=house.config.instance,
        version=__version__,
        state="safe" if house.safe else house.state.value,
        host=socket.gethostname(),
        addresses=addresses(),
        port=None if url is None else urlsplit(str(url)).port,
        service=os.environ.get(SERVICE_VARIABLE) or None,
        guarded=house.guard is not None,
        plugins=[*_placed(house), *_packaged(house)],
    )


def addresses() -> list[str]:
    """The addresses under which others in the network reach this computer; nobody is asked, nothing is sent."""
    found = []
    for family, somewhere in _ANYWHERE:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.connect((somewhere, 9))
                found.append(str(sock.getsockname()[0]))
        except OSError:
            continue  # no way out for this family
    return found


def _placed(house: "House") -> list[PluginOut]:
    loaded = house.shared.get("plugins")
    running = {place.name for place, _ in loaded.found} if isinstance(loaded, Loaded) else set()
    return [
        PluginOut(
            name=one.name,
            version=one.version,
            on=one.off is None and one.name in running,
            packaged=False,
            reason=None if one.off is None else one.off.reason,
        )
        for one in plugin_places.places(house.folder)
    ]


def _packaged(house: "House") -> list[PluginOut]:
    loaded = house.shared.get("plugins")
    placed = [one.package for one in loaded.services] if isinstance(loaded, Loaded) else []
    return [
        PluginOut(name=one.name, version=None, on=True, packaged=True)
        for one in house.registry.services
        if not one.package.startswith("praxisd.") and one.package not in placed
    ]


def tell(house: "House", _args: dict[str, Any]) -> dict[str, Any]:
    """`InstallationOut` for `praxisd service status`."""
    found: dict[str, Any] = msgspec.to_builtins(facts(house))
    return found


OPERATIONS = (Operation("kernel.installation", tell),)
ROUTES = (
    Route(
        "GET",
        "/installation",
        "installation.read",
        read,
        READ,
        InstallationOut,
        exempt=True,
        safe=True,
        tags=("guard",),
    ),
)
