"""The console's files: served from a fixed table, packed, kept, and shut in by a strict policy; gone means recovery."""

import gzip
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from praxisd.kernel import maintenance
from praxisd.kernel.access import system
from praxisd.kernel.house import SERVICE as KERNEL
from praxisd.testing.houses import Houses
from praxisd.web import console_files

from . import web_sample
from .web_sample.serving import Running, running

SERVICES = (KERNEL, web_sample.SERVICE)
SCRIPT = b"console.log('praxisd');" * 50
HASHED = "assets/index-Bx3_k-2a.js"


def built(folder: Path) -> Path:
    """A small console as Vite would build it, and a secret beside it."""
    (folder / "console" / "assets").mkdir(parents=True)
    (folder / "secret.txt").write_text("Geheimnis")
    console = folder / "console"
    (console / "index.html").write_bytes(b"<!doctype html><title>praxisd</title>")
    (console / HASHED).write_bytes(SCRIPT)
    (console / f"{HASHED}.gz").write_bytes(gzip.compress(SCRIPT))
    (console / f"{HASHED}.br").write_bytes(b"brotli bytes")
    (console / "assets" / "plain.css").write_bytes(b"body{}")
    (console / "favicon.svg").write_bytes(b"<svg/>")
    (console / "odd.bin").write_bytes(b"\0")
    return console


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("files")
    houses = Houses("sqlite", folder)
    patch = pytest.MonkeyPatch()
    patch.setattr(console_files, "FOLDER", built(folder))
    with running(houses.open(SERVICES)) as server:
        yield server
    patch.undo()
    houses.close()


def get(one: Running, path: str, encoding: str = "identity", **headers: str) -> httpx.Response:
    return httpx.get(one.url + path, headers={"Accept-Encoding": encoding, **headers})


def test_the_page_is_open_shut_in_and_asked_for_again(one: Running) -> None:
    page = get(one, "/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["cache-control"] == "no-cache"
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "font-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in page.headers["permissions-policy"]
    assert (page.headers["x-content-type-options"], page.headers["referrer-policy"]) == (
        "nosniff",
        "no-referrer",
    )
    again = get(one, "/", **{"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_hashed_files_are_kept_for_good_and_packed_for_who_takes_it(one: Running) -> None:
    path = f"/console/{HASHED}"
    seen = {}
    for encoding, expected in (
        ("identity", None),
        ("gzip", "gzip"),
        ("gzip, deflate, br", "br"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("BR", "br"),
    ):
        with httpx.stream("GET", one.url + path, headers={"Accept-Encoding": encoding}) as got:
            data = b"".join(got.iter_raw())
        assert got.status_code == 200
        assert got.headers.get("content-encoding") == expected, encoding
        assert got.headers["content-type"] == "text/javascript; charset=utf-8"
        assert got.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert got.headers["vary"] == "Accept-Encoding"
        seen[expected] = (data, got.headers["etag"])
    assert seen[None][0] == SCRIPT and gzip.decompress(seen["gzip"][0]) == SCRIPT
    assert seen["br"][0] == b"brotli bytes"
    assert len({etag for _, etag in seen.values()}) == 3


def test_other_files(one: Running) -> None:
    css = get(one, "/console/assets/plain.css", "br, gzip")
    assert (css.headers["content-type"], css.headers["cache-control"]) == (
        "text/css; charset=utf-8",
        "no-cache",
    )
    assert "content-encoding" not in css.headers and "vary" not in css.headers
    icon = get(one, "/favicon.ico")
    assert (icon.content, icon.headers["content-type"]) == (b"<svg/>", "image/svg+xml")
    assert get(one, "/console/odd.bin").headers["content-type"] == "application/octet-stream"
    moved = get(one, "/console")
    assert (moved.status_code, moved.headers["location"]) == (302, "/")


@pytest.mark.parametrize(
    "path",
    [
        "/console/../secret.txt",
        "/console/%2e%2e/secret.txt",
        "/console/..%2fsecret.txt",
        "/console/assets/../../../secret.txt",
        "/console//etc/passwd",
        "/console/%2fetc%2fpasswd",
        "/console/..\\secret.txt",
        "/console/index.html%00.js",
        f"/console/{HASHED}.gz",
        "/console/assets",
        "/console/INDEX.HTML",
        "/secret.txt",
    ],
)
def test_nothing_else_is_reachable(one: Running, path: str) -> None:
    with socket.create_connection(("127.0.0.1", one.port), timeout=10) as raw:  # clients tidy paths up
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 404 "), answer[:200]
    assert b"Geheimnis" not in answer and b"root:" not in answer


def test_methods(one: Running) -> None:
    head = httpx.head(one.url + "/")
    assert head.status_code == 200 and head.content == b"" and int(head.headers["content-length"]) > 0
    assert httpx.options(one.url + "/").headers["allow"] == "GET, HEAD, OPTIONS"
    for path in ("/", "/console/index.html", "/favicon.ico"):
        refused = httpx.post(one.url + path, content=b"x")
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_files_are_there_during_maintenance(one: Running) -> None:
    store = one.house.store
    store.run(system("test"), lambda tx: maintenance.begin(tx, "update", 600))
    try:
        assert one.http.get("/api/v1/quick").status_code == 503
        assert get(one, "/").status_code == 200
        assert get(one, f"/console/{HASHED}").status_code == 200
    finally:
        store.run(system("test"), lambda tx: maintenance.end(tx, "update"))


def test_files_are_counted_under_one_name(one: Running) -> None:
    get(one, "/console/nothing-of-ours")
    assert '"route":"console.file","status":404' in one.log() and "nothing-of-ours" not in one.log()


def test_without_a_console_the_way_leads_to_recovery(
    sqlite_houses: Houses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console_files, "FOLDER", tmp_path / "missing")
    with running(sqlite_houses.open(SERVICES)) as bare:
        got = get(bare, "/")
        assert (got.status_code, got.headers["location"]) == (302, "/recovery")
        assert get(bare, "/console/index.html").status_code == 404
        assert get(bare, "/favicon.ico").status_code == 204
