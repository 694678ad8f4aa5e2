"""The hub as the program that an operator runs, and its commands."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = (sys.executable, "-c", "from praxisd_relay.cli import relay_hub; relay_hub()")
WATCHED = (
    sys.executable,
    "-c",
    "import sys; seen = lambda name, args: name in ('socket.connect', 'socket.getaddrinfo', 'subprocess.Popen', 'os.exec')"
    " and print('outside', name, args, file=sys.stderr, flush=True); sys.addaudithook(seen);"
    " from praxisd_relay.cli import relay_hub; relay_hub()",
)
"""The same, and it tells of every way out that Python takes."""


class Program:
    """A running hub. `log`: all it wrote on standard error so far."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path, log: Path) -> None:
        self.process, self.folder, self._log = process, folder, log
        assert process.stdout is not None
        self.ready = process.stdout.readline()
        assert self.ready.startswith("ready "), self.log
        self.port = int(self.ready.rpartition(":")[2])
        self.run: dict[str, Any] = json.loads((folder / "run.json").read_text())

    @property
    def log(self) -> str:
        return self._log.read_text()

    def term(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@contextmanager
def program(folder: Path, *args: str, files: int = 0, watched: bool = False, **env: str) -> Iterator[Program]:
    """A hub program with `--data folder`; `files`: how many descriptors it may have."""

    def limited() -> None:
        if files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    folder.mkdir(exist_ok=True)
    log = folder.with_name(folder.name + ".log")
    command = (
        *(WATCHED if watched else PROGRAM),
        "serve",
        "--data",
        str(folder),
        "--listen",
        "127.0.0.1:0",
        *args,
    )
    with log.open("w") as err:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=err, text=True, env=os.environ | env, preexec_fn=limited
        )
    try:
        yield Program(process, folder, log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def run(*args: str, lang: str = "en") -> "subprocess.CompletedProcess[str]":
    """A command of `praxisd relay-hub`."""
    return subprocess.run(
        (*PROGRAM, *args), capture_output=True, text=True, timeout=60, env=os.environ | {"PRAXISD_LANG": lang}
    )


def answered(*args: str) -> Any:
    """What a command that must succeed prints with `--json`."""
    done = run(*args, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
