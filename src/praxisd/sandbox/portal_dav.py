"""The simulated portal as a drop folder: one .ics per calendar is put there, another one tells what is taken there."""

import base64
import binascii
import hashlib
from html import escape
from urllib.parse import quote, unquote

from praxisd.sandbox.door import Answer, Bad, Call, Route
from praxisd.sandbox.portal import Board
from praxisd.sandbox.portal_api import MOST_SPANS, owner
from praxisd.sandbox.portal_faults import Guard
from praxisd.sandbox.portal_ics import busy_of, written
from praxisd.sandbox.portal_times import Wrong

_STORE = "dav:"
_END, _BACK = ".ics", ".blockers.ics"
_MEDIA = "text/calendar; charset=utf-8"
_ETERNITY = (946_684_800, 4_102_444_799)


def routes(board: Board, guard: Guard, key: str) -> tuple[Route, ...]:
    """`/dav/…`."""

    def check(call: Call) -> None:
        if not owner(key, _password(call)):
            raise Bad("unauthorized", 401)

    def door(call: Call) -> Answer:
        with board.lock:
            return _FILE[call.method](board, call)

    def folder(call: Call) -> Answer:
        return _listed(board, call)

    file = guard("dav", door, check)
    return (
        *((method, "/dav/{file}", file) for method in _FILE),
        ("PROPFIND", "/dav/", guard("dav", folder, check)),
        ("PROPFIND", "/dav", guard("dav", folder, check)),
    )


def _password(call: Call) -> str:
    """Of HTTP Basic; any user."""
    kind, _, value = call.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode("utf-8", "replace").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _name(call: Call, end: str = _END) -> str:
    file = unquote(call.path["file"])
    if not file.endswith(end) or len(file) <= len(end):
        raise Bad("not_found", 404)
    return file.removesuffix(end)


def _kept(board: Board, name: str) -> bytes | None:
    """The file as it was put; None if there is none."""
    found = board.stored(_STORE + name)
    return None if found is None else str(found).encode()


def _content(board: Board, call: Call) -> bytes:
    """What a file holds now; 404 if there is none."""
    if unquote(call.path["file"]).endswith(_BACK):
        return _blockers(board, _name(call, _BACK))
    name = _name(call)
    board.calendar(name)
    found = _kept(board, name)
    if found is None:
        raise Bad("not_found", 404)
    return found


def _blockers(board: Board, name: str) -> bytes:
    """What is entered and booked there, without a word of anybody."""
    board.calendar(name)
    found = [(id_, start, end) for id_, _, start, end in board.blockers(name)]
    for one in board.bookings():
        if one.calendar == name:
            found += [(f"{one.id}-{n}", start, end) for n, (start, end) in enumerate(one.occupies())]
    return written(found)


def _get(board: Board, call: Call) -> Answer:
    body = _content(board, call)
    tag = _tag(body)
    if tag in call.headers.get("if-none-match", ""):
        return Answer(304, b"", _MEDIA, {"ETag": tag})
    return Answer(200, body, _MEDIA, {"ETag": tag})


def _put(board: Board, call: Call) -> Answer:
    name = _name(call)
    if name.endswith(_BACK.removesuffix(_END)):
        raise Bad("forbidden", 403)
    board.calendar(name)
    _matches(board, call, name)
    try:
        text = call.body.decode()
        busy = busy_of(text, board.zone, MOST_SPANS)
    except UnicodeDecodeError:
        raise Bad("malformed") from None
    except Wrong as wrong:
        raise Bad(str(wrong), 422) from None
    old = _kept(board, name)
    board.upload(name, "dav", _ETERNITY, busy, len(call.body))
    board.store(_STORE + name, text)
    return Answer(201 if old is None else 204, b"", _MEDIA, {"ETag": _tag(call.body)})


def _matches(board: Board, call: Call, name: str) -> None:
    """412 unless the file is still the one that was meant."""
    old = _kept(board, name)
    wanted, unwanted = call.headers.get("if-match"), call.headers.get("if-none-match")
    if wanted is not None and (old is None or (wanted != "*" and _tag(old) not in wanted)):
        raise Bad("changed", 412)
    if unwanted is not None and old is not None and (unwanted == "*" or _tag(old) in unwanted):
        raise Bad("changed", 412)


def _delete(board: Board, call: Call) -> Answer:
    name = _name(call)
    board.calendar(name)
    if _kept(board, name) is None:
        raise Bad("not_found", 404)
    _matches(board, call, name)
    board.upload(name, "dav", _ETERNITY, (), 0)
    board.store(_STORE + name, None)
    return Answer(204)


def _propfind(board: Board, call: Call) -> Answer:
    body = _content(board, call)
    return _many([_entry(f"/dav/{call.path['file']}", body)])


def _listed(board: Board, call: Call) -> Answer:
    """The folder and, unless `Depth: 0`, its files."""
    found = ["<d:response><d:href>/dav/</d:href><d:propstat><d:prop><d:resourcetype><d:collection/></d:resourcetype>"
             "</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"]  # fmt: skip
    if call.headers.get("depth", "1") != "0":
        for one in board.calendars():
            kept = _kept(board, one.name)
            if kept is not None:
                found.append(_entry(f"/dav/{quote(one.name, safe='')}{_END}", kept))
            found.append(_entry(f"/dav/{quote(one.name, safe='')}{_BACK}", _blockers(board, one.name)))
    return _many(found)


def _entry(href: str, body: bytes) -> str:
    return (
        f"<d:response><d:href>{escape(href)}</d:href><d:propstat><d:prop><d:resourcetype/>"
        f"<d:getcontenttype>text/calendar</d:getcontenttype><d:getcontentlength>{len(body)}</d:getcontentlength>"
        f"<d:getetag>{escape(_tag(body))}</d:getetag></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
    )


def _many(entries: list[str]) -> Answer:
    text = f'<?xml version="1.0" encoding="utf-8"?><d:multistatus xmlns:d="DAV:">{"".join(entries)}</d:multistatus>'
    return Answer(207, text.encode(), "application/xml; charset=utf-8")


_FILE = {"GET": _get, "HEAD": _get, "PUT": _put, "DELETE": _delete, "PROPFIND": _propfind}
