"""Problems: every refusal and failure as RFC 9457 `application/problem+json`, in the caller's language."""

from collections.abc import Callable

import msgspec

from praxisd.kernel.app import House
from praxisd.kernel.engines import Conflict, Violation
from praxisd.kernel.errors import Problem
from praxisd.kernel.texts import Texts
from praxisd.web.answers import Sent

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "https://praxisd.org/problems/"
BUSY_RETRY_S = 1
GENERAL: dict[str, int] = {
    "access.forbidden": 403,
    "access.shared": 403,
    "http.answer_not_kept": 409,
    "http.bad_etag": 400,
    "http.bad_fence": 400,
    "http.bad_host": 400,
    "http.bad_idempotency_key": 400,
    "http.body_timeout": 408,
    "http.body_too_large": 413,
    "http.busy": 503,
    "http.conflict": 409,
    "http.idempotency_mismatch": 422,
    "http.idempotency_running": 409,
    "http.internal": 500,
    "http.invalid_body": 400,
    "http.invalid_parameter": 400,
    "http.malformed_json": 400,
    "http.malformed_query": 400,
    "http.method_not_allowed": 405,
    "http.not_found": 404,
    "http.repeated_parameter": 400,
    "http.store_unavailable": 503,
    "http.unknown_parameter": 400,
    "http.unsupported_media_type": 415,
    "maintenance": 503,
}
"""Codes any operation may answer by the door itself, with their status. Each has texts in the kernel's files."""

_SQLITE_MISTAKE = 1
"""SQLITE_ERROR: wrong SQL, so a fault of the program and no outage."""


class ProblemDocument(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The body of every refusal (RFC 9457). `code` is stable, `retry` says if the same request may succeed later."""

    type: str
    title: str
    status: int
    code: str
    retry: bool
    detail: str | None = None
    instance: str | None = None
    cause: str | None = None
    solution: str | None = None
    params: dict[str, str | int | float | bool | None] = {}


def document(problem: Problem, texts: Texts, lang: str, request_id: str) -> ProblemDocument:
    """The problem in words. `detail` is the technical addition if there is one, else the cause."""
    plain = {k: v for k, v in problem.params.items() if v is None or isinstance(v, str | int | float | bool)}

    def text(part: str) -> str | None:
        key = f"{problem.code}.{part}"
        return texts.get(key, lang, **plain) if texts.has(key) else None

    cause = text("cause")
    return ProblemDocument(
        type=TYPE_PREFIX + problem.code,
        title=text("title") or problem.code,
        status=problem.status,
        code=problem.code,
        retry=problem.retry,
        detail=problem.detail or cause,
        instance=f"urn:praxisd:request:{request_id}",
        cause=cause,
        solution=text("solution"),
        params=plain,
    )


def render(problem: Problem, texts: Texts, lang: str, request_id: str) -> Sent:
    """The problem as an answer."""
    body = msgspec.json.encode(document(problem, texts, lang, request_id))
    headers = dict(problem.headers)
    if problem.status == 401:
        headers.setdefault("WWW-Authenticate", "Bearer")
    if problem.status in (429, 503):
        headers.setdefault("Retry-After", str(BUSY_RETRY_S))
    return Sent(
        problem.status, body, MEDIA_TYPE, {**headers, "Content-Language": lang, "Cache-Control": "no-store"}
    )


def from_exception(error: Exception, house: House) -> Problem:
    """The Problem a failure is shown as: a store that is busy or away is 503, all else unknown is 500 `http.internal`."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Conflict):
        return Problem("http.busy", 503, retry=True)
    if isinstance(error, Violation):
        return Problem("http.conflict", 409, retry=True)
    if _outage(error, house):
        return Problem("http.store_unavailable", 503, retry=True)
    return Problem("http.internal", 500)


def _outage(error: Exception, house: House) -> bool:
    """True if the database is away, full or out of connections, rather than asked something foolish."""
    if type(error).__module__.startswith("sqlalchemy") and type(error).__name__ == "TimeoutError":
        return True
    if not isinstance(error, house.store.engine.failure):
        return False
    number = getattr(error, "sqlite_errorcode", None)
    if number is not None:
        return type(error).__name__ == "OperationalError" and number & 0xFF != _SQLITE_MISTAKE
    state = getattr(error, "sqlstate", None)
    return type(error).__name__ == "OperationalError" or (state or "")[:2] in _AWAY or state == _TOO_LONG


_AWAY = ("08", "53", "57")
"""Classes of SQLSTATE: no connection, no room, shut down by an operator."""
_TOO_LONG = "25P03"
"""The server ended a transaction that stood still for longer than a lease: this process was frozen meanwhile."""

Renderer = Callable[[Problem, Texts, str, str], Sent]
"""How a door words its refusals: problem+json here, OperationOutcome on FHIR."""
