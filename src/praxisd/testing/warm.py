"""praxisd started from a process that has imported it already: a command costs its own work, not two seconds of imports.

`Warm` is a `subprocess.Popen` for `python -m praxisd …`: the program is a process of its own, with its own arguments,
environment, files, signals, exit status and end. It is forked by a helper process, which has one thread, imports, and
does nothing else; there is one for each process of the tests, and it ends with it. The sandboxes of a demo come from
there too. Where a start itself is what is tested, `programs.running` and `programs.command` are asked for a cold one.
"""

import atexit
import copy
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib import import_module
from types import SimpleNamespace
from typing import Any

IMPORTED = (
    "praxisd.cli",
    "praxisd.main",
    "praxisd.serving",
    "praxisd.demo",
    "praxisd.web.app",
    "alembic.command",
)
MESSAGE_MOST = 1 << 17
_lock = threading.Lock()
_helper: "Helper | None" = None


def fits(env: Mapping[str, str]) -> bool:
    """True where a fork is what a start would be: Python and the linker read their variables when they start."""
    return os.name == "posix" and _at_start(env) == _at_start(_the_helper().env)


def _at_start(env: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in env.items() if k.startswith(("PYTHON", "LD_", "MALLOC_"))}


class Helper:
    """The process that forks, and the way to it. It ends with the process that started it."""

    def __init__(self, control: socket.socket | None = None, env: Mapping[str, str] | None = None) -> None:
        """Started; or the one that forked this process itself."""
        self.owner = os.getpid()
        self.env = env or os.environ | {"PYTHONUTF8": "1"}
        if control is not None:
            self.control = control
            return
        self.control, theirs = _pair()
        with theirs:
            line = [sys.executable, "-m", "praxisd.testing.warm", str(theirs.fileno())]
            self._process = subprocess.Popen(
                line,
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=self.env,
            )
        atexit.register(self._end)

    def _end(self) -> None:
        if self.owner == os.getpid():
            self.control.close()
            self._process.wait()


def _pair() -> tuple[socket.socket, socket.socket]:
    made = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in made:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * MESSAGE_MOST)
    return made


def _the_helper() -> Helper:
    """This process' own, started when it is first needed."""
    global _helper
    with _lock:
        if _helper is None or _helper.owner != os.getpid():
            _helper = Helper()
        return _helper


class Warm(subprocess.Popen[str]):
    """`Popen([python, "-m", "praxisd", …], env=…)`, forked."""

    def _execute_child(self, args: Any, *more: Any) -> None:
        cwd, env, stdin, _, _, stdout, _, stderr = more[4], more[5], *more[9:15]
        asked = {"args": args[3:], "cwd": cwd or os.getcwd(), "env": env}
        self._told, told = os.pipe()
        self._heard = b""
        try:
            files = [own if own != -1 else number for number, own in enumerate((stdin, stdout, stderr))]
            socket.send_fds(_the_helper().control, [json.dumps(asked).encode()], [*files, told])
        finally:
            os.close(told)
        self._close_pipe_fds(*more[9:15])  # type: ignore[attr-defined]
        while b"\n" not in self._heard:
            self._hear(None)
        self.pid = int(self._heard.split(b"\n")[0])
        self._child_created = True

    def _hear(self, seconds: float | None) -> bool:
        """Read what the helper says; False when the time is over."""
        if not select.select([self._told], [], [], seconds)[0]:
            return False
        data = os.read(self._told, 100)
        self._heard += data or b"\n-9\n-9\n"  # a helper that died took what it forked for us along
        return True

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        return self._ended(0)

    def _wait(self, timeout: float | None) -> int:
        if self._ended(timeout) is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return int(self.returncode)

    def _ended(self, seconds: float | None) -> int | None:
        until = None if seconds is None else time.monotonic() + seconds
        with self._waitpid_lock:  # type: ignore[attr-defined]
            while self.returncode is None and self._heard.count(b"\n") < 2:
                if not self._hear(None if until is None else max(0.0, until - time.monotonic())):
                    return None
            if self.returncode is None:
                self.returncode = int(self._heard.split(b"\n")[1])
                os.close(self._told)
        return self.returncode


