"""Codes of what may go wrong with updates, and their words. What the trust layer refuses becomes a Problem here."""

import json
from typing import TYPE_CHECKING, Any

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
CODES = (UNKNOWN, "updates.no_copy", "updates.interrupted", "updates.unusable")
"""How orders may end, beside what the guard says."""


def problem(code: str, retry: bool = False, **params: object) -> Problem:
    """The Problem of a code of the trust layer, with or without `updates.`; one that has no words is `updates.internal`."""
    short = code.removeprefix("updates.")
    if short not in TRUST_CODES:
        return Problem(UNKNOWN, 500, retry=retry, reason=code)
    found = Problem(f"updates.{short}", _STATUS.get(short, 422), retry=retry)
    found.params.update(params)
    return found


def encoded(params: "Mapping[str, Any] | None") -> str:
    """Parameters of a reason as a column keeps them: short words and numbers."""
    kept = {k: v if isinstance(v, int) else str(v)[:300] for k, v in (params or {}).items()}
    return json.dumps(kept, sort_keys=True, ensure_ascii=False)


def said(texts: "Texts", code: str | None, lang: str, **params: object) -> FaultOut | None:
    """A code in words, None for none. What the guard says has its words here; one unknown is told as `updates.internal`."""
    if not code:
        return None
    names = (code, f"updates.{code.replace('.', '_')}")
    known = next((one for one in names if texts.has(f"{one}.title")), UNKNOWN)
    title, cause, solution = (
        texts.get(f"{known}.{part}", lang, **{"reason": code, **params})
        for part in ("title", "cause", "solution")
    )
    return FaultOut(code=code, title=title, cause=cause, solution=solution)
