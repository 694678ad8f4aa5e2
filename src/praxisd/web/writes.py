"""Writes: one transaction, and the Idempotency-Key rule inside it (SPEC 1.4).

The first answer is kept in the transaction of its effect, so that both are there or neither is. A refusal (4xx) is
kept too, in a transaction of its own after the rollback, unless it asks to try again (`retry`, so 429 as well). An
answer with a secret (`Cache-Control: no-store` by the operation) is never written down: its repetition is told that
the first one succeeded (`http.answer_not_kept`).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from praxisd.kernel import idempotency
from praxisd.kernel.engines import Violation
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Call, Route
from praxisd.kernel.store import Tx
from praxisd.web.answers import Sent, finish

_WITHHELD = "x-praxisd-withheld"
_TYPE = "content-type"
_TAG = "etag"


@dataclass(frozen=True, slots=True)
class Scope:
    """What an Idempotency-Key is good for: one credential, method and path. `fingerprint` is of query and body."""

    credential: str
    method: str
    path: str
    key: str
    fingerprint: str

    @property
    def names(self) -> tuple[str, str, str, str]:
        """The key of the kept row within the organization."""
        return self.credential, self.method, self.path, self.key

    def lock(self, organization: str) -> int:
        """63 bits under which twins exclude each other across processes."""
        text = "\0".join((organization, *self.names)).encode()
        return int.from_bytes(hashlib.sha256(text).digest()[:8]) >> 1


def fingerprint(query: bytes, body: bytes) -> str:
    """SHA-256 of query and body: the same key with another one is a mistake of the client."""
    return hashlib.sha256(b"%d:" % len(query) + query + body).hexdigest()


def perform(route: Route, call: Call, scope: Scope | None, worded: Callable[[Problem], Sent]) -> Sent:
    """Run a write route in a thread: `prepare`, then the function in one transaction; `worded` renders a kept refusal.

    Raises what the route raises, and the refusals of `once`.
    """

    def effect(ready: Call) -> Sent:
        return finish(route.call(ready), route.status, route.media_type)

    if not route.transaction:
        return effect(_prepared(route, call))
    return once(call, scope, effect, worded, lambda: _prepared(route, call))


def once(
    call: Call,
    scope: Scope | None,
    effect: Callable[[Call], Sent],
    worded: Callable[[Problem], Sent],
    prepare: Callable[[], Call] | None = None,
) -> Sent:
    """Run `effect(call with tx)` in one write transaction, at most once per `scope` (None: no Idempotency-Key was sent).

    `prepare` runs before the transaction and gives the call to use. Raises `http.idempotency_mismatch` (422),
    `http.idempotency_running` and `http.answer_not_kept` (409).
    """
    store = call.house.store
    if scope is None:
        ready = prepare() if prepare else call
        return store.run(call.actor, lambda tx: effect(replace(ready, tx=tx)))
    with call.read() as tx:
        known = _replayed(tx, scope)
    if known is not None:
        return known
    try:
        ready = prepare() if prepare else call
        return store.run(call.actor, lambda tx: _once(ready, tx, scope, effect))
    except Problem as problem:
        if not 400 <= problem.status < 500 or problem.retry or problem.status == 429 or problem.code in _OWN:
            raise
        refusal = worded(problem)
        store.run(call.actor, lambda tx: _keep(tx, scope, refusal))
        return refusal


_OWN = frozenset({"http.idempotency_mismatch", "http.idempotency_running", "http.answer_not_kept"})


def _prepared(route: Route, call: Call) -> Call:
    return call if route.prepare is None else replace(call, prepared=route.prepare(call))


def _once(call: Call, tx: Tx, scope: Scope, effect: Callable[[Call], Sent]) -> Sent:
    if not tx.try_lock(scope.lock(tx.organization)):
        raise Problem("http.idempotency_running", 409, retry=True)
    known = _replayed(tx, scope)
    if known is not None:
        return known
    sent = effect(replace(call, tx=tx))
    _keep(tx, scope, sent)
    return sent


def _keep(tx: Tx, scope: Scope, sent: Sent) -> None:
    headers = {k.lower(): v for k, v in sent.headers.items()}
    if sent.media_type is not None:
        headers[_TYPE] = sent.media_type
    if sent.etag is not None:
        headers[_TAG] = sent.etag.decode("latin-1")
    body = sent.body
    if sent.secret and 200 <= sent.status < 300:
        headers, body = {_WITHHELD: "1"}, b""
    kept = idempotency.Kept(scope.fingerprint, sent.status, headers, body)
    try:
        idempotency.save(tx, *scope.names, kept)
    except Violation:
        raise Problem("http.idempotency_running", 409, retry=True) from None


def _replayed(tx: Tx, scope: Scope) -> Sent | None:
    kept = idempotency.lookup(tx, *scope.names)
    if kept is None:
        return None
    if kept.body_hash != scope.fingerprint:
        raise Problem("http.idempotency_mismatch", 422)
    headers: dict[str, Any] = dict(kept.headers)
    if headers.pop(_WITHHELD, None):
        raise Problem("http.answer_not_kept", 409)
    media, tag = headers.pop(_TYPE, None), headers.pop(_TAG, None)
    headers["Idempotent-Replayed"] = "true"
    return Sent(kept.status, kept.body, media, headers, None if tag is None else tag.encode("latin-1"))
