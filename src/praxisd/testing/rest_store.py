"""A store in memory that restic reaches over HTTP, as its manual describes the protocol ("REST Backend"): a remote target."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_PATH = re.compile(r"/(config|(?P<kind>keys|locks|snapshots|index|data)/(?P<name>[0-9a-f]{64})?)")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_LISTED = "application/vnd.x.restic.rest.v2"


@dataclass
class RestStore:
    """What is kept, by path; `refuse` answers everything with this status; `asked` are the requests so far."""

    url: str = ""
    kept: dict[str, bytes] = field(default_factory=dict)
    refuse: int = 0
    asked: list[str] = field(default_factory=list)


@contextmanager
def rest_store() -> Iterator[RestStore]:
    """A store that listens on this computer only."""
    store = RestStore()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(store))
    store.url = f"rest:http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(store: RestStore) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            store.asked.append(f"{self.command} {self.path}")

        def answer(self, status: int, body: bytes = b"", kind: str = "application/octet-stream") -> None:
            self.send_response(store.refuse or status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def do_GET(self) -> None:
            found = _PATH.fullmatch(self.path)
            if found and found["kind"] and not found["name"]:
                inside = [(one, len(body)) for one, body in store.kept.items() if one.startswith(self.path)]
                listed = [{"name": one.rpartition("/")[2], "size": size} for one, size in inside]
                self.answer(200, json.dumps(listed).encode(), _LISTED)
            elif self.path not in store.kept:
                self.answer(404)
            else:
                body = store.kept[self.path]
                wanted = _RANGE.fullmatch(self.headers.get("Range", ""))
                if wanted:
                    body = body[int(wanted[1]) : int(wanted[2] or len(body)) + 1]
                self.answer(206 if wanted else 200, body)

        do_HEAD = do_GET

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path == "/?create=true":
                self.answer(200)
            elif not _PATH.fullmatch(self.path):
                self.answer(400)
            elif self.path in store.kept:
                self.answer(403)
            else:
                if not store.refuse:
                    store.kept[self.path] = body
                self.answer(200)

        def do_DELETE(self) -> None:
            self.answer(200 if store.kept.pop(self.path, None) is not None else 404)

    return Handler
