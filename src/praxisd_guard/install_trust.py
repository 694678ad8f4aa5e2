"""Is a package what it is signed as? Asked of the guard's own trust, which the server cannot write.

The server hands over the repository's metadata as it fetched it (`seen`): every signature in it is checked anew, from
HOME/root.json on, against what the guard itself has seen before (HOME/trust).
"""

from pathlib import Path

from praxisd_guard import versions
from praxisd_guard.faults import NO_SPACE, TrustFault
from praxisd_guard.install_prepare import Refused
from praxisd_guard.orders import Order
from praxisd_guard.places import Places
from praxisd_guard.sources import FolderSource

ELEMENT = "praxisd"
PREFIX = "software/praxisd/"


def trusted(home: Path, order: Order, file: Path) -> None:
    """Refused unless `file` is the target `order.target`, signed as software of praxisd in the ordered version.

    Codes: `guard.no_root`, `guard.untrusted` (with the fault's own code, and its facts as detail), `guard.no_space`,
    `guard.older`: a version older than the one that runs is good to nobody but an attacker who knows its faults, even though its
    signature still holds; only the version before the present one may come back.
    """
    from praxisd_guard.trust import Trust  # its libraries are only needed here
    from praxisd_guard.trust_offers import newness

    places = Places(home)
    try:
        root = places.root.read_bytes()
    except OSError:
        raise Refused("guard.no_root", str(places.root)) from None
    target = order.target or ""
    if not target.startswith(PREFIX):
        raise Refused("guard.untrusted", f"not below {PREFIX}: {target}")
    try:
        trust = Trust(places.trust, root, FolderSource(Path(order.seen or "")))
        trust.refresh()
        offer = trust.check(target, file)
    except TrustFault as fault:
        code = "guard.no_space" if fault.code == NO_SPACE else "guard.untrusted"
        raise Refused(code, str(fault), fault.text) from None
    if (offer.element, offer.kind, offer.version) != (ELEMENT, "software", order.version):
        raise Refused(
            "guard.untrusted", f"{offer.element} {offer.version} ({offer.kind}) ordered as {order.version}"
        )
    here = versions.pointer(home)
    if here is not None and order.version != here.previous and newness(offer.version) < newness(here.version):
        raise Refused("guard.older", f"{offer.version}, while {here.version} runs")
