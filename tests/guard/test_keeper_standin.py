"""When the relay's stand-in is started and released, over a small program in its place that writes down what it sees."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from praxisd_guard.places import Places

from .keeper_cast import Home, home_of, until

STANDIN = """
import json, os, signal, sys, time
file = sys.argv[1] + ".seen"

def note(**facts):
    with open(file, "a") as out:
        out.write(json.dumps({"pid": os.getpid(), "code": sys.argv[3], "state": state(), **facts}) + chr(10))

def state():
    with open(os.environ["PRAXISD_HOME"] + "/state.json") as found:
        return json.load(found)["state"]

def end(*_):
    note(what="end")
    sys.exit(0)

signal.signal(signal.SIGTERM, end)
note(what="begin")
print("ready hub", flush=True)
while os.read(0, 4096):
    pass
note(what="orphan")
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with home_of(tmp_path) as one:
        folder = Places(one.path).program("1.0") / "praxisd_relay"
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        (folder / "standin.py").write_text(STANDIN)
        (one.data / "run").mkdir(exist_ok=True)
        yield one


def wanted(home: Home) -> None:
    (home.data / "run" / "standin.json").write_text("{}")


def seen(home: Home) -> list[dict[str, Any]]:
    file = home.data / "run" / "standin.json.seen"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def ended(home: Home) -> bool:
    return bool(seen(home)) and seen(home)[-1]["what"] == "end"


def test_who_has_no_link_gets_none(home: Home) -> None:
    home.begin()
    home.reach("running")
    assert home.outcome(home.order("restart")).state == "kept"
    assert seen(home) == []


def test_it_is_there_before_the_server_is_stopped_and_goes_when_one_is_back(home: Home) -> None:
    home.begin()
    home.reach("running")
    wanted(home)
    assert home.outcome(home.order("restart")).state == "kept"
    until(lambda: ended(home))
    begin, end = seen(home)
    assert (begin["what"], begin["code"], begin["state"]) == ("begin", "maintenance", "running")
    assert begin["pid"] == end["pid"] and end["state"] == "running"


def test_after_a_crash_it_says_so(home: Home) -> None:
    home.begin()
    pid = home.reach("running").server_pid
    wanted(home)
    assert pid
    os.kill(pid, signal.SIGSEGV)
    until(lambda: ended(home))
    assert [one["code"] for one in seen(home)] == ["guard.down", "guard.down"]
    assert home.reach("running").server_pid != pid


def test_in_safe_mode_it_stays_because_that_has_no_link(home: Home) -> None:
    wanted(home)
    home.behave("exits")
    home.begin()
    home.reach("safe")
    assert [one["what"] for one in seen(home)] == ["begin"]
    home.behave("good")
    assert home.outcome(home.order("try_again")).state == "kept"
    until(lambda: ended(home))
    assert len({one["pid"] for one in seen(home)}) == 1


@pytest.mark.parametrize("how", ["end", "kill"])
def test_it_never_outlives_the_guard(home: Home, how: str) -> None:
    wanted(home)
    home.behave("hangs")
    home.begin()
    until(lambda: seen(home))
    pid = seen(home)[0]["pid"]
    if how == "kill":
        home.kill()
    else:
        assert home.end() == 0
    until(lambda: not Path(f"/proc/{pid}").exists(), "it is gone")
