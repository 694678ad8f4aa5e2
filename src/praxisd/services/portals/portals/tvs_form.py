"""116117: what its form asks for, and how an account becomes a `Tvs116117`.

Tokens outlive a cycle in the memory of this process (`house.shared`), never on disk.
"""

import hashlib
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from praxisd.kernel.clock import Clock
from praxisd.kernel.http import HttpAnswer
from praxisd.services.portals.portal import Account, Memory
from praxisd.services.portals.portals.forms import Field, Form
from praxisd.services.portals.portals.talking import Talk, open_talk
from praxisd.services.portals.portals.tvs116117 import WEEKS, Tvs116117, Wishes
from praxisd.services.portals.portals.tvs_client import FORM as FORM_TYPE
from praxisd.services.portals.portals.tvs_client import Client, ask
from praxisd.services.portals.portals.tvs_shapes import KINDS
from praxisd.services.portals.portals.tvs_tickets import CardTickets, FixedTickets, SandboxCard, Tickets

if TYPE_CHECKING:
    from praxisd.kernel.app import House

ADDRESS = "https://terminsynchronisation.eterminservice.kv-safenet.de/tvs/terminsynchronisation/api"
"""The live service; it can only be reached from within the telematics network."""
FORM = Form(
    "tvs116117",
    (
        Field("address", required=True, default=ADDRESS, whom=True, kind="address"),
        Field("login", whom=True, kind="address"),
        Field("card", secret=True, required=True),
        Field("weeks", default=str(WEEKS), kind="number", low=1, high=52),
        Field("kind", default=KINDS[0], choices=KINDS),
        Field("urgency"),
        Field("bookable"),
        Field("search", default="xml", choices=("xml", "form")),
    ),
    Tvs116117.abilities,
)
"""`login` empty: the card's field holds a token as it is. `search`: how search parameters are written into a body."""
_TICKETS = "portals.tvs_tickets"
_making = threading.Lock()


def connect(house: "House", account: Account, memory: Memory) -> Tvs116117:
    """The service as this account sees it; nothing is asked yet."""
    talk = open_talk(house)
    fields = FORM.filled(account.values)
    return opened(
        account, memory, talk, house.clock, _tickets(house.shared, account, fields, talk, house.clock)
    )


def opened(account: Account, memory: Memory, talk: Talk, clock: Clock, tickets: Tickets) -> Tvs116117:
    """The same with tickets from elsewhere: a live card would come in here."""
    fields = FORM.filled(account.values)
    client = Client(fields["address"], talk, tickets, fields["search"] == "form")
    wishes = Wishes(int(fields["weeks"]), fields["kind"], fields["urgency"], fields["bookable"])
    return Tvs116117(account, client, memory, clock, wishes)


def new_tickets(fields: Mapping[str, str], talk: Talk, clock: Clock) -> Tickets:
    """How an account logs in by what its form says."""
    if not fields["login"]:
        return FixedTickets(fields["card"])

    def call(method: str, url: str, form: Mapping[str, str] | None = None) -> HttpAnswer:
        if form is None:
            return ask(talk, method, url)
        return ask(talk, method, url, headers={"Content-Type": FORM_TYPE}, body=urlencode(form).encode())

    return CardTickets(fields["login"], SandboxCard(fields["card"]), call, clock)


def _tickets(
    shared: dict[str, Any], account: Account, fields: Mapping[str, str], talk: Talk, clock: Clock
) -> Tickets:
    """The account's tickets of this process; new ones once its access data are others."""
    stamp = hashlib.sha256("\0".join((fields["login"], fields["card"])).encode()).hexdigest()
    with _making:
        kept: dict[str, tuple[str, Tickets]] = shared.setdefault(_TICKETS, {})
        if account.id not in kept or kept[account.id][0] != stamp:
            kept[account.id] = (stamp, new_tickets(fields, talk, clock))
        return kept[account.id][1]
