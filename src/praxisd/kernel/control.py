"""One owner of the data folder: the lock, and how commands reach the server that holds it.

`serve` holds an OS lock on `DIR/run/lock` and answers commands on a loopback port that
`DIR/run/control.json` (0600: address and token) names. With no server running, operations declared
`offline` take the lock and run in the command's own process; all others end with `control.no_server`.
"""

import hmac
import http.client
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import token

BODY_LIMIT = 64 * 1024 * 1024
"""An import of a large bundle travels through here; more is refused."""


def _try_lock(file: IO[bytes]) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def owning(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; Problem `control.folder_in_use` (409) when another process holds it."""
    run = folder / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    run.mkdir(mode=0o700, exist_ok=True)
    with (run / "lock").open("a+b") as file:
        if not _try_lock(file):
            raise Problem("control.folder_in_use", 409, folder=str(folder))
        yield


class Control:
    """The server's ear for commands: loopback only, token in constant time, one JSON object in and out."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._token = token(32)
        self._path = house.folder / "run" / "control.json"
        outer = self

        class Ear(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer._answer(self)

            def log_message(self, *_args: object) -> None:
                """Nothing: the operation itself is logged."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
        self._server.daemon_threads = True

    def start(self, url: str) -> None:
        """Begin to listen and write control.json (0600, replaced at once); `url` is the address of the doors."""
        threading.Thread(target=self._server.serve_forever, name="praxisd-control", daemon=True).start()
        port = self._server.server_address[1]
        content = {"port": port, "token": self._token, "url": url, "pid": os.getpid()}
        fresh = self._path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(content, file)
        fresh.replace(self._path)

    def stop(self) -> None:
        """Stop listening and remove control.json."""
        self._path.unlink(missing_ok=True)
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        size = int(request.headers.get("Content-Length") or 0)
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            status, answer = 401, {"code": "access.forbidden"}
        elif size > BODY_LIMIT:
            status, answer = 413, {"code": "http.body_too_large"}
        else:
            status, answer = self._perform(request.path.removeprefix("/"), request.rfile.read(size))
        data = json.dumps(answer).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def _perform(self, name: str, body: bytes) -> tuple[int, dict[str, Any]]:
        try:
            operation = self._house.registry.operations.get(name)
            if operation is None:
                raise Problem("control.unknown_operation", 404, operation=name)
            return 200, operation.call(self._house, json.loads(body or b"{}"))
        except Problem as problem:
            return 422, {"problem": {"code": problem.code, "params": problem.params, "detail": problem.detail}}
        except Exception as error:
            self._house.log.error("operation_failed", where=name, error=error)
            return 500, {"problem": {"code": "http.internal", "params": {}, "detail": type(error).__name__}}


def server(folder: Path) -> dict[str, Any] | None:
    """What control.json says of a running server, or None when none answers."""
    path = folder / "run" / "control.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    try:
        http.client.HTTPConnection("127.0.0.1", found["port"], timeout=2).connect()
    except OSError:
        return None
    return found


def ask(found: dict[str, Any], operation: str, args: dict[str, Any]) -> dict[str, Any]:
    """Have the running server perform an operation; its Problem is raised here again."""
    connection = http.client.HTTPConnection("127.0.0.1", found["port"], timeout=600)
    try:
        headers = {"Authorization": f"Bearer {found['token']}", "Content-Type": "application/json"}
        connection.request("POST", f"/{operation}", json.dumps(args), headers)
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
    except OSError:
        raise Problem("control.no_server", 503, retry=True) from None
    finally:
        connection.close()
    if response.status != 200:
        fault = answer.get("problem") or {"code": answer.get("code", "http.internal"), "params": {}}
        raise Problem(fault["code"], response.status, detail=fault.get("detail"), **fault["params"])
    return answer


def run(folder: Path, operation: str, args: dict[str, Any], open_here: Callable[[], House]) -> dict[str, Any]:
    """Perform an operation: in the running server, else (if declared offline) here under the folder's lock."""
    found = server(folder)
    if found is not None:
        return ask(found, operation, args)
    if not (folder / "run").is_dir() and not folder.is_dir():
        raise Problem("control.no_server", 503, retry=True)
    with owning(folder):
        house = open_here()
        try:
            declared = house.registry.operations.get(operation)
            if declared is None or not declared.offline:
                raise Problem("control.no_server", 503, retry=True)
            return declared.call(house, args)
        finally:
            house.store.close()
