"""A small HTTP server for the sandboxes: one thread per connection, functions by method and path, nothing more."""

import json
import re
import socket
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

MOST_BYTES = 2_000_000
MOST_PASSED_OVER = 64_000_000
PATIENCE_S = 60.0
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


@dataclass(frozen=True)
class Call:
    """One request. `path` holds the named pieces of the route, `headers` have lower-case names."""

    method: str
    target: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; `Bad` if it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Bad("malformed") from None

    def table(self) -> dict[str, Any]:
        """The body as a JSON object; `Bad` if it is none."""
        found = self.json()
        if not isinstance(found, dict):
            raise Bad("malformed")
        return found

    def form(self) -> dict[str, str]:
        """The fields of a posted form."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    @property
    def bearer(self) -> str:
        """The key of an Authorization header."""
        return self.headers.get("authorization", "").removeprefix("Bearer ").strip()


@dataclass(frozen=True)
class Answer:
    """What is sent back. `drop`: nothing at all, the connection is closed instead. `cut`: it is closed in the middle.

    `pieces`, where given, are sent in place of `body`, each at once; `length` is what is then said about them (bytes),
    None: nothing, the end of the connection is their end.
    """

    status: int = 200
    body: bytes = b""
    media: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False
    cut: bool = False
    pieces: Iterable[bytes] | None = None
    length: int | None = None


DROP = Answer(drop=True)


class Bad(Exception):
    """A request that cannot be done; answered with `status` and `{"code": …}`, and `more` beside the code."""

    def __init__(self, code: str, status: int = 400, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.more = more

    def answer(self) -> Answer:
        """What is sent."""
        return as_json({"code": self.code, **self.more}, self.status)


def as_json(value: Any, status: int = 200, **headers: str) -> Answer:
    """An answer of JSON. Names of headers are given with `_` for `-`."""
    body = json.dumps(value, ensure_ascii=False).encode()
    return Answer(status, body, headers={name.replace("_", "-"): one for name, one in headers.items()})


def as_page(html: str, status: int = 200, **headers: str) -> Answer:
    """A page; it may load and run nothing from anywhere."""
    shown = {name.replace("_", "-"): one for name, one in headers.items()}
    policy = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
    return Answer(status, html.encode(), "text/html; charset=utf-8", {**policy, **shown})


def see(path: str) -> Answer:
    """Look at `path` now (303): what a form answers."""
    return Answer(303, headers={"Location": path})


Function = Callable[[Call], Answer]
Route = tuple[str, str, Function]
"""Method, path with pieces like `{id}`, function."""


class Door:
    """Serves routes on a port of its own, from a thread of its own."""

    def __init__(self, host: str, port: int, routes: Sequence[Route]) -> None:
        """OSError if the address cannot be used."""
        self._routes = [(method, _pattern(path), function) for method, path, function in routes]
        door = self

        class Handler(BaseHTTPRequestHandler):
            """Hands each request to the door."""

            protocol_version = "HTTP/1.1"
            wbufsize = 65_536
            timeout = PATIENCE_S
            server_version = "praxisd-sandbox"
            sys_version = ""

            def log_message(self, *_: object) -> None:
                """Say nothing: what goes through here may be taken for real."""

            def _any(self) -> None:
                door._serve(self)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_PROPFIND = _any

        class Server(ThreadingHTTPServer):
            """As many connections as come."""

            daemon_threads = True
            request_queue_size = 128
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

            def handle_error(self, *_: object) -> None:
                """A client that hung up is no news."""

        self._server = Server((host, port), Handler)
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    def add(self, method: str, path: str, function: Function) -> None:
        """One more route."""
        self._routes = [*self._routes, (method, _pattern(path), function)]

    def close(self) -> None:
        """Take no more connections."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(2)

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        answer = self._answer(handler)
        handler.close_connection = True
        if answer.drop:
            with suppress(OSError):
                handler.connection.shutdown(socket.SHUT_RDWR)
            return
        handler.send_response(answer.status)
        handler.send_header("Content-Type", answer.media)
        length = len(answer.body) if answer.pieces is None else answer.length
        if length is not None:
            handler.send_header("Content-Length", str(length))
        handler.send_header("Connection", "close")
        handler.send_header("X-Content-Type-Options", "nosniff")
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        body = b"" if handler.command == "HEAD" else answer.body
        with suppress(OSError):
            for piece in () if answer.pieces is None or handler.command == "HEAD" else answer.pieces:
                handler.wfile.write(piece)
                handler.wfile.flush()
            handler.wfile.write(body[: len(body) // 2] if answer.cut else body)

    def _answer(self, handler: BaseHTTPRequestHandler) -> Answer:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > MOST_BYTES:
            _passed_over(handler, int(length) if length.isascii() and length.isdigit() else 0)
            return as_json({"code": "too_large"}, 413)
        body = handler.rfile.read(int(length))
        if len(body) < int(length):
            return DROP
        parts = urlsplit(handler.path)
        if handler.command not in ("GET", "HEAD") and _foreign(headers):
            return as_json({"code": "forbidden"}, 403)
        known = False
        for method, pattern, function in self._routes:
            match = pattern.fullmatch(parts.path)
            known = known or match is not None
            if match is None or method != handler.command:
                continue
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            call = Call(method, handler.path, match.groupdict(), query, headers, body)
            try:
                return function(call)
            except Bad as bad:
                return bad.answer()
            except Exception as error:
                return as_json({"code": "internal", "type": type(error).__name__}, 500)
        return as_json({"code": "not_found"}, 405 if known else 404)


def _foreign(headers: Mapping[str, str]) -> bool:
    """True for what a page of somebody else sends through a person's browser."""
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")


def _pattern(path: str) -> re.Pattern[str]:
    pieces = re.split(r"\{([a-z]+)\}", path)
    named = [re.escape(one) if n % 2 == 0 else f"(?P<{one}>[^/]+)" for n, one in enumerate(pieces)]
    return re.compile("".join(named))


def _passed_over(handler: BaseHTTPRequestHandler, length: int) -> None:
    """Read a body that nobody wants, if it is not endless: who is still sending it would not hear the answer."""
    left = length if length <= MOST_PASSED_OVER else 0
    while left > 0:
        read = len(handler.rfile.read(min(left, 65_536)))
        left = left - read if read else 0
