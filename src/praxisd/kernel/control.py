"""One owner of the data folder: the lock, and how commands reach the server that holds it.

`serve` holds an OS lock on `DIR/run/lock` and answers commands on a loopback port that
`DIR/run/control.json` (0600: address and token) names. With no server running, operations declared
`offline` take the lock and run in the command's own process; all others end with `control.no_server`.
The lock alone says whether a server is there: control.json may be left over from one that was killed.
"""

import hmac
import http.client
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from praxisd.kernel import moved
from praxisd.kernel.access import INSTALLATION, Actor, Kind, system
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import token
from praxisd_guard.places import home_of_environment

if TYPE_CHECKING:
    from praxisd.kernel.app import House

BODY_LIMIT = 64 * 1024 * 1024
"""An import of a large bundle travels through here; more is refused."""
STARTING_S = 5.0
"""A command waits so long for a server that holds the lock and does not answer yet. Seconds."""
KEPT_S = 60.0
"""A command waits so long for the server of a folder that a guard keeps, and a guard's own command for the folder. Seconds."""
ANSWER_S = 600
_PAUSE_S = 0.05


def try_lock(file: IO[bytes]) -> bool:
    """Take the lock of the operating system on an open file, without waiting; False while another holds it."""
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def owning(folder: Path, patience_s: float = 0.0) -> Iterator[None]:
    """Hold the folder's lock; Problem `control.folder_in_use` (409) when another process keeps it for longer
    than `patience_s` seconds.
    """
    run = folder / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    run.mkdir(mode=0o700, exist_ok=True)
    until = time.monotonic() + patience_s
    with (run / "lock").open("a+b") as file:
        while not try_lock(file):
            if time.monotonic() >= until:
                raise Problem("control.folder_in_use", 409, folder=str(folder))
            time.sleep(_PAUSE_S)
        yield


class Control:
    """The server's ear for commands: loopback only, token in constant time, one JSON object in and out."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self._token = token(32)
        self._path = house.folder / "run" / "control.json"
        self._thread: threading.Thread | None = None
        outer = self

        class Ear(BaseHTTPRequestHandler):
            timeout = 60

            def do_POST(self) -> None:
                outer._answer(self)

            def log_message(self, *_args: object) -> None:
                """Nothing: the operation itself is logged."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
        self._server.daemon_threads = True

    def start(self, url: str) -> None:
        """Begin to listen and write control.json (0600, replaced at once); `url` is the address of the doors."""
        self._thread = threading.Thread(
            target=lambda: self._server.serve_forever(poll_interval=0.1), name="praxisd-control", daemon=True
        )
        self._thread.start()
        port = self._server.server_address[1]
        content = {"port": port, "token": self._token, "url": url, "pid": os.getpid()}
        write_private(self._path, json.dumps(content))

    def stop(self) -> None:
        """Stop listening and remove control.json; nothing happens if it never started."""
        if self._thread is not None:
            self._path.unlink(missing_ok=True)
            self._server.shutdown()
            self._thread = None
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        size = request.headers.get("Content-Length", "")
        status: int
        answer: dict[str, Any]
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            status, answer = 401, {"problem": {"code": "access.forbidden"}}
        elif not size.isdigit() or int(size) > BODY_LIMIT:
            status, answer = 413, {"problem": {"code": "control.too_large", "params": {"limit": BODY_LIMIT}}}
        else:
            status, answer = self._perform(request.path.removeprefix("/"), request.rfile.read(int(size)))
        data = json.dumps(answer).encode()
        request.close_connection = True
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def _perform(self, name: str, body: bytes) -> tuple[int, dict[str, Any]]:
        try:
            answer = perform(self._house, name, _object(body))
            self._house.log.info("operation", where=name)
            return 200, answer
        except Problem as problem:
            return problem.status, {
                "problem": {
                    "code": problem.code,
                    "retry": problem.retry,
                    "params": problem.params,
                    "detail": problem.detail,
                }
            }
        except Exception as error:
            self._house.log.error("operation_failed", where=name, error=error)
            return 500, {"problem": {"code": "control.failed", "detail": type(error).__name__}}


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Problem("control.bad_arguments", 400)
    return found


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner may read (0600); readers see the old content or the new one, never a part."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def perform(house: "House", operation: str, args: dict[str, Any]) -> dict[str, Any]:
    """Perform a declared operation in this process; Problem `control.unknown_operation` (404)."""
    declared = house.registry.operations.get(operation)
    if declared is None:
        raise Problem("control.unknown_operation", 404, operation=operation)
    return declared.call(house, args)


