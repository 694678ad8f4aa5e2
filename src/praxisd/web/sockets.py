"""Sockets: the door of the WebSockets that services declare (`kernel/sockets.py`).

Who may open one is judged like a request: relay guests, our own origin, how many there are, safe mode, maintenance, key or
session, permission. What cannot be said before the handshake to a browser, which hides the answer from its page, is said
as a close code right after it: 4401 signed out, 4503 safe mode. From then on messages go between `wire` and the service's
Talk on the event loop, and no thread or transaction is held.
"""

import asyncio
import threading
import time
from collections import Counter, deque

from praxisd.kernel.access import ANONYMOUS, Kind
from praxisd.kernel.app import State
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.service import Call, Socket, Talk
from praxisd.web import problems
from praxisd.web.answers import Sent, deliver
from praxisd.web.connected import Connected, Facts, Problems
from praxisd.web.door import Asgi, Door
from praxisd.web.invited import acted, invited
from praxisd.web.request import Receive, Request, Scope, Send
from praxisd.web.wire import EXTENSION, Wire

CHECK_S = 15.0
"""So often is asked if those who are here still may be."""
MOST = 2_000
"""Connections of a process (`python -m bench growth` holds 1,000)."""
MOST_UNPROVEN = 16
"""Connections of one person or address that have not proven themselves."""
MOST_OF_ONE = 100
"""Connections by one name."""
SIGNED_OUT, SAFE, AGAIN = 4401, 4503, 1012
_SCHEMES = {"ws": "http", "wss": "https"}
_HTTP = "websocket."
_UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade"}


