"""Codes of what may go wrong with updates, and their words. What the trust layer refuses becomes a Problem here."""

from typing import TYPE_CHECKING

from praxisd.kernel.errors import Problem
from praxisd.services.updates.shapes import FaultOut

if TYPE_CHECKING:
    from collections.abc import Mapping

    from praxisd.kernel.texts import Texts

TRUST_CODES = (
    "rollback", "frozen", "mixed", "wrong_key", "threshold", "endless", "tampered", "root_expired", "clock_back",
    "unreachable", "not_found", "no_space", "malformed",
)  # fmt: skip
"""What `praxisd_guard.trust.TrustFault` may say."""
_STATUS: "Mapping[str, int]" = {"unreachable": 503, "no_space": 507}
FAULTS = tuple(f"updates.{one}" for one in TRUST_CODES)
REFUSED = tuple((_STATUS.get(one, 422), f"updates.{one}") for one in TRUST_CODES)
"""What an operation that looks into a repository may answer."""
UNKNOWN = "updates.internal"


def problem(code: str, retry: bool = False, **params: object) -> Problem:
    """The Problem of a code of the trust layer, with or without `updates.`; one that has no words is `updates.internal`."""
    short = code.removeprefix("updates.")
    if short not in TRUST_CODES:
        return Problem(UNKNOWN, 500, retry=retry, code=code)
    return Problem(f"updates.{short}", _STATUS.get(short, 422), retry=retry, **params)


def said(texts: "Texts", code: str | None, lang: str, **params: object) -> FaultOut | None:
    """A code in words, None for none. One that nobody declared (of a newer guard) is told as `updates.internal`."""
    if not code:
        return None
    known = code if texts.has(f"{code}.title") else UNKNOWN
    title, cause, solution = (
        texts.get(f"{known}.{part}", lang, code=code, **params) for part in ("title", "cause", "solution")
    )
    return FaultOut(code=code, title=title, cause=cause, solution=solution)