def actor(house: "House", args: dict[str, Any]) -> Actor:
    """The command line, acting in the practice that `args["organization"]` names, or in the only one there is.

    Before any practice was set up it acts in the installation. Problems: `control.organization_needed` (400)
    where there are several practices, 404 for an unknown one.
    """
    with house.store.read(system("cli")) as tx:
        known = list(house.shared.get("organizations", lambda _tx: [])(tx)) or [INSTALLATION]
    wanted = args.get("organization")
    if wanted is None and len(known) > 1:
        raise Problem("control.organization_needed", 400, count=len(known))
    if wanted is not None and wanted not in known:
        raise not_found("Organization")
    return Actor(Kind.CLI, "cli", wanted or known[0], everything=True)


def server(folder: Path) -> dict[str, Any] | None:
    """What control.json says of a running server, or None when none answers under it."""
    try:
        found = json.loads((folder / "run" / "control.json").read_text(encoding="utf-8"))
        connection = http.client.HTTPConnection("127.0.0.1", found["port"], timeout=2)
        connection.connect()
    except (OSError, ValueError, TypeError, KeyError):
        return None
    connection.close()
    return found if isinstance(found, dict) else None


def ask(found: dict[str, Any], operation: str, args: dict[str, Any]) -> dict[str, Any]:
    """Have the running server perform an operation; its Problem is raised here again."""
    connection = http.client.HTTPConnection("127.0.0.1", found["port"], timeout=ANSWER_S)
    body = json.dumps(args).encode()
    if len(body) > BODY_LIMIT:
        raise Problem("control.too_large", 413, limit=BODY_LIMIT)
    try:
        headers = {"Authorization": f"Bearer {found['token']}", "Content-Type": "application/json"}
        connection.request("POST", f"/{operation}", body, headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, ValueError, http.client.HTTPException):
        raise Problem("control.no_server", 503, retry=True) from None
    finally:
        connection.close()
    if response.status == 200 and isinstance(answer, dict):
        return answer
    fault = answer.get("problem") if isinstance(answer, dict) else None
    if response.status == 401 or not isinstance(
        fault, dict
    ):  # a stranger on the port of a server that is gone
        raise Problem("control.no_server", 503, retry=True)
    params = {k: v for k, v in (fault.get("params") or {}).items() if k not in ("code", "status", "headers")}
    detail, retry = fault.get("detail"), bool(fault.get("retry"))
    raise Problem(fault["code"], response.status, retry=retry, detail=detail, **params)


def guarded() -> bool:
    """True for a program that the guard itself started."""
    return home_of_environment() is not None


def keep_note(folder: Path, home: Path) -> None:
    """Note which guard keeps the server of this folder, for commands that meet it while it is away."""
    write_private(folder / "run" / "guard", str(home))


def kept(folder: Path) -> bool:
    """True while a guard keeps a server on this folder, though it may be away for a moment. Not for the guard's own
    programs, and not where it has given up (its floor): there a command may help.
    """
    if guarded():
        return False
    try:
        home = Path((folder / "run" / "guard").read_text(encoding="utf-8"))
        state = json.loads((home / "state.json").read_text(encoding="utf-8"))["state"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    from praxisd_guard.keeper_lock import guard_runs  # where there is a guard, there are its locks

    return state not in ("floor", "stopped") and guard_runs(home)


def no_practice(folder: Path) -> Problem:
    """The refusal of a folder without a praxisd, where a command would have to make one to answer."""
    return Problem("control.no_practice", 404, folder=str(folder))


def run(
    folder: Path,
    operation: str,
    args: dict[str, Any],
    open_here: Callable[[], "House"],
    offline: Callable[[str], bool] = lambda _operation: True,
    founded: Callable[[], bool] = lambda: True,
    moving: bool = False,
) -> dict[str, Any]:
    """Perform an operation: in the running server, else (if `offline(operation)`) here under the folder's lock.

    `open_here` makes the house, and is called only if it is needed; never, and nothing is written, where
    `founded()` says that no praxisd lies here. Problems: `control.no_practice` (404) for such a folder; both
    503: `control.no_server` where only a server could do it and none runs, `control.busy` while another
    command, or a server that does not answer, holds the folder; those of `moved.refuse`, unless it is `moving` itself.
    """
    # A server that has just begun holds the lock before it has a database.
    if not (folder / "run" / "lock").exists() and not founded():
        raise no_practice(folder)
    until = time.monotonic() + (KEPT_S if kept(folder) or guarded() else STARTING_S)
    while True:
        try:
            with owning(folder):
                if kept(folder):  # its server is away for a moment; who takes the folder now keeps it out
                    raise Problem("control.folder_in_use", 409, folder=str(folder))
                if not moving:
                    moved.refuse(folder)
                if not offline(operation):
                    raise Problem("control.no_server", 503, retry=True)
                if not founded():
                    raise no_practice(folder)
                house = open_here()
                try:
                    return perform(house, operation, args)
                finally:
                    house.store.close()
        except Problem as problem:
            if problem.code != "control.folder_in_use":
                raise
            found = server(folder)
            if found is not None:
                return ask(found, operation, args)
            if time.monotonic() >= until:
                raise Problem("control.busy", 503, retry=True, folder=str(folder)) from None
        time.sleep(_PAUSE_S)
