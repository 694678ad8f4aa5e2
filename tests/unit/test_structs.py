"""Structs are ready before threads read into them: msgspec itself falls when two do so for the first time."""

import signal
import subprocess
import sys

_RACE = """
import sys, threading
import msgspec
from praxisd.kernel import structs

sys.setswitchinterval(1e-6)
for _ in range(600):
    class Inner(msgspec.Struct, frozen=True):
        x: int = 0
        y: dict[str, int] = {}
    class Outer(msgspec.Struct, frozen=True, rename="camel"):
        a: tuple[Inner, ...] = ()
        b: dict[str, Inner] = {}
        c: Inner | None = None
    if "ready" in sys.argv:
        structs.make_ready()
    begin = threading.Barrier(6)
    def read(outer: bool) -> None:
        begin.wait()
        if outer:
            msgspec.json.decode(b'{"a":[{"x":1}],"b":{"k":{"y":{"z":1}}},"c":{"x":4}}', type=Outer)
        else:
            msgspec.json.decode(b'{"x":1,"y":{"z":2}}', type=Inner)
    threads = [threading.Thread(target=read, args=(k % 2 == 1,)) for k in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
"""

_LATE = """
import importlib, pkgutil, sys
import praxisd
from praxisd import main
from praxisd.kernel import structs
from praxisd.web import app, fhir  # what building the app imports

main.services()
structs.make_ready()  # as building the app does
for found in pkgutil.walk_packages(praxisd.__path__, "praxisd."):
    parts = found.name.split(".")
    if parts[1] in ("services", "kernel", "web", "model") and not {"migrations", "alembic_env"} & {*parts}:
        importlib.import_module(found.name)
print(*sorted({one.__module__ for one in structs.unready() if one.__module__.startswith("praxisd.")}))
"""


def _run(code: str, *args: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, timeout=120)


def test_many_threads_read_into_new_structs_that_were_made_ready() -> None:
    done = _run(_RACE, "ready")
    assert done.returncode == 0, done.stderr[-2000:]


def test_without_it_the_interpreter_falls_or_this_module_may_go() -> None:
    codes = {_run(_RACE).returncode for _ in range(2)}
    assert -signal.SIGSEGV in codes, (
        "msgspec reads new Structs safely now: praxisd.kernel.structs is not needed any more"
    )


def test_no_struct_is_imported_later_without_being_made_ready() -> None:
    done = _run(_LATE)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == []
