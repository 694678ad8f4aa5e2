"""Is a package what it is signed as? Asked of the guard's own trust, which the server cannot write.

The server hands over the repository's metadata as it fetched it (`seen`): every signature in it is checked anew, from
HOME/root.json on, against what the guard itself has seen before (HOME/trust).
"""

from pathlib import Path

from praxisd_guard.faults import NO_SPACE, TrustFault
from praxisd_guard.install_prepare import Refused
from praxisd_guard.orders import Order
from praxisd_guard.places import Places
from praxisd_guard.sources import FolderSource

ELEMENT = "praxisd"
PREFIX = "software/praxisd/"


def trusted(home: Path, order: Order, file: Path) -> None:
    """Refused unless `file` is the target `order.target`, signed as software of praxisd in the ordered version.

    Codes: `guard.no_root`, `guard.untrusted` (detail: the fault's own code and facts), `guard.no_space`.
    """
    from praxisd_guard.trust import Trust  # its libraries are only needed here

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
        raise Refused("guard.no_space" if fault.code == NO_SPACE else "guard.untrusted", str(fault)) from None
    if (offer.element, offer.kind, offer.version) != (ELEMENT, "software", order.version):
        raise Refused(
            "guard.untrusted", f"{offer.element} {offer.version} ({offer.kind}) ordered as {order.version}"
        )
