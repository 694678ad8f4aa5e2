"""`praxisd serve` as a whole program: the ready line, the end, one owner of the folder, what commands find."""

import json
import signal
import socket
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from praxisd.testing.programs import command, running


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a current database, a practice that has nothing yet, and no server."""
    folder = tmp_path_factory.mktemp("cli") / "data"
    assert command("migrate", folder=folder).code == 0
    assert command("practice", "create", "Praxis", folder=folder).code == 0
    return folder


def test_ready_answers_and_ends_in_time(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with running(folder, cold=True) as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert server.client().call("GET", "/health/ready")[0] == 200
        control = folder / "run" / "control.json"
        assert stat.S_IMODE(control.stat().st_mode) == 0o600
        assert json.loads(control.read_text())["url"] == server.url
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        code, seconds = server.terminate()
        assert (code, server.more_lines()) == (0, [])
        assert seconds < 10
        assert not control.exists()
    with running(folder, cold=True) as again:
        assert again.client().call("GET", "/health/live")[0] == 200
        assert again.terminate(signal.SIGINT)[0] == 0


def test_a_second_server_on_the_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with running(folder) as server:
        for verb in ("serve", "demo"):
            done = command(verb, "--port", "0", folder=folder)
            if verb == "serve":
                assert (done.code, done.out) == (2, "")
                assert str(folder) in done.err and "control.folder_in_use" in done.err
            else:  # it holds another practice's data, which is said first
                assert done.code == 2 and "control.folder_not_empty" in done.err
        assert server.client().call("GET", "/health/ready")[0] == 200


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = command("serve", "--port", str(port), "--lang", "en", folder=tmp_path / "data")
    assert (done.code, done.out) == (1, "")
    assert (
        str(port) in done.err and "control.address_unusable" in done.err and "Choose another port" in done.err
    )


def test_a_killed_server_leaves_nothing_that_misleads(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with running(folder) as server:
        assert server.terminate(signal.SIGKILL)[0] == -signal.SIGKILL
    assert (folder / "run" / "control.json").exists()
    assert command("jobs", "list", folder=folder).code == 3
    assert command("doctor", "--json", folder=folder).json["checked"]
    with running(folder) as again:
        assert command("jobs", "list", "--json", folder=folder).json["jobs"]
        assert again.terminate()[0] == 0


@pytest.fixture
def stranger() -> Iterator[int]:
    """A server of somebody else; yields its port."""

    class Other(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, *_args: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Other)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_stranger_on_the_old_port_is_not_believed(migrated: Path, stranger: int) -> None:
    control = migrated / "run" / "control.json"
    control.write_text(json.dumps({"port": stranger, "token": "x" * 43, "url": "http://x", "pid": 1}))
    assert command("jobs", "list", folder=migrated).code == 3
    assert command("settings", "list", "--json", folder=migrated).json["settings"]
    control.unlink()


def test_exit_codes(migrated: Path, tmp_path: Path) -> None:
    assert command("doctor", folder=migrated).code == 0
    migrated.chmod(0o755)
    try:
        wrong = command("doctor", "--json", folder=migrated)
        assert wrong.code == 1
        assert "store.folder_open" in {issue["code"] for issue in wrong.json["issues"]}
    finally:
        migrated.chmod(0o700)
    assert command("settings", "set", "kernel.no_such", "1", folder=migrated).code == 1
    for wrong_use in (
        ("nonsense",),
        ("doctor", "--nonsense"),
        ("settings", "set", "x"),
        ("jobs", "schedule", "x"),
    ):
        assert command(*wrong_use, folder=migrated).code == 2, wrong_use
    for needs_server in (("jobs", "list"), ("jobs", "run", "kernel.purge"), ("maintenance", "begin")):
        assert command(*needs_server, folder=migrated).code == 3, needs_server
    assert command("keys", "list", folder=tmp_path / "nowhere").code == 3
    assert not (tmp_path / "nowhere").exists()


def test_a_broken_configuration_is_wrong_use_and_named(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "praxisd.toml").write_text("request_threads = 'many'\n")
    done = command("serve", "--port", "0", folder=folder)
    assert done.code == 2 and "praxisd.toml" in done.err and "request_threads" in done.err
    missing = command("serve", "--port", "0", "--config", str(tmp_path / "none.toml"), folder=folder)
    assert missing.code == 2 and "config.missing" in missing.err


def test_commands_find_the_configuration_the_server_had(tmp_path: Path) -> None:
    folder, config = tmp_path / "data", tmp_path / "elsewhere.toml"
    config.write_text("[settings]\n'kernel.runs_keep_days' = 44\n")

    def days() -> int:
        known = command("settings", "list", "--json", folder=folder).json["settings"]
        return int({s["key"]: s["value"] for s in known}["kernel.runs_keep_days"])

    with running(folder, "--config", str(config)):
        assert days() == 44
    assert days() == 44
    with running(folder):
        assert days() == 90
    assert days() == 90


def _revision(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "praxisd.db")) as connection, connection:
        connection.execute(statement)


def test_a_database_of_a_newer_program_is_refused_by_all(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert command("migrate", "--expand", "--json", folder=folder).json["revisions"]
    _revision(folder, "INSERT INTO alembic_version VALUES ('calendar_9999')")
    for line in (("settings", "list"), ("migrate",), ("serve", "--port", "0")):
        done = command(*line, folder=folder)
        assert (done.code, done.out) == (1, "") and "store.newer_schema" in done.err, line
    done = command("settings", "list", "--json", folder=folder)
    assert done.code == 1 and done.json["problem"]["code"] == "store.newer_schema"
    doctor = command("doctor", "--json", folder=folder)
    assert doctor.code == 1 and [i["code"] for i in doctor.json["issues"]] == ["store.newer_schema"]
    assert doctor.json["issues"][0]["solution"] and doctor.json["checked"] == []
    _revision(folder, "DELETE FROM alembic_version WHERE version_num = 'calendar_9999'")
    assert command("settings", "list", folder=folder).code == 0


def test_settings_and_maintenance_reach_the_running_server(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with running(folder) as server:
        done = command("settings", "set", "kernel.runs_keep_days", "30", "--json", folder=folder)
        assert (done.json["value"], done.json["source"]) == (30, "stored")
        done = command("settings", "set", "kernel.runs_keep_days", "0", "--json", folder=folder)
        assert (done.code, done.json["problem"]["code"]) == (1, "settings.invalid")
        done = command("settings", "set", "kernel.runs_keep_days", "--default", "--json", folder=folder)
        assert done.json["source"] == "default"
        assert command("maintenance", "begin", "--minutes", "5", "--json", folder=folder).json["active"]
        status, headers, data = server.client().raw("GET", "/api/v1/me")
        assert (status, json.loads(data)["code"]) == (503, "maintenance") and headers["Retry-After"]
        assert server.client().call("GET", "/health/live")[0] == 200
        assert command("maintenance", "end", "--json", folder=folder).json == {"ended": True}
        assert server.client().call("GET", "/api/v1/me")[0] == 401


def test_jobs_by_command(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with running(folder):
        shown = command(
            *("jobs", "schedule", "kernel.purge", "--at", "04:15", "--days", "mon,fri", "--json"),
            folder=folder,
        ).json
        assert shown["plan"]["days"] == ["mon", "fri"]
        assert {due[11:16] for due in shown["upcoming"]} == {"04:15"}
        assert not command("jobs", "disable", "kernel.purge", "--json", folder=folder).json["enabled"]
        assert command("jobs", "enable", "kernel.purge", "--json", folder=folder).json["nextAt"]
        run = command("jobs", "run", "kernel.purge", "--json", folder=folder).json
        for _ in range(20):
            log = command("jobs", "log", "kernel.purge", "--json", folder=folder).json["runs"]
            if log[0]["state"] == "success":
                break
        assert (log[0]["id"], log[0]["state"], log[0]["triggeredBy"]) == (run["id"], "success", "cli:cli")
        assert " Kommandozeile " in command("jobs", "log", "kernel.purge", folder=folder).out
        done = command("jobs", "show", "no.such", "--json", folder=folder)
        assert (done.code, done.json["problem"]["code"]) == (1, "control.unknown_name")
        done = command("jobs", "schedule", "kernel.purge", "--cron", "never", folder=folder)
        assert done.code == 1 and "schedule.bad_cron" in done.err


def test_two_nodes_share_a_database_and_each_has_its_folder(tmp_path: Path, postgres_url: str) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir(mode=0o700)
        (folder / "praxisd.toml").write_text(
            f'database_url = "{postgres_url}"\nvault_key = "{tmp_path / "vault.key"}"\n'
        )
    with running(folders[0]) as first, running(folders[1]) as second:
        assert first.url != second.url
        assert second.client().call("GET", "/health/ready")[0] == 200
        command("settings", "set", "kernel.runs_keep_days", "31", folder=folders[0])
        known = command("settings", "list", "--json", folder=folders[1]).json["settings"]
        assert {s["key"]: s["value"] for s in known}["kernel.runs_keep_days"] == 31
        assert second.terminate()[0] == 0
        assert first.client().call("GET", "/health/ready")[0] == 200


@pytest.mark.parametrize("lang", ["de", "en"])
def test_people_get_words_and_tables(served: Path, lang: str) -> None:
    """Each command without --json: it says something, and nothing on standard error."""
    said = {}
    for line in (
        ("settings", "list"),
        ("settings", "set", "kernel.runs_keep_days", "33"),
        ("jobs", "list"),
        ("jobs", "show", "kernel.purge"),
        ("jobs", "disable", "kernel.purge"),
        ("jobs", "enable", "kernel.purge"),
        ("jobs", "log", "kernel.purge"),
        ("maintenance", "begin"),
        ("maintenance", "show"),
        ("maintenance", "end"),
        ("maintenance", "end"),
        ("doctor",),
        ("migrate",),
    ):
        done = command(*line, "--lang", lang, folder=served)
        assert (done.code, done.err) == (0, "") and done.out.strip(), line
        said[line] = done.out
    assert said[("settings", "set", "kernel.runs_keep_days", "33")] == "kernel.runs_keep_days = 33\n"
    header, *rows = said[("jobs", "list")].splitlines()
    assert header.split() == {
        "de": ["NAME", "AN", "NÄCHSTER", "LAUF", "AUFTRAG", "ZEITPLAN"],
        "en": ["NAME", "ON", "NEXT", "RUN", "JOB", "SCHEDULE"],
    }[lang] and any(r.startswith("kernel.purge ") for r in rows)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a running server."""
    folder = tmp_path_factory.mktemp("words") / "data"
    assert command("practice", "create", "Praxis", folder=folder).code == 0
    with running(folder):
        yield folder