def _serve(control: socket.socket) -> tuple[dict[str, Any], list[int], socket.socket]:
    """The helper's life. Returns in each fork: what was asked, the files it gets, and how it asks for others."""
    from_forks, for_forks = _pair()
    bell, ring = os.pipe()
    for end in (bell, ring):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
    running: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([control.fileno(), from_forks.fileno(), bell], [], [])
        if bell in ready:
            with suppress(BlockingIOError):
                os.read(bell, 4096)
            _reap(running)
        for asking in (control, from_forks):
            if asking.fileno() not in ready:
                continue
            message, files, _, _ = socket.recv_fds(asking, MESSAGE_MOST, 4)
            if not message:  # whoever started this is gone
                os._exit(0)
            pid = os.fork()
            if pid == 0:
                return json.loads(message), files, for_forks
            running[pid] = files[3]
            with suppress(OSError):  # killed meanwhile
                os.write(files[3], b"%d\n" % pid)
            for one in files[:3]:
                os.close(one)


def _reap(running: dict[int, int]) -> None:
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            told = running.pop(found[0])
            with suppress(OSError):  # nobody waits for it any more
                os.write(told, b"%d\n" % os.waitstatus_to_exitcode(found[1]))
            os.close(told)


def _become(asked: dict[str, Any], files: list[int], others: socket.socket) -> None:
    """What a fresh `python -m praxisd` would be."""
    global _helper
    from praxisd.demo import sandboxes

    _helper = Helper(others, dict(os.environ))
    vars(sandboxes)["subprocess"] = SimpleNamespace(**vars(subprocess) | {"Popen": _sandbox})
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in range(3):
        os.dup2(files[number], number)
    os.closerange(3, others.fileno())
    os.closerange(others.fileno() + 1, 1024)
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    os.chdir(asked["cwd"])
    sys.argv = ["praxisd", *asked["args"]]
    runpy.run_module("praxisd", run_name="__main__", alter_sys=True)


def _sandbox(line: list[str], env: Mapping[str, str], **files: Any) -> "subprocess.Popen[str]":
    return (Warm if fits(env) else subprocess.Popen)(line, env=env, **files)


def _read_texts_once() -> None:
    """Two hundred files of texts, a third of a start: those of the built-in services are what was made of them here, and for
    others the files that were read here are not read again.
    """
    from praxisd import main
    from praxisd.kernel import registry
    from praxisd.kernel.texts import Texts

    kept: dict[str, dict[str, Any]] = {}
    loads = tomllib.loads

    def read(text: str, **more: Any) -> dict[str, Any]:
        found = kept[text] = loads(text, **more)
        return found

    def remember(text: str, **more: Any) -> dict[str, Any]:
        return copy.deepcopy(kept[text]) if text in kept and not more else loads(text, **more)

    tomllib.loads = read
    built_in = registry.freeze(main.services())
    tomllib.loads = remember
    packages = [one.package for one in built_in.services]

    def texts(asked: Iterable[str]) -> Texts:
        names = list(asked)
        return built_in.texts if names == packages else Texts(names)

    vars(registry)["Texts"] = texts


def main() -> None:
    """`python -m praxisd.testing.warm DESCRIPTOR`."""
    control = socket.socket(fileno=int(sys.argv[1]))
    from praxisd import cli

    for name in (*IMPORTED, *sorted({where for where, _ in cli.BUILT_IN.values()})):
        import_module(name)
    # It looks for its plug-ins when the first application is made.
    import_module("litestar").Litestar([], logging_config=None, openapi_config=None)
    _read_texts_once()
    assert threading.active_count() == 1
    gc.collect()
    gc.freeze()
    _become(*_serve(control))


if __name__ == "__main__":
    import_module("praxisd.testing.warm").main()  # as the module that others import, not as a second one
