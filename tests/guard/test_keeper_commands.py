"""`praxisd-guard status|order|run`, the limits in guard.json, and the stand-in that holds the relay's link."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from praxisd_guard import child_logs, cli, words
from praxisd_guard.child_proc import start_ticks
from praxisd_guard.keeper_limits import Limits, limits_of
from praxisd_guard.keeper_state import read_state

from .keeper_cast import Home, home_of, until


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with home_of(tmp_path) as made:
        yield made


def _say(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str]:
    code = cli.command(list(args))
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def test_status_and_orders(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--home", str(home.path))
    code, text = _say(capsys, "status", *where, "--json")
    told = json.loads(text)
    assert (code, told["running"], told["state"], told["data"]) == (3, False, "stopped", str(home.data))
    home.begin()
    home.reach("running")
    code, text = _say(capsys, "status", *where, "--json")
    told = json.loads(text)
    assert (code, told["running"], told["state"], told["version"]) == (0, True, "running", "1.0")
    assert _say(capsys, "status", *where, "--lang", "en")[1].startswith("praxisd 1.0: is running since ")
    code, text = _say(capsys, "order", "restart", *where, "--wait", "60", "--json")
    assert (code, json.loads(text)["state"]) == (0, "kept")
    assert home.start["by"].startswith("cli:")
    code, text = _say(capsys, "order", "switch_back", *where, "--wait", "60", "--lang", "en")
    assert code == 1 and "This version is not there" in text
    home.kill()
    # state.json still says `running`; the lock knows better.
    assert read_state(home.path) is not None
    code, text = _say(capsys, "status", *where, "--json")
    assert (code, json.loads(text)["state"]) == (3, "stopped")
    code, text = _say(capsys, "order", "try_again", *where, "--lang", "en")
    assert code == 3 and "lies ready" in text


def test_trouble_has_its_exit_code(home: Home, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    home.behave("exits")
    home.begin()
    home.reach("safe")
    code, text = _say(capsys, "status", "--home", str(home.path), "--lang", "de")
    assert code == 1 and "sicheren Modus" in text and "Fehlversuche: 3" in text
    for wrong in (
        ["status", "--home", str(tmp_path / "none")],
        ["order", "install", "--home", str(home.path)],
    ):
        assert _say(capsys, *wrong)[0] == 2
    with pytest.raises(SystemExit) as left:
        cli.command(["run"])
    assert left.value.code == 2


def test_a_home_that_cannot_be_kept_is_said(tmp_path: Path) -> None:
    with home_of(tmp_path, no_such_s=1.0) as home:
        assert home.begin(env={"PRAXISD_LANG": "en"}).wait(60) == 1
        assert "no_such_s" in home.words()
    (home.path / "current.json").unlink()
    (home.path / "guard.json").write_text(json.dumps({"data": str(home.data)}))
    done = subprocess.run(
        [sys.executable, "-m", "praxisd_guard", "run", "--home", str(home.path), "--lang", "en"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, f"No version is set up in {home.path}.\n")


def test_limits() -> None:
    assert limits_of({}) == Limits() and limits_of({"live_misses": 2.0}).live_misses == 2
    assert limits_of({"pause_1_s": 0}).pauses == (0.0, 5.0)
    for wrong in ({"ready": 1}, {"ready_s": -1}, {"ready_s": "1"}, {"ready_s": True}):
        with pytest.raises(ValueError, match=r"limits\.ready"):
            limits_of(wrong)


def test_every_failure_has_words() -> None:
    sources = [file.read_text(encoding="utf-8") for file in Path(cli.__file__).parent.glob("*.py")]
    codes = {code for source in sources for code in re.findall(r'"guard\.([a-z_]+)"', source)}
    assert {"hung", "busy", "no_root"} <= codes
    for code in codes - {"json", "lock", "down"}:  # names of files, and what the door says
        assert words.why(f"guard.{code}", "de") != words.why(f"guard.{code}", "en") != f"guard.{code}"
    assert words.why("guard.unheard_of", "de") == "guard.unheard_of"


STANDIN = """
import json, os, sys, time, pathlib
pathlib.Path(sys.argv[1]).with_name("standins.jsonl").open("a").write(json.dumps({"pid": os.getpid()}) + "\\n")
os.read(0, 1)
"""


def test_the_relay_is_held_by_a_stand_in_while_no_server_runs(home: Home) -> None:
    """The hook only: what the stand-in does is the relay's part. It ends when a server is ready, or with the guard."""
    program = home.path / "versions" / "1.0" / "program" / "praxisd_relay"
    program.mkdir()
    (program / "__init__.py").touch()
    (program / "standin.py").write_text(STANDIN)
    (home.data / "run").mkdir(exist_ok=True)
    (home.data / "run" / "standin.json").write_text("{}")
    file = home.data / "run" / "standins.jsonl"

    def last() -> int:
        return int(json.loads(file.read_text().splitlines()[-1])["pid"]) if file.exists() else 0

    home.behave("worst")
    home.begin()
    home.reach("floor")
    held = until(last)
    assert start_ticks(held)
    home.behave("good")
    assert home.outcome(home.order("try_again")).state == "kept"
    until(lambda: start_ticks(held) is None, "the stand-in ends when the server is ready")
    home.behave("worst")
    home.order("restart")
    home.reach("floor")
    second = until(lambda: last() if last() != held else 0)
    home.kill()
    until(lambda: start_ticks(second) is None, "the stand-in ends with its guard")


def test_logs_are_kept_in_number_and_size(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for _ in range(child_logs.KEPT + 3):
        child_logs.new_log(tmp_path).write_text("x" * 100)
    assert len(list(logs.glob("server-*.log"))) == child_logs.KEPT
    last = max(logs.iterdir())
    copies = [child_logs.keep_failed(tmp_path, "1.0/../x", last) for _ in range(child_logs.KEPT_FAILED + 2)]
    assert copies[0] != copies[1] and copies[-1].parent == logs and copies[-1].read_text() == "x" * 100
    assert len(list(logs.glob("failed-*.log"))) == child_logs.KEPT_FAILED
    assert child_logs.keep_failed(tmp_path, "1.0", tmp_path / "none") == tmp_path / "none"
    child_logs.limit_size(last, 100)
    assert last.stat().st_size == 100
    child_logs.limit_size(last, 99)
    assert last.stat().st_size == 0 and last.with_suffix(".old.log").stat().st_size == 100


def test_a_guard_that_is_part_of_another_program_ends_with_it(home: Home) -> None:
    """`--with-parent`, as the demo runs it: its end is no restart from outside."""
    line = [sys.executable, "-m", "praxisd_guard", "run", "--home", str(home.path), "--with-parent"]
    for end in ("pipe", "signal"):
        home.guard = subprocess.Popen(line, stdin=subprocess.PIPE)
        server = home.reach("running").server_pid
        assert home.guard.stdin is not None
        if end == "signal":
            home.guard.terminate()
        else:
            home.guard.stdin.close()
        assert home.guard.wait(60) == 0 and start_ticks(server or 0) is None
    assert home.start["reason"] == "boot" and home.lines("outside") == []
