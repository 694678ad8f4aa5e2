"""The sample practice behind a relay hub on this computer: enrolled at the first start, reached under its relay name."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from praxisd.kernel.access import system
from praxisd.kernel.errors import Problem
from praxisd.sandbox import relay as sandbox
from praxisd.services.relay import api as relay

if TYPE_CHECKING:
    from praxisd.kernel.app import House

LABEL = "Beispielplatz"
UP_S = 20.0
CERTIFICATE = "relay.pem"


def introduce(house: "House", folder: Path, hub: str) -> dict[str, Any]:
    """Enrol at the hub, whose address is `hub`, unless that was done before; what goes into access.json.

    `url` is the practice's address from outside; `connect` where its connections really go (no DNS knows `localhost`'s
    names); `certificate` a file with what to trust, `spki_sha256` the pins. A hub that does not answer is told of by the
    console, as in a real practice; the demo runs all the same.
    """
    enrol(house, folder, hub)
    relay.wait_up(house, UP_S)
    return facts(house, folder, hub)


def enrol(house: "House", folder: Path, hub: str) -> None:
    """Enrol at the hub unless that was done before; the house need not be served for it."""
    port = urlsplit(hub).port or 443
    if not relay.enrolled_at(house, f"link.{sandbox.DOMAIN}", port):
        try:
            relay.enrol(house, system("demo"), sandbox.invitation(folder, port, LABEL))
        except Problem as problem:
            house.log.warning("relay_unsettled", code=problem.code)


def facts(house: "House", folder: Path, hub: str) -> dict[str, Any]:
    """What goes into access.json; writes the certificate beside it."""
    file = folder / CERTIFICATE
    file.write_text(relay.certificate(house), encoding="ascii")
    return {
        "url": relay.public_url(house) or hub,
        "connect": f"127.0.0.1:{urlsplit(hub).port or 443}",
        "certificate": str(file.absolute()),
        "spki_sha256": list(relay.pins(house)),
    }
