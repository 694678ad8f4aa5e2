"""A call from outside with a key, as a portal makes it: through the public name, the hub and the tunnel, to ourselves."""

from typing import TYPE_CHECKING

from praxisd.services.relay import probe, words
from praxisd.services.relay.shapes import TryOut
from praxisd.services.relay.state import now, params

if TYPE_CHECKING:
    from praxisd.kernel.app import House

PATH = "/api/v1/me"
WITHIN_S = 12.0
_BY_STATUS = {
    401: "relay.try_key",
    403: "relay.try_forbidden",
    429: "relay.try_limited",
    503: "relay.try_closed",
}
CODES = (*_BY_STATUS.values(), "relay.try_answer")


def attempt(house: "House", key: str, lang: str) -> TryOut:
    """Call `GET /api/v1/me` from outside. The key goes into this one request and nowhere else."""
    found = now(house)
    code: str | None
    if found.who is None:
        code, status, ms = "relay.not_enrolled", None, 0
    elif not found.snapshot.connected and found.code is not None:
        code, status, ms = found.code, None, 0
    else:
        got = probe.fetch(house, PATH, {"Authorization": f"Bearer {key}"}, WITHIN_S)
        status, ms = got.status, got.ms
        code = got.code or _judged(got.status)
    said = None if code is None else words.said(house.texts, code, lang, **params(found))
    return TryOut(
        ok=code is None,
        status=status,
        ms=ms,
        code=code,
        title=said.title if said else None,
        cause=said.cause if said else None,
        solution=said.solution if said else None,
    )


def _judged(status: int | None) -> str | None:
    return None if status == 200 else _BY_STATUS.get(status or 0, "relay.try_answer")
