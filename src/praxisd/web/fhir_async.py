"""`Prefer: respond-async` (FHIR R4 async.html): accepted with 202, done in the background, fetched at its own address.

The request is kept before 202 is said, its outcome in the transaction of its effect; both by the credential that sent
it, for 24 hours, in the same table as kept answers. So nobody else reads it and nothing is done twice: a second
execution, by another node or after a crash, finds the outcome there and takes its own effect back. What a crash left
undone is taken up when the client asks for it.
"""

import asyncio
import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from praxisd.kernel import idempotency
from praxisd.kernel.access import Actor
from praxisd.kernel.engines import Violation
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id
from praxisd.kernel.service import FhirAnswer
from praxisd.kernel.store import Tx
from praxisd.model.fhir_shapes import dump_json, load_json
from praxisd.web import fhir_outcomes, problems, writes
from praxisd.web.door import Door

PATH = "$async"
RETRY_S = 1
_METHOD = "ASYNC"
_DONE = ".done"
_TRIES = 5
_PAUSE_S = 0.2

Effect = Callable[[Tx], FhirAnswer]


class Accepted(msgspec.Struct, frozen=True):
    """A request that was accepted: what to do (`Appointment/$book`), in which language, with which resource."""

    target: str
    lang: str
    body: bytes


class Background:
    """The operations under way in this process, and the memory of all that were accepted."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._running: set[tuple[str, str]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(
        self, actor: Actor, target: str, lang: str, resource: dict[str, Any], key: str | None
    ) -> tuple[str, Accepted]:
        """Keep the request; returns its id. The same Idempotency-Key gives the same id, with another body 422."""
        body = dump_json(resource)
        id_ = (
            new_id()
            if key is None
            else hashlib.sha256(f"{actor.label}\0{target}\0{key}".encode()).hexdigest()[:32]
        )
        print_ = writes.fingerprint(target.encode(), body)
        accepted = idempotency.Kept(print_, 202, {"target": target, "lang": lang}, body)

        def keep(tx: Tx) -> None:
            known = self._kept(tx, id_)
            if known is None:
                idempotency.save(tx, actor.label, _METHOD, PATH, id_, accepted)
            elif known.body_hash != print_:
                raise Problem("http.idempotency_mismatch", 422)

        self._door.house.store.run(actor, keep)
        return id_, Accepted(target, lang, body)

    def found(self, actor: Actor, id_: str) -> tuple[dict[str, Any] | None, Accepted]:
        """(outcome or None while it is under way, the request). 404 for an id this credential never got."""
        with self._door.house.store.read(actor) as tx:
            done, accepted = self._kept(tx, id_ + _DONE), self._kept(tx, id_)
        if accepted is None or id_.endswith(_DONE):
            raise not_found("Path")
        request = Accepted(accepted.headers["target"], accepted.headers["lang"], accepted.body)
        return (None if done is None else load_json(done.body)), request

    def start(self, actor: Actor, id_: str, lang: str, effect: Effect) -> None:
        """Do it in the background, unless this process is at it already. Called on the event loop."""
        mark = (actor.label, id_)
        if mark in self._running:
            return
        self._running.add(mark)
        task = asyncio.get_running_loop().create_task(self._run(actor, id_, lang, effect))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _done: self._running.discard(mark))

    async def _run(self, actor: Actor, id_: str, lang: str, effect: Effect) -> None:
        for number in range(_TRIES):
            try:
                await self._door.in_thread(lambda: self._perform(actor, id_, lang, effect))
                return
            except Exception as error:
                problem = problems.from_exception(error, self._door.house)
                if not problem.retry:
                    where, house = "fhir.async", self._door.house
                    house.log.error("request_failed", route=where, code=problem.code, error=error)
                    told = fhir_outcomes.resource_of(problem, house.texts, lang)
                    await self._door.in_thread(partial(self._tell, actor, id_, told))
                    return
                await asyncio.sleep(_PAUSE_S * 2**number)

    def _perform(self, actor: Actor, id_: str, lang: str, effect: Effect) -> None:
        """The effect and its outcome in one transaction; a refusal is an outcome too."""
        run = self._door.house.store.run
        try:
            run(actor, lambda tx: self._keep(tx, id_, effect(tx).resource or {}))
        except Violation:
            return  # another node was quicker, and its effect is the one that holds
        except Problem as problem:
            if problem.retry:
                raise
            self._tell(actor, id_, fhir_outcomes.resource_of(problem, self._door.house.texts, lang))

    def _tell(self, actor: Actor, id_: str, told: dict[str, Any]) -> None:
        """Keep a refusal as the outcome, unless there is one."""
        try:
            self._door.house.store.run(actor, lambda tx: self._keep(tx, id_, told))
        except Violation:
            return

    def _keep(self, tx: Tx, id_: str, resource: dict[str, Any]) -> None:
        kept = idempotency.Kept("", 200, {}, dump_json(resource))
        idempotency.save(tx, tx.actor.label, _METHOD, PATH, id_ + _DONE, kept)

    @staticmethod
    def _kept(tx: Tx, id_: str) -> idempotency.Kept | None:
        return idempotency.lookup(tx, tx.actor.label, _METHOD, PATH, id_)
