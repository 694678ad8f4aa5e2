"""The description of the interface: `/openapi.json` for programs, `/docs` for people, offline and without any CDN.

The page itself holds nothing secret; it asks for a key, keeps it in memory only and fetches the document with it.
"""

import hashlib
from collections.abc import Sequence
from functools import partial
from importlib.resources import files

import msgspec

from praxisd.kernel.service import Answer, Call, Route
from praxisd.web import openapi
from praxisd.web.door import Door, Entry

PAGES = {
    "/docs": ("docs.html", "text/html; charset=utf-8"),
    "/docs/docs.js": ("docs.js", "text/javascript; charset=utf-8"),
    "/docs/docs.css": ("docs.css", "text/css; charset=utf-8"),
}
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_KEPT = 32
"""Documents kept: one per language and address under which the server is reached."""


class DocumentStore:
    """The rendered document per address and language, with its ETag."""

    def __init__(self, door: Door, declared: Sequence[Entry]) -> None:
        self._door = door
        self._declared = declared
        self._kept: dict[tuple[str, str], tuple[bytes, str]] = {}

    def kept(self, base_url: str, lang: str) -> bool:
        """True if `get` answers from memory; making the document takes some ten milliseconds."""
        return (base_url, lang) in self._kept

    def get(self, base_url: str, lang: str) -> tuple[bytes, str]:
        """Bytes and ETag."""
        found = self._kept.get((base_url, lang))
        if found is None:
            document = openapi.document(self._door.house.registry, self._declared, base_url, lang)
            data = msgspec.json.encode(document)
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            found = self._kept[base_url, lang] = (data, hashlib.sha256(data).hexdigest()[:24])
        return found


def _document(store: DocumentStore, call: Call) -> Answer:
    data, etag = store.get(call.base_url, call.lang)
    return Answer(data, etag=etag, headers={"Cache-Control": "private, no-cache", "Vary": "Accept-Language"})


def _kept(store: DocumentStore, call: Call) -> Answer | None:
    return _document(store, call) if store.kept(call.base_url, call.lang) else None


def _page(data: bytes, etag: str, _call: Call) -> Answer:
    headers = {"Content-Security-Policy": CSP, "Cache-Control": "no-cache", "X-Frame-Options": "DENY"}
    return Answer(data, etag=etag, headers=headers)


def entries(door: Door, declared: Sequence[Entry]) -> list[Entry]:
    """The document (any valid key) and the files of its page (open: they say nothing of the practice)."""
    found: list[Entry] = []
    for path, (name, media_type) in PAGES.items():
        data = files("praxisd.web").joinpath("pages", name).read_bytes()
        call = partial(_page, data, hashlib.sha256(data).hexdigest()[:24])
        call.__doc__ = f"Page of the description: {name}"
        route = Route(
            "GET",
            path,
            f"docs.{name.rpartition('.')[2]}",
            call,
            None,
            why_open="a fixed page that holds nothing of the practice; the document behind it needs a key",
            root=True,
            quick=call,
            media_type=media_type,
            tags=("docs",),
        )
        found.append(Entry(route))
    shown: list[Entry] = [*declared]
    store = DocumentStore(door, shown)
    document = partial(_document, store)
    document.__doc__ = "This document: all operations this server offers"
    route = Route(
        "GET",
        "/openapi.json",
        "docs.openapi",
        document,
        None,
        why_open="any valid key may read what the server offers; what each operation needs is checked there",
        root=True,
        quick=partial(_kept, store),
        tags=("docs",),
    )
    own = Entry(route, signed_in=True)
    shown.append(own)
    return [*found, own]


__all__ = ("CSP", "DocumentStore", "entries")
