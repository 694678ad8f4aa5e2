"""One call of a receiver, and what it brought. No redirect is followed; what a receiver answers is not kept."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from praxisd.kernel import http
from praxisd.model.portals import Webhook
from praxisd.services.portals import webhooks
from praxisd.services.portals import webhooks_rules as rules
from praxisd.services.portals.deliveries import GONE, Result

if TYPE_CHECKING:
    from praxisd.kernel.app import House

TIMEOUT_S = 10.0
"""So long a receiver may take to answer. Seconds."""
LIMIT_BYTES = 65_536
UNSEALED = "portals.webhook_secret_lost"
PRIVATE = "portals.webhook_private"
REFUSED = "portals.webhook_refused"
MOVED = "portals.webhook_redirects"
LATE = "portals.webhook_timeout"
LOST = "portals.webhook_answer_lost"
SHUT_OUT = "portals.webhook_shut_out"
_WHY = {
    "name": "portals.webhook_name_unknown",
    "unreachable": "portals.webhook_unreachable",
    "timeout": LATE,
    "too_late": LATE,
    "encryption": "portals.webhook_encryption",
    "forbidden": PRIVATE,
}
CODES = (*dict.fromkeys(_WHY.values()), REFUSED, MOVED, LOST, UNSEALED, SHUT_OUT)
"""Why a call did not arrive."""


def call(
    house: "House",
    one: Webhook,
    secret: str,
    entries: tuple[str, ...],
    id_: str,
    type_: str,
    body: bytes,
    before: float,
) -> Result:
    """Call the receiver once. Nothing is written after `before` (epoch seconds). Raises nothing.

    `entries`: hosts that may be private (`webhooks.entries`), where a portal's webhook is called. Any 2xx is a success.
    """
    fault = rules.fault(one.url, entries, foreign=one.portal is not None)
    if fault is not None:
        return Result(None, webhooks.FAULTS[fault])
    if not secret:
        return Result(None, UNSEALED)
    host = urlsplit(one.url).hostname or ""
    checked = one.portal is not None and not rules.in_list(host, entries)
    headers = {
        "Content-Type": "application/json",
        "Praxisd-Event": type_,
        "Praxisd-Delivery": id_,
        "Praxisd-Signature": rules.signed(secret, house.clock.now(), body),
    }
    try:
        got = http.client(house).request(
            "POST", one.url, headers=headers, body=body, timeout_s=TIMEOUT_S, before=before, limit_bytes=LIMIT_BYTES,
            allowed=(lambda peer: rules.public(peer) or rules.in_list(peer, entries)) if checked else None,
        )  # fmt: skip
    except http.NotSent as error:
        return Result(None, _WHY[error.why], down=True)
    except http.AnswerLate:
        return Result(None, LATE, down=True)
    except http.AnswerLost:
        return Result(None, LOST, down=True)
    if 200 <= got.status < 300:
        return Result(got.status)
    if 300 <= got.status < 400:
        return Result(got.status, MOVED)
    told = got.headers.get("retry-after", "")
    wait = int(told) if told.isascii() and told.isdigit() and len(told) < 7 else None
    return Result(got.status, REFUSED, wait, down=got.status >= 500 or got.status in (GONE, 429))