class Sockets:
    """All WebSockets of this process."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self._lock = threading.Lock()
        self._open: set[Connected] = set()
        self._unproven: Counter[str] = Counter()
        self._names: Counter[str] = Counter()
        self._changed: deque[Connected] = deque()
        self._called = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._task: asyncio.Task[None] | None = None
        self._look = asyncio.Event()
        self._heard: Counter[str] = Counter()
        door.metrics.sockets = self.numbers

    def __len__(self) -> int:
        return len(self._open)

    def numbers(self) -> dict[str, tuple[int, int]]:
        """By name: how many are open, and how many messages were heard so far."""
        heard, here = self._heard.copy(), Counter(one.socket.name for one in self._open)
        for one in self._open:
            heard[one.socket.name] += one.heard
        return {name: (here[name], heard[name]) for name in sorted({*here, *heard})}

    # --- from any thread ---------------------------------------------------------------------------------------------------

    def soon(self, line: Connected) -> None:
        """Have the loop look after a line; many of them cost one call."""
        with self._lock:
            if line.dirty or self._loop is None:
                return
            line.dirty = True
            self._changed.append(line)
            if self._called:
                return
            self._called = True
        try:
            if threading.get_ident() == self._thread:
                self._loop.call_soon(self._flush)
            else:
                self._loop.call_soon_threadsafe(self._flush)
        except RuntimeError:  # the loop is closed: nobody is there
            self._called = False

    def _flush(self) -> None:
        with self._lock:
            self._called = False
            changed = [*self._changed]
            self._changed.clear()
        for one in changed:
            one.flush()

    def proven(self, line: Connected, name: str) -> None:
        """Count a line by its name; Problem `http.too_many_sockets` where there are too many of it."""
        with self._lock:
            if line.name == name or line not in self._open:
                return
            if self._names[name] >= MOST_OF_ONE:
                raise _too_many(MOST_OF_ONE)
            self._uncount(line)
            line.name = name
            self._names[name] += 1

    # --- coming and going --------------------------------------------------------------------------------------------------

    def _enter(self, line: Connected) -> None:
        ending = self.door.house.state in (State.DRAINING, State.STOPPING)
        with self._lock:
            if ending or len(self._open) >= MOST:
                raise Problem("http.busy", 503, retry=True)
            if self._unproven[line.facts.counted] >= MOST_UNPROVEN:
                raise _too_many(MOST_UNPROVEN)
            self._open.add(line)
            self._unproven[line.facts.counted] += 1
        if self._task is None:
            self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
            self._task = self._loop.create_task(self._watch())

    def _leave(self, line: Connected) -> None:
        with self._lock:
            if line in self._open:
                self._open.discard(line)
                self._uncount(line)
        if not self._open:
            self._look.set()

    def _uncount(self, line: Connected) -> None:
        counter, name = (self._names, line.name) if line.name else (self._unproven, line.facts.counted)
        counter[name] -= 1
        if counter[name] <= 0:
            del counter[name]

    # --- one connection ----------------------------------------------------------------------------------------------------

    def app(self, socket: Socket) -> Asgi:
        """The ASGI function of one declared WebSocket."""

        async def upgrade(_request: Request) -> Sent:
            raise Problem("http.upgrade_required", 426, headers=_UPGRADE)

        async def run(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "websocket":
                await self.door.serve(socket.name, scope, receive, send, upgrade)
            else:
                await self._run(socket, scope, receive, send)

        return run

    async def _run(self, socket: Socket, scope: Scope, receive: Receive, send: Send) -> None:
        started, door = time.perf_counter(), self.door
        seen = {**scope, "method": "GET", "scheme": _SCHEMES.get(scope["scheme"], "http")}
        request = Request(seen, receive, door.next_id(), door.visitor(scope))
        line, status, let_go = None, 101, None
        try:
            if EXTENSION not in scope["extensions"]:
                raise Problem("http.upgrade_required", 426, headers=_UPGRADE)
            line, let_go = await self._admit(socket, request)
            talk = None if let_go else await self._opened(socket, request, line)
            await receive()
            await send({"type": "websocket.accept", "subprotocol": socket.protocol})
        except Exception as error:
            if line is not None:
                self._leave(line)
                line.over(1006)
            status = await deliver(
                request, door.refusal(error, request, socket.name, problems.render), _denying(send)
            )
        self._note(socket, request, status, time.perf_counter() - started)
        if status == 101 and line is not None:
            await self._stay(line, talk, scope["extensions"][EXTENSION], let_go)

    def _note(self, socket: Socket, request: Request, status: int, seconds: float) -> None:
        house, actor = self.door.house, request.actor
        self.door.metrics.count(socket.name, status, seconds)
        house.log.request(socket.name, status, seconds * 1000, actor.label, request.code)
        if actor.kind is Kind.SUPPORT:
            acted(house, request, socket.name, status)
        if request.visitor is not None:
            self.door.entered(request, socket.name, status, seconds, 0)

    async def _admit(self, socket: Socket, request: Request) -> tuple[Connected, tuple[int, str] | None]:
        """Who comes in; or, with a code and a word, who is to be let go as soon as it can hear why. Raises Problems."""
        door, house = self.door, self.door.house
        people = await door.for_people(request)
        if socket.inside and not people and not await invited(door, request):
            raise not_found("Path")
        if socket.protocol not in request.scope["subprotocols"]:
            raise Problem("http.bad_subprotocol", 400, protocol=socket.protocol)
        browser = request.header(b"origin") is not None
        if browser and not request.own_origin(house.config.public_url, door.trusted):
            raise Problem("http.foreign_origin", 403)
        let_go, actor = None, ANONYMOUS
        token = people and not request.bearer and door.doors.session is not None and door.visit(request).token
        try:
            if house.safe or not socket.exempt:
                await door.open()
            if request.bearer:
                actor = await door.admit(request)
            elif token and browser:
                actor = (await door.live(request, touch=False)).actor
            elif token:
                raise Problem("http.foreign_origin", 403)
            elif browser or socket.permission is not None:
                raise Problem("accounts.session_missing", 401)
            limited = request.live is not None and request.live.limited
            if limited or (socket.permission is not None and not actor.may(socket.permission)):
                raise door.forbidden(request, socket.permission or "")
        except Problem as problem:
            if problem.code == "guard.safe_mode":
                let_go = SAFE, "safe_mode"
            elif problem.status == 401 and browser:
                let_go = SIGNED_OUT, "signed_out"
            else:
                raise
        counted = request.live.id if request.live else str(request.address(door.trusted))
        line = Connected(self, socket, Facts(request, actor, counted))
        self._enter(line)
        return line, let_go

    async def _opened(self, socket: Socket, request: Request, line: Connected) -> Talk:
        door = self.door
        call: Call = door.call(request, line.facts.actor, request.scope["path_params"], None)
        talk = await door.in_thread(lambda: socket.open(call, line))
        if socket.permission is not None:
            self.proven(line, request.actor.label)
        line.talk = talk
        return talk

    async def _stay(
        self, line: Connected, talk: Talk | None, wire: Wire, let_go: tuple[int, str] | None
    ) -> None:
        """Until it is over."""
        try:
            if let_go is not None or talk is None:
                wire.listen(line)
                wire.close(*(let_go or (1011, "")))
            else:
                line.begin(wire, talk)
            code = await wire.over
        except asyncio.CancelledError:  # the server has waited long enough
            code = AGAIN
            raise
        finally:
            self._leave(line)
            line.over(code)
            self._heard[line.socket.name] += line.heard

    def refusal(self, error: Exception, line: Connected) -> Problems:
        """What a Talk raised, in words."""
        request, house = line.facts.request, self.door.house
        problem = problems.from_exception(error, house)
        if problem is not error:
            house.log.error("socket_failed", route=line.socket.name, request=request.id, error=error)
        words = problems.document(problem, house.texts, request.lang, request.id)
        return Problems(code=words.code, retry=words.retry, title=words.title, parameters=words.params)

    # --- who may stay ------------------------------------------------------------------------------------------------------

    def doubt(self, organizations: set[str], everyone: bool) -> None:
        """Something happened to who may come in: look at once."""
        for one in self._open:
            actor = one.facts.actor
            if everyone or actor is ANONYMOUS or actor.organization in organizations:
                one.doubted = True
                self._look.set()

    def drain(self) -> None:
        """This node ends: all have to go, and come again."""
        for one in [*self._open]:
            one.leave(AGAIN, "draining")

    async def _watch(self) -> None:
        """Check who is here, as long as anybody is."""
        unjoin = self.door.hub.watch(self)
        try:
            while self._open:
                due = time.monotonic() - CHECK_S
                for one in [*self._open]:
                    if one.talk is not None and not one.ending and (one.doubted or one.checked_at <= due):
                        one.doubted, one.checked_at = False, time.monotonic()
                        await self._check(one)
                try:
                    await asyncio.wait_for(self._look.wait(), 1.0)
                except TimeoutError:
                    continue
                self._look.clear()
        finally:
            unjoin()
            self._task = None

    async def _check(self, line: Connected) -> None:
        facts, permission = line.facts, line.socket.permission
        actor = facts.actor
        try:
            if actor is not ANONYMOUS:
                again = await self.door.still(facts.request, actor, permission)
                if again is None or again.organization != actor.organization:
                    line.leave(SIGNED_OUT, "signed_out")
                    return
                actor = facts.actor = again
            if line.talk is not None and not line.ending:
                line.talk.checked(actor)
        except Exception as error:
            self.door.house.log.error(
                "socket_failed", route=line.socket.name, request=facts.request.id, error=error
            )


def _too_many(most: int) -> Problem:
    return Problem("http.too_many_sockets", 429, retry=True, headers={"Retry-After": "10"}, most=most)


def _denying(send: Send) -> Send:
    """Answers in the place of a handshake (ASGI extension `websocket.http.response`)."""

    async def denying(message: dict[str, object]) -> None:
        await send({**message, "type": f"{_HTTP}{message['type']}"})

    return denying
