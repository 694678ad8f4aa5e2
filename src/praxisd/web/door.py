"""Door: the steps every request goes through, whatever it asks for.

On the event loop: maintenance, key, rate, permission, query, and answers from memory (`quick`). All that may touch
the store runs in a bounded pool of threads (HOUSE „Threads"). The FHIR door uses the same steps with its own words
for refusals.
"""

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import count
from secrets import token_hex
from typing import Any, Protocol, TypeVar

from praxisd.kernel import glance
from praxisd.kernel.access import ANONYMOUS, Actor, Kind
from praxisd.kernel.app import House, State
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.service import Call, Route, Stream
from praxisd.kernel.sessions import CSRF_HEADER, NOBODY, Live, Visit
from praxisd.kernel.visitors import Entered, Visitor
from praxisd.web import problems, uploads, writes
from praxisd.web.answers import Meter, Sent, deliver, finish
from praxisd.web.aside import Aside
from praxisd.web.doors import Doors as Doors
from praxisd.web.entry import API as API
from praxisd.web.entry import Entry as Entry
from praxisd.web.invited import acted, finds, invited
from praxisd.web.live import AUDIT, JOBS, Hub, Reader, Streaming
from praxisd.web.metrics import Metrics
from praxisd.web.request import Headers, Receive, Request, Scope, Send, networks

T = TypeVar("T")
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
LONGEST_QUEUE = 512
"""Requests that may wait for a thread; the next one is told to come back (503 `http.busy`)."""
ADMITTED_S = 0.9
SAFE_RETRY_S = "60"
"""In safe mode a person has to act first: programs are asked to come back after a minute."""
_MARKS_MOST = 4096
_CSRF = CSRF_HEADER.lower().encode()


class BodyOf(Protocol):
    """Reads the bodies of one operation: refuses a foreign type at once, decodes in the thread."""

    def check_type(self, request: Request, content: bytes) -> None:
        """Raise 415 for what this operation does not take."""
        ...

    def read(self, content: bytes) -> Any:
        """The decoded body; raises 400."""
        ...


class Writable(Protocol):
    """What `Door.write` needs of an operation."""

    @property
    def route(self) -> Route:
        """Its declaration; `call` returns what is sent."""
        ...

    @property
    def body(self) -> BodyOf:
        """The reader of its bodies."""
        ...


