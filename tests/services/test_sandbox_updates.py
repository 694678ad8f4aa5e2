"""The sandbox of updates: what it publishes step by step, how it serves files, what goes wrong at it on demand."""

import json
import os
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tuf.api.metadata import Metadata

from praxisd import __version__
from praxisd.sandbox import updates, updates_data, updates_medication, updates_versions
from praxisd.sandbox.cli import sandbox
from praxisd.sandbox.updates_faults import KINDS, Fault, Faults
from praxisd.sandbox.updates_program import ROOT, Running
from praxisd.services.updates.publish_quick import Quick
from praxisd.testing.programs import environment
from praxisd_guard import package_read
from praxisd_guard.faults import FROZEN, ROLLBACK, TrustFault
from praxisd_guard.sources import FolderSource
from praxisd_guard.trust import Trust

STAMP = "/metadata/timestamp.json"


@dataclass
class Got:
    """What came back."""

    status: int
    headers: Any
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """A client of the sandbox, without any cleverness."""

    def __init__(self, running: Running) -> None:
        self.running = running

    def __call__(self, method: str, path: str, table: Any = None, **headers: str) -> Got:
        body = None if table is None else json.dumps(table).encode()
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            given["Content-Type"] = "application/json"
        request = urllib.request.Request(self.running.url + path, body, given, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Got(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Got(error.code, error.headers, error.read())


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    running = Running(tmp_path_factory.mktemp("sandbox"), "127.0.0.1", 0, __version__)
    yield Client(running)
    running.close()


@pytest.fixture(autouse=True)
def _well(client: Client) -> None:
    client("DELETE", "/faults")
    client("DELETE", "/requests")


def _trust(client: Client, folder: Path) -> Trust:
    made = client.running.shop.made
    return Trust(folder, made.root, FolderSource(made.folder))


def test_a_person_meets_the_good_version_first(client: Client, tmp_path: Path) -> None:
    state = client("GET", "/state").json()
    assert [one["what"] for one in state["steps"]] == ["good", "holidays", "medication", "broken", "newer"]
    trust = _trust(client, tmp_path / "trust")
    trust.refresh()
    assert [one.name for one in trust.elements()] == [
        "praxisd",
        "holidays",
        "medication",
        "medication-texts",
        "medication-notices",
    ]
    major, minor = (int(one) for one in __version__.split(".")[:2])
    assert trust.offers("praxisd")[-1].version == f"{major}.{minor + 1}.0"
    root = client("GET", "/root.json").body
    folder = client.running.shop.made.folder.parent.parent.parent
    assert root == (folder / ROOT).read_bytes() == client.running.shop.made.root


def test_the_next_version_of_the_data_comes_as_a_patch(client: Client, tmp_path: Path) -> None:
    assert client("POST", "/publish", {"what": "holidays"}).json()["version"] == "2026-11-15"
    assert client("POST", "/publish", {"what": "holidays"}).status == 200, "twice is no mistake"
    trust = _trust(client, tmp_path / "trust")
    newest, before = trust.offers("holidays")
    old = trust.fetch(before, tmp_path / "old")
    sizes: list[int] = []
    got = trust.fetch(newest, tmp_path / "new", old=old, progress=lambda _done, total: sizes.append(total))
    assert sizes[-1] < newest.length
    years = (
        sqlite3.connect(got).execute("SELECT DISTINCT substr(day, 1, 4) FROM holiday ORDER BY 1").fetchall()
    )
    assert [one for (one,) in years] == ["2025", "2026", "2027", "2028"]


def test_the_next_edition_of_medication_comes_as_a_patch(client: Client, tmp_path: Path) -> None:
    version = client("POST", "/publish", {"what": "medication"}).json()["version"]
    assert client("GET", "/state").json()["steps"][2]["published"]
    trust = _trust(client, tmp_path / "trust")
    for element in ("medication", "medication-texts", "medication-notices"):
        newest, before = trust.offers(element)
        assert newest.version == version
        old = trust.fetch(before, tmp_path / f"old-{element}")
        sizes: list[int] = []
        into = tmp_path / f"new-{element}"
        got = trust.fetch(newest, into, old=old, progress=lambda _done, total, to=sizes: to.append(total))  # type: ignore[misc]
        meta = dict(sqlite3.connect(got).execute("SELECT key, value FROM meta"))
        assert (meta["element"], meta["released"], meta["sample"]) == (element, version, "1")
        assert element == "medication-notices" or sizes[-1] < newest.length


def test_data_files_have_the_same_bytes_every_time(tmp_path: Path) -> None:
    version = next(iter(updates_data.SAMPLES))
    one, two = updates_data.write(version, tmp_path / "one"), updates_data.write(version, tmp_path / "two")
    assert one.read_bytes() == two.read_bytes()


def test_files_come_in_parts_and_with_a_mark(client: Client) -> None:
    whole = client("GET", STAMP)
    mark, size = whole.headers["ETag"], len(whole.body)
    assert whole.status == 200 and whole.headers["Accept-Ranges"] == "bytes"
    part = client("GET", STAMP, Range="bytes=10-")
    assert (part.status, part.body) == (206, whole.body[10:])
    assert part.headers["Content-Range"] == f"bytes 10-{size - 1}/{size}"
    assert client("GET", STAMP, Range="bytes=3-5").body == whole.body[3:6]
    assert client("GET", STAMP, Range="bytes=-4").body == whole.body[-4:]
    assert client("GET", STAMP, Range="bytes=4-", If_Range=mark).status == 206
    other = client("GET", STAMP, Range="bytes=4-", If_Range='"other"')
    assert (other.status, other.body) == (200, whole.body)
    assert client("GET", STAMP, Range=f"bytes={size}-").status == 416
    assert client("GET", STAMP, If_None_Match=mark).status == 304
    head = client("HEAD", STAMP)
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(size))
    starts = [(one["path"], one["start"]) for one in client("GET", "/requests").json()]
    assert starts[:2] == [("metadata/timestamp.json", 0), ("metadata/timestamp.json", 10)]


@pytest.mark.parametrize(
    "path",
    ["/metadata/..", "/targets/..%2F..%2Fkeys", "/metadata/.lock", "/targets/a/../catalog.json", "/keys/x"],
)
def test_nothing_else_of_the_folder_is_served(client: Client, path: str) -> None:
    assert client("GET", path).status == 404


@pytest.mark.parametrize(("kind", "code"), [("stale", FROZEN), ("rollback", ROLLBACK)])
def test_a_wrong_state_is_served_on_demand(client: Client, tmp_path: Path, kind: str, code: str) -> None:
    trust = _trust(client, tmp_path / "trust")
    trust.refresh()
    client("POST", "/faults", {"kind": kind})
    wrong = client("GET", STAMP).body
    fake = tmp_path / "fake"
    fake.mkdir()
    (fake / "targets").symlink_to(client.running.shop.made.folder / "targets")
    (fake / "metadata").mkdir()
    for path in (client.running.shop.made.folder / "metadata").iterdir():
        (fake / "metadata" / path.name).write_bytes(path.read_bytes())
    (fake / "metadata" / "timestamp.json").write_bytes(wrong)
    trust.source = FolderSource(fake)
    with pytest.raises(TrustFault) as caught:
        trust.refresh()
    assert caught.value.code == code
    assert client("GET", STAMP).body != wrong, "once only"


def test_a_connection_that_breaks_and_goes_on(client: Client) -> None:
    whole = client("GET", STAMP).body
    client("POST", "/faults", {"kind": "cut", "after": 100})
    request = urllib.request.Request(client.running.url + STAMP)
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.headers["Content-Length"] == str(len(whole))
        assert answer.read(100) == whole[:100] and answer.read(1) == b""
    assert client("GET", STAMP, Range="bytes=100-").body == whole[100:]


def test_a_file_without_end(client: Client) -> None:
    client("POST", "/faults", {"kind": "endless", "after": 7})
    with urllib.request.urlopen(client.running.url + STAMP, timeout=60) as answer:
        assert answer.headers["Content-Length"] is None
        assert len(answer.read(3_000_000)) == 3_000_000


def test_other_faults_for_so_many_times(client: Client) -> None:
    whole = client("GET", STAMP).body
    client("POST", "/faults", {"kind": "missing", "times": 2})
    client("POST", "/faults", {"kind": "error", "path": "metadata/"})
    client("POST", "/faults", {"kind": "corrupt", "path": "metadata/", "ends": ".json,.zip"})
    assert [client("GET", STAMP).status for _ in range(3)] == [404, 404, 500]
    damaged = client("GET", STAMP).body
    assert len(damaged) == len(whole) and damaged != whole
    assert client("GET", STAMP).body == whole
    assert [one["fault"] for one in client("GET", "/requests").json()] == [
        "", "missing", "missing", "error", "corrupt", "",
    ]  # fmt: skip
    client("POST", "/faults", {"kind": "drop"})
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        client("GET", STAMP)


def test_a_slow_line(client: Client) -> None:
    whole = client("GET", STAMP).body
    client("POST", "/faults", {"kind": "slow", "rate": 1000})
    began = time.monotonic()
    assert client("GET", STAMP).body == whole
    assert time.monotonic() - began > len(whole) / 1000 * 0.9


@pytest.mark.parametrize(
    "table",
    [
        {"kind": "other"},
        {"kind": "cut", "after": -1},
        {"kind": "slow", "rate": 0},
        {"kind": "cut", "path": 1},
        {"what": 1},
    ],
)
def test_faults_that_do_not_exist_are_refused(client: Client, table: dict[str, Any]) -> None:
    assert client("POST", "/faults", table).status == 422
    assert client("GET", "/faults").json() == []
    assert client("POST", "/publish", {"what": "other"}).status == 422


def test_a_fault_meets_only_what_it_is_for() -> None:
    faults = Faults()
    faults.plan({"kind": "cut", "path": "targets/", "ends": ".zip,.zst", "times": 0})
    faults.plan({"kind": "stale"})
    assert faults.take("targets/catalog.json") is None
    assert faults.take("metadata/1.root.json") is None
    assert (
        faults.take("targets/a.zst")
        == faults.take("targets/b.zip")
        == Fault("cut", "targets/", ".zip,.zst", 0)
    )
    found = faults.take("metadata/timestamp.json")
    assert found is not None and found.kind == "stale" and len(faults.state()) == 1


@pytest.mark.parametrize(
    ("lang", "words"),
    [("de", ("Veröffentlichen", "Abgelaufener Stand")), ("en", ("Publish", "One bit changed"))],
)
def test_the_page_says_what_there_is(client: Client, lang: str, words: tuple[str, ...]) -> None:
    client("GET", STAMP)
    page = client("GET", f"/?lang={lang}")
    text = page.body.decode()
    assert page.status == 200 and all(word in text for word in words)
    assert "timestamp.json" in text and client.running.url in text
    assert "script" not in text and "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_the_buttons_of_the_page_work(client: Client) -> None:
    def press(path: str, form: str) -> int:
        request = urllib.request.Request(client.running.url + path, form.encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)

    for kind in KINDS:
        client("POST", "/faults", {"kind": kind, "ends": "nothing"})
    assert client("GET", "/?lang=de").status == 200, "a fault without a word"
    client("DELETE", "/faults")
    assert press("/faults", "kind=cut&path=targets/&ends=.zip,.zst&times=2") == 200
    assert client("GET", "/faults").json()[0]["times"] == 2
    assert press("/faults", "") == 200 and client("GET", "/faults").json() == []
    assert press("/publish", "what=holidays") == 200


def test_the_timestamp_is_renewed_in_time(client: Client) -> None:
    made = client.running.shop.made
    file = made.folder / "metadata" / "timestamp.json"
    before = Metadata.from_file(str(file)).signed.version
    assert made.fresh() is False
    old = time.time() - updates.FRESH_S - 1
    os.utime(file, (old, old))
    assert made.fresh() is True
    assert Metadata.from_file(str(file)).signed.version == before + 1


def test_a_second_start_goes_on_with_what_was_published(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = client.running.shop.made
    folder = made.folder.parent.parent.parent
    mark = json.loads((made.folder.parent / "made.json").read_bytes())
    monkeypatch.setattr(updates, "_program", lambda: mark["program"])
    before = sorted(path.name for path in made.folder.rglob("*.zip"))
    again = updates.make(folder, __version__)
    assert again.root == made.root and again.published() == made.published()
    assert sorted(path.name for path in again.folder.rglob("*.zip")) == before


def test_another_program_withdraws_the_versions_of_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def packed(sample: updates_versions.Sample, out: Path, _released: str) -> str:
        out.write_bytes(b"PK\x03\x04" + sample.version.encode())
        return ""

    monkeypatch.setattr(updates_versions, "build", packed)
    made = updates.make(tmp_path, "1.4.0")
    trust = Trust(tmp_path / "trust", made.root, FolderSource(made.folder))
    assert [one.version for one in trust.offers("praxisd")] == ["1.5.0"]
    monkeypatch.setattr(updates, "_program", lambda: "what was installed")
    updates.make(tmp_path, "1.5.0")  # the practice installed it: that is no other program
    trust.refresh()
    assert [one.version for one in trust.offers("praxisd")] == ["1.5.0"]
    again = updates.make(tmp_path, "1.6.2")
    trust.refresh()
    assert again.root == made.root
    assert [one.version for one in trust.offers("praxisd")] == ["1.7.0"]


def _program(folder: Path, what: str, *args: str) -> subprocess.CompletedProcess[str]:
    """A sample version, unpacked and run."""
    package = folder / f"{what}.zip"
    updates_versions.build(updates_versions.samples(__version__)[what], package, "2026-11-27")
    package_read.unpack(package, folder / what)
    line = [sys.executable, "-P", "-m", "praxisd", *args, "--data", str(folder / "data")]
    there = environment(PYTHONPATH=str(folder / what / "program"))
    return subprocess.run(line, env=there, capture_output=True, text=True, timeout=110, cwd=folder)


def test_the_broken_version_does_not_start(tmp_path: Path) -> None:
    done = _program(tmp_path, "broken", "serve", "--port", "0")
    assert done.returncode != 0 and "a_part_that_was_forgotten" in done.stderr
    assert "ready" not in done.stdout
    assert list((tmp_path / "broken").rglob("*sample_of_an_update.py")), "its schema is new"


def test_the_newer_version_expands_the_schema_and_has_another_word(tmp_path: Path) -> None:
    done = _program(tmp_path, "newer", "migrate", "--expand")
    assert done.returncode == 0, done.stderr
    base = sqlite3.connect(tmp_path / "data" / "praxisd.db")
    columns = [row[1] for row in base.execute("PRAGMA table_info(calendar_appointment)")]
    base.close()
    assert len([one for one in columns if one.startswith("sample_")]) == 2
    texts = tmp_path / "newer" / "program" / "praxisd" / "kernel" / "texts" / "console.de.toml"
    assert "Der Tag im Blick" in texts.read_text(encoding="utf-8")


def test_a_taken_port_is_said(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updates, "make", lambda _folder, _version: client.running.shop.made)
    port = client.running.url.rpartition(":")[2]
    done = CliRunner().invoke(sandbox, ["updates", "--data", str(tmp_path), "--port", port])
    assert done.exit_code != 0 and getattr(done.exception, "code", "") == "control.address_unusable"


def test_a_repository_of_an_earlier_program_gets_the_sets_it_had_no_role_for(tmp_path: Path) -> None:
    place = tmp_path / updates.FOLDER
    before = Quick(place, (f"data-{updates.HOLIDAYS}",))
    assert "data-medication" not in before.repository.roles()
    days = updates_medication.days(tmp_path, place)
    now = Quick(place, (f"data-{updates.HOLIDAYS}", *updates_medication.ROLES))
    for _ in range(2):
        updates_medication.publish(now, 1, days[1], tmp_path / "work")
    trust = Trust(tmp_path / "trust", before.root, FolderSource(now.folder))
    trust.refresh()
    assert [one.version for one in trust.offers("medication-texts")] == [days[1].isoformat()]
    assert updates_medication.days(tmp_path, place) == days, "the days stay"
