"""The console's files at `/`, `/console/…` and `/favicon.ico`, read once at start from the folder `console` beside this.

`ui/` builds that folder; where it is missing, `/` leads to the recovery page. What is served is a fixed table: nothing
in an address ever reaches the file system. Files with a hash in their name never change and are kept for good; packed
twins (`.br`, `.gz`) are sent to who takes them. During maintenance the files are there all the same.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from praxisd.kernel.console_routes import accepts
from praxisd.kernel.errors import Problem, not_found
from praxisd.web.answers import Sent
from praxisd.web.door import Asgi, Door
from praxisd.web.request import Receive, Request, Scope, Send

FOLDER = Path(__file__).with_name("console")
INDEX = "index.html"
RECOVERY = "/recovery"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
PAGE_HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""On every page for people, beside what all answers carry."""
MEDIA = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
CODINGS = {"br": ".br", "gzip": ".gz"}
"""Packed forms by name in Accept-Encoding, best first."""
_FOREVER = "public, max-age=31536000, immutable"
_HASHED = re.compile(r"assets/.*[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+")
_ALLOW = "GET, HEAD, OPTIONS"
_Finder = Callable[[Request], Sent]


@dataclass(frozen=True)
class File:
    """One file with its packed twins. `forms` are bytes and ETag by coding; the plain one is under the empty name."""

    media_type: str
    forever: bool
    forms: dict[str, tuple[bytes, bytes]]
    headers: dict[str, str] = field(default_factory=dict)

    def sent(self, accept_encoding: str) -> Sent:
        """The answer in the best form the caller takes."""
        coding = next((one for one in CODINGS if one in self.forms and accepts(accept_encoding, one)), "")
        data, etag = self.forms[coding]
        headers = {**self.headers, "Cache-Control": _FOREVER if self.forever else "no-cache"}
        if len(self.forms) > 1:
            headers["Vary"] = "Accept-Encoding"
        if coding:
            headers["Content-Encoding"] = coding
        return Sent(200, data, self.media_type, headers, etag)


@cache
def files(folder: Path) -> dict[str, File]:
    """All files of the folder by their path in it, read into memory, once; empty where there is none."""
    found: dict[str, File] = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if not path.is_file() or path.suffix in CODINGS.values():
            continue
        name = path.relative_to(folder).as_posix()
        sources = {"": path, **{one: Path(f"{path}{end}") for one, end in CODINGS.items()}}
        forms = {one: _form(source) for one, source in sources.items() if source.is_file()}
        media = MEDIA.get(path.suffix, "application/octet-stream")
        page = PAGE_HEADERS if path.suffix == ".html" else {"Cross-Origin-Resource-Policy": "same-origin"}
        found[name] = File(media, bool(_HASHED.fullmatch(name)), forms, page)
    return found


def _form(path: Path) -> tuple[bytes, bytes]:
    data = path.read_bytes()
    return data, b'"%s"' % hashlib.sha256(data).hexdigest()[:24].encode()


def handlers(door: Door, folder: Path | None = None) -> Iterator[tuple[str, Asgi]]:
    """Pairs of path template and ASGI function."""
    table = files(folder or FOLDER)

    def index(request: Request) -> Sent:
        if INDEX not in table:
            return Sent(302, b"", None, {"Location": RECOVERY})
        return table[INDEX].sent(request.header(b"accept-encoding") or "")

    def below(request: Request) -> Sent:
        rest = request.scope["path_params"]["rest"]
        if rest == "":
            return Sent(302, b"", None, {"Location": "/"})
        if rest not in table:
            raise not_found("Path")
        return table[rest].sent(request.header(b"accept-encoding") or "")

    def icon(request: Request) -> Sent:
        known = table.get("favicon.ico") or table.get("favicon.svg")
        return known.sent(request.header(b"accept-encoding") or "") if known else Sent(204, b"", None)

    def app(find: _Finder) -> Asgi:
        async def answer(request: Request) -> Sent:
            if request.method in ("GET", "HEAD"):
                return find(request)
            if request.method == "OPTIONS":
                return Sent(204, b"", None, {"Allow": _ALLOW})
            raise Problem("http.method_not_allowed", 405, headers={"Allow": _ALLOW})

        async def run(scope: Scope, receive: Receive, send: Send) -> None:
            await door.serve("console.file", scope, receive, send, answer)

        return run

    yield "/", app(index)
    yield "/console/*", app(below)
    yield "/favicon.ico", app(icon)