class Door:
    """All that requests share: pool, what is known at a glance, numbers, and how refusals are worded."""

    def __init__(self, house: House, doors: Doors) -> None:
        self.house = house
        self.doors = doors
        self.metrics = Metrics()
        self.glance = glance.of(house)
        self.trusted = networks(house.config.trusted_proxies)
        self.pool = ThreadPoolExecutor(house.config.request_threads, thread_name_prefix="praxisd-request")
        self.aside = Aside()
        self.hub = Hub(house, self.pool)
        self._admitted: dict[int, float] = {}
        self._running: set[tuple[str, ...]] = set()
        self._ids = count(1)
        self._prefix = token_hex(6)
        with suppress(OSError):  # the next upload tries again
            uploads.tidy(house.folder)

    def close(self) -> None:
        """Let running requests end and give the threads back."""
        self.pool.shutdown(wait=True, cancel_futures=True)
        self.aside.close()

    def next_id(self) -> str:
        """A new request id: tells requests of all nodes apart, says nothing else."""
        return f"{self._prefix}{next(self._ids):x}"

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run `work` in the pool; `http.busy` (503) when too many wait already."""
        if self.metrics.waiting >= LONGEST_QUEUE:
            raise Problem("http.busy", 503, retry=True)
        self.metrics.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self.pool, work)
        finally:
            self.metrics.waiting -= 1

    async def open(self, *, safe: bool = False) -> None:
        """Raise `maintenance` (503) while the doors are closed, `guard.safe_mode` (503) for what is not `safe`."""
        if self.house.safe and not safe:
            raise Problem("guard.safe_mode", 503, retry=True, headers={"Retry-After": SAFE_RETRY_S})
        if not self.glance.fresh:
            await self.in_thread(self.glance.look)
        refusal = self.glance.refusal()
        if refusal is not None:
            raise refusal

    async def admit(self, request: Request, *, people: bool = False, touch: bool = True) -> Actor:
        """Who comes in: the Actor of the key, counted against its rate. Raises 401, 403, 429.

        With `people` a session cookie is good too; a key wins where both are sent. Unsafe methods then need the
        session's CSRF token in a header. `touch=False` does not put off a session's idle end.
        """
        secret, address = request.bearer, request.address(self.trusted)
        if people and not secret and self.doors.session is not None and await self.for_people(request):
            token = self.visit(request).token
            if token or request.browser:
                live = await self.live(request, touch=touch)
                if request.unsafe:
                    self.check_csrf(request, request.header(_CSRF) or "")
                return live.actor
        return await self._entered(
            request, secret, lambda: self.doors.authenticate(self.house, secret, address)
        )

    async def live(self, request: Request, *, touch: bool = True) -> Live:
        """The session of the request's cookie, counted against the person's rate; raises 401, 429.

        Whoever lets a change through must call `check_csrf` too. `touch=False` does not put off the idle end.
        """
        session = self.doors.session
        visit, touched = self.visit(request), touch and not request.background

        def ask() -> Actor:
            if session is None:
                return self.doors.authenticate(self.house, "", visit.address)
            found = request.live = self.glance.live(session(self.house, visit.token, visit.address, touched))
            return found.actor

        await self._entered(request, visit.token, ask)
        if request.live is None:
            raise Problem("accounts.session_missing", 401)
        return request.live

    async def _entered(self, request: Request, secret: str, ask: Callable[[], Actor]) -> Actor:
        # A shared database may hang: a key not seen just now is looked up in a thread, never on the event loop.
        if not self.glance.fresh:
            await self.in_thread(self.glance.look)
        mark, now = hash(secret), time.monotonic()
        if self.house.store.alone or now - self._admitted.get(mark, float("-inf")) < ADMITTED_S:
            actor = request.actor = self.glance.allowed(ask())
            self.doors.take(self.house, actor)
            return actor
        actor = request.actor = self.glance.allowed(await self.in_thread(ask))
        await self.in_thread(lambda: self.doors.take(self.house, actor))
        if len(self._admitted) >= _MARKS_MOST:
            self._admitted.clear()
        self._admitted[mark] = now
        return actor

    def visitor(self, scope: Scope) -> Visitor | None:
        """The guest of the relay behind a connection, or None."""
        client = scope.get("client")
        return None if client is None else self.house.visitors.of(client[1], client[0])

    async def for_people(self, request: Request) -> bool:
        """False for guests of the relay, unless the console is open to them, or to this one for a time."""
        return request.visitor is None or self.house.visitors.people or await invited(self, request)

    def visit(self, request: Request) -> Visit:
        """The facts of a request that matter for signing in."""
        return request.visit(self.house.config.public_url, self.trusted)

    def check_csrf(self, request: Request, sent: str) -> None:
        """Refuse (403 `accounts.csrf_refused`) unless `sent` is the session's token and no other site asks."""
        live = request.live
        good = live is not None and hmac.compare_digest(sent.encode(), live.csrf.encode())
        if not good or request.foreign(self.house.config.public_url, self.trusted):
            raise Problem("accounts.csrf_refused", 403)

    def forbidden(self, request: Request, permission: str) -> Problem:
        """The refusal of what the actor may not do; a person who owes the second factor is told so."""
        if request.live is not None and request.live.limited:
            return Problem("accounts.second_factor_must", 403)
        code = "access.shared" if permission in request.actor.withheld else "access.forbidden"
        return Problem(code, 403, permission=permission)

    def call(self, request: Request, actor: Actor, path: Mapping[str, str], query: Any) -> Call:
        """The request as a route function sees it."""
        return Call(
            house=self.house,
            actor=actor,
            path=path,
            query=query,
            body=None,
            lang=request.lang,
            if_match=request.if_match,
            fence=request.fence,
            base_url=request.base_url(self.house.config.public_url, self.trusted),
            headers=Headers(request.raw_headers),
            visit=NOBODY if actor.kind is Kind.KEY else self.visit(request),
        )

    def refusal(self, error: Exception, request: Request, where: str, words: problems.Renderer) -> Sent:
        """The answer to a request that failed; what nobody expected is logged by type and place."""
        problem = problems.from_exception(error, self.house)
        request.code = problem.code
        if problem is not error:
            self.house.log.error(
                "request_failed", route=where, request=request.id, code=problem.code, error=error
            )
        return words(problem, self.house.texts, request.lang, request.id)

    async def answer(self, entry: Entry, request: Request) -> Sent:
        """All steps of one declared operation."""
        route = entry.route
        if entry.inside and not await finds(self, entry, request):
            raise not_found("Path")
        if not entry.exempt:
            await self.open(safe=route.safe)
        actor = ANONYMOUS
        if entry.signed_in and not (entry.local_free and not request.bearer and request.local):
            actor = await self.admit(request, people=True, touch=not route.streams)
            limited = request.live is not None and request.live.limited
            if limited if route.permission is None else not actor.may(route.permission):
                raise self.forbidden(request, route.permission or "")
        query = entry.query.read(request.scope["query_string"])
        call = self.call(request, actor, entry.path_values(request.scope["path_params"]), query)
        if route.write:
            return await self.write(entry, request, call)
        if route.streams:
            return self.follow(request, call, route)
        if route.quick is not None and (found := route.quick(call)) is not None:
            return finish(found, route.status, route.media_type)
        run = self.aside.run if entry.aside else self.in_thread
        return await run(lambda: finish(route.call(call), route.status, route.media_type))

    def follow(self, request: Request, call: Call, route: Route) -> Sent:
        """The answer that goes on for as long as the caller may listen (`live`)."""
        stream = route.quick(call) if route.quick is not None else None
        if not isinstance(stream, Stream) or request.method == "HEAD":
            return Sent(200, b"", route.media_type)
        person = call.actor.label if request.live is None else request.live.id
        who = call.actor
        welcome = partial(self.still, request, who, route.permission)
        reader = Reader(person, who.organization, who.may(AUDIT), stream.since, welcome, who.may(JOBS))
        self.hub.join(reader)
        return Streaming(self.hub, reader)

    async def still(self, request: Request, before: Actor, permission: str | None) -> Actor | None:
        """Who the caller of something that lasts is now; None if it may not go on."""
        try:
            actor = await self.admit(request, people=True, touch=False)
        except Problem as problem:  # asked too often, or the store is away: that ends nobody's session
            return None if problem.status in (401, 403) else before
        except self.house.store.engine.failure:
            return before
        return actor if permission is None or actor.may(permission) else None

    async def write(
        self,
        entry: Writable,
        request: Request,
        call: Call,
        words: problems.Renderer = problems.render,
        body_bytes: int = 0,
    ) -> Sent:
        """A write under the Idempotency-Key rule; `words` puts a refusal that is kept into the door's form.

        `body_bytes` is for the few operations whose body may be larger than the general limit.
        """
        route = entry.route
        if route.upload is not None:
            return await uploads.receive(self, route, request, call)
        if route.transaction:
            _ = request.idempotency_key  # a malformed one is refused before the body is read
        content = await request.body(max(self.house.config.max_body_bytes, body_bytes))
        entry.body.check_type(request, content)
        scope = self.scope_of(request, content) if route.transaction else None
        texts, lang, id_ = self.house.texts, request.lang, request.id

        def work() -> Sent:
            whole = replace(call, body=entry.body.read(content))
            return writes.perform(route, whole, scope, lambda p: words(p, texts, lang, id_))

        return await self.alone(request, scope, work)

    def scope_of(self, request: Request, content: bytes) -> writes.Scope | None:
        """What the request's Idempotency-Key is good for; None if it carries none. 400 for a malformed key."""
        key = request.idempotency_key
        if key is None:
            return None
        fingerprint = writes.fingerprint(request.scope["query_string"], content)
        return writes.Scope(request.actor.label, request.method, request.path, key, fingerprint)

    async def alone(self, request: Request, scope: writes.Scope | None, work: Callable[[], Sent]) -> Sent:
        """Run a write in the pool unless its twin (same scope) is running: 409 `http.idempotency_running`."""
        if scope is None:
            return await self.in_thread(work)
        twin = (request.actor.organization, *scope.names)
        if twin in self._running:
            raise Problem("http.idempotency_running", 409, retry=True)
        self._running.add(twin)
        try:
            return await self.in_thread(work)
        finally:
            self._running.discard(twin)

    def app(self, entries: Mapping[str, Entry]) -> Asgi:
        """The ASGI function for one path: its operations by method, HEAD and OPTIONS made from them, 405 for the rest."""
        table = {e.route.method: (e.route.name, e) for e in entries.values()}
        if "GET" in table:
            table["HEAD"] = table["GET"]
        allow = ", ".join(sorted({*table, "OPTIONS"}))

        async def run(scope: Scope, receive: Receive, send: Send) -> None:
            found = table.get(scope.get("method", ""))
            if found is not None:
                name, entry = found
                await self.serve(name, scope, receive, send, lambda request: self.answer(entry, request))
            else:
                await self.serve("http.other", scope, receive, send, other)

        async def other(request: Request) -> Sent:
            if request.method == "OPTIONS":
                return Sent(204, b"", None, {"Allow": allow})
            raise Problem("http.method_not_allowed", 405, headers={"Allow": allow})

        return run

    async def serve(
        self,
        name: str,
        scope: Scope,
        receive: Receive,
        send: Send,
        answer: Callable[[Request], Awaitable[Sent]],
        words: problems.Renderer = problems.render,
    ) -> None:
        """Answer one request under the route name `name`: failures worded by `words`, counted, logged."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1003})
            return
        started = time.perf_counter()
        visitor = self.visitor(scope)
        request = Request(scope, receive, self.next_id(), visitor)
        meter = None if visitor is None else Meter(send)
        send = send if meter is None else meter.send
        metrics = self.metrics
        metrics.in_flight += 1
        try:
            try:
                sent = await answer(request)
            except Exception as error:
                sent = self.refusal(error, request, name, words)
            if isinstance(sent, Streaming):
                status = await sent.begin(request, send)
            else:
                status = await deliver(request, sent, send, close=self.house.state is State.DRAINING)
        finally:
            metrics.in_flight -= 1
        seconds = time.perf_counter() - started
        metrics.count(name, status, seconds)
        self.house.log.request(name, status, seconds * 1000, request.actor.label, request.code)
        if request.actor.kind is Kind.SUPPORT:
            acted(self.house, request, name, status)
        try:
            if isinstance(sent, Streaming):
                await sent.run(receive, send)
        finally:
            if meter is not None:
                self.entered(request, name, status, seconds, meter.sent)

    def entered(self, request: Request, name: str, status: int, seconds: float, sent: int) -> None:
        """Tell whoever keeps the list of accesses from outside, if the request came with a key."""
        tell, actor = self.house.visitors.entered, request.actor
        if tell is None or actor.kind is not Kind.KEY:
            return
        at, address = self.house.clock.now(), request.address(())
        ms = round(seconds * 1000)
        tell(Entered(actor.organization, actor.id, at, request.method, name, status, ms, sent, address))
