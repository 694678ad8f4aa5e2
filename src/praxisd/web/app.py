"""The application: one Litestar app made from the declarations of all services.

Litestar carries the start, the stop and the check of the Host header; everything below its single mount goes by
`paths` and `door`. Its own request parsing, validation and response classes would cost more than our answers from
memory do (`make bench` prints the ratio).
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from litestar import Litestar, Response, asgi
from litestar import Request as LitestarRequest
from litestar.exceptions import HTTPException

from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.structs import make_ready
from praxisd.web import console_files, docs, health, problems, recovery
from praxisd.web.answers import SECURITY, Sent
from praxisd.web.door import API, Asgi, Door, Doors, Entry
from praxisd.web.invited import invited as is_invited
from praxisd.web.paths import Paths
from praxisd.web.request import Request
from praxisd.web.sockets import Sockets

__all__ = ("Doors", "build", "entries")
_FHIR = "praxisd.web.fhir"


def entries(door: Door) -> list[Entry]:
    """All operations: the services' routes, then the door's own (health, metrics, documentation)."""
    shown = [*(Entry(route) for route in door.house.registry.routes), *health.entries(door)]
    return [*shown, *docs.entries(door, shown)]


def build(house: House, doors: Doors) -> Litestar:
    """The application of all doors.

    FHIR joins in when `praxisd.web.fhir` is there: `handlers(door)` gives pairs of path template and ASGI function.
    """
    door = Door(house, doors)
    by_path: dict[str, dict[str, Entry]] = defaultdict(dict)
    for entry in entries(door):
        by_path[entry.template][entry.route.method] = entry
    paths: Paths[Asgi] = Paths()
    for template, table in by_path.items():
        paths.add(template, door.app(table))
    sockets = Sockets(door)
    for socket in house.registry.sockets:
        paths.add(API + socket.path, sockets.app(socket))
    for template, app in console_files.handlers(door):
        paths.add(template, _inside(door, app, invited=True))
    for template, app in recovery.handlers(door):
        paths.add(template, _inside(door, app))
    if find_spec(_FHIR) is not None:
        for template, app in import_module(_FHIR).handlers(door):
            paths.add(template, app)
    make_ready()
    return Litestar(
        route_handlers=[_mount(door, paths)],
        openapi_config=None,
        logging_config=None,
        exception_handlers={HTTPException: _unrouted(door), Exception: _unrouted(door)},
        on_shutdown=[door.close],
    )


def _nowhere(door: Door) -> Callable[[Request], Awaitable[Sent]]:
    async def nowhere(_request: Request) -> Sent:
        await door.open()
        raise not_found("Path")

    return nowhere


def _inside(door: Door, app: Asgi, *, invited: bool = False) -> Asgi:
    """The pages for people; for guests of the relay they are an unknown path unless the console is open to them.

    `invited`: it is also there for who was let in for a time.
    """
    nowhere = _nowhere(door)

    async def run(scope: Any, receive: Any, send: Any) -> None:
        visitor = door.visitor(scope)
        there = visitor is None or door.house.visitors.people
        if not there and invited and scope["type"] == "http":
            there = await is_invited(door, Request(scope, receive, door.next_id(), visitor))
        if there:
            await app(scope, receive, send)
        else:
            await door.serve("http.unknown", scope, receive, send, nowhere)

    return run


def _mount(door: Door, paths: Paths[Asgi]) -> Any:
    nowhere = _nowhere(door)

    @asgi("/", is_mount=True, copy_scope=False)
    async def everything(scope: Any, receive: Any, send: Any) -> None:
        scope["path"] = path = "/" + scope["path"].strip("/")  # a mount sees its path without the slash
        found = paths.find(path)
        if found is None:
            await door.serve("http.unknown", scope, receive, send, nowhere)
        else:
            scope["path_params"] = found[1]
            await found[0](scope, receive, send)

    return everything


def _unrouted(door: Door) -> Callable[[LitestarRequest[Any, Any, Any], Exception], Response[bytes]]:
    """The answer to what Litestar itself refuses: a malformed Host header."""

    def answer(raw: LitestarRequest[Any, Any, Any], error: Exception) -> Response[bytes]:
        request = Request(raw.scope, raw.receive, door.next_id())
        refused = 400 <= getattr(error, "status_code", 500) < 500
        problem: Exception = Problem("http.bad_host", 400) if refused else error
        sent = door.refusal(problem, request, "http.refused", problems.render)
        headers = (
            {k.decode(): v.decode() for k, v in SECURITY} | dict(sent.headers) | {"X-Request-Id": request.id}
        )
        door.metrics.count("http.refused", sent.status, 0.0)
        door.house.log.request("http.refused", sent.status, 0.0, request.actor.label, request.code)
        body = b"" if request.method == "HEAD" else sent.body
        return Response(body, status_code=sent.status, headers=headers, media_type=sent.media_type)

    return answer
