"""praxisd as other programs see it: started as a process, asked over HTTP, ended by a signal.

with running(folder) as server:
    status, answer = server.client(key).call("GET", "/api/v1/slots?…")
done = command("keys", "list", "--json", folder=folder)
"""

import http.client
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from praxisd.testing import warm

READY_S = 120.0
"""A start takes about a second, more on a busy machine. Seconds."""
GUARDED_READY_S = 180.0
"""A demo under its guard makes versions to update to before it is ready: half a minute, more on a busy machine. Seconds."""
END_S = 12.0
COMMAND_S = 120.0
PROGRAM = (sys.executable, "-m", "praxisd")


def environment(**more: str) -> dict[str, str]:
    """The environment of a program under test: German, and nothing of the caller's own praxisd."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PRAXISD_", "LC_", "LANG"))}
    return kept | {"LANG": "de_DE.UTF-8", "PYTHONUTF8": "1"} | more


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


def started(line: list[str], env: Mapping[str, str], cold: bool, **files: Any) -> "subprocess.Popen[str]":
    """`line`, which begins with PROGRAM, as a process: see `warm`."""
    how = subprocess.Popen if cold or not warm.fits(env) else warm.Warm
    return how(line, text=True, env=env, **files)


def command(
    *args: str,
    folder: Path | None = None,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    cold: bool = False,
) -> Done:
    """Run `praxisd ARGS… [--data FOLDER]` to its end; `cold` as a computer does that has just been switched on."""
    line = [*PROGRAM, *args, *(() if folder is None else ("--data", str(folder)))]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with started(line, environment(**(env or {})), cold, **pipes) as process:
        try:
            out, err = process.communicate(stdin, COMMAND_S)
        except BaseException:
            process.kill()
            raise
    return Done(process.returncode, out, err)


def no_quiet_hours(folder: Path) -> None:
    """Ten quiet minutes half a day from now: messages go out at any hour at which a test runs.

    The two settings are put one after the other, and each has to leave an hour of the day open with what the other one
    says at that moment. Which of them may be first depends on the time of day; one of them always may.
    """
    begin = datetime.now(ZoneInfo("Europe/Berlin")) + timedelta(hours=12)
    hours = {"quiet_from": begin, "quiet_to": begin + timedelta(minutes=10)}

    def put(name: str) -> Done:
        return command("settings", "set", f"messaging.{name}", f"{hours[name]:%H:%M}", folder=folder)

    first = put("quiet_from")
    assert first.code == 0 or "messaging.quiet_hours_invalid" in first.err, first.err
    for name in ("quiet_to",) if first.code == 0 else ("quiet_to", "quiet_from"):
        done = put(name)
        assert done.code == 0, done.err


@dataclass(frozen=True)
class Client:
    """Asks one server with one key; every call is its own connection. Bodies go and come as JSON."""

    url: str
    key: str | None = None

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """(status, decoded JSON, or text where the answer is none)."""
        status, _, data = self.raw(method, path, None if body is None else json.dumps(body).encode(), headers)
        try:
            return status, json.loads(data)
        except ValueError:
            return status, data.decode("utf-8", "replace")

    def raw(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """(status, headers, bytes)."""
        parts = urlsplit(self.url)
        sent = {"Accept": "application/json"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        if self.key is not None:
            sent["Authorization"] = f"Bearer {self.key}"
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        try:
            connection.request(method, path, body, sent | dict(headers or {}))
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()


class Running:
    """A server that said that it is ready."""

    def __init__(
        self, process: "subprocess.Popen[str]", url: str, lines: "queue.Queue[str]", errors: Path
    ) -> None:
        self.process = process
        self.url = url
        self._lines = lines
        self._errors = errors

    def client(self, key: str | None = None) -> Client:
        """A client of this server."""
        return Client(self.url, key)

    def terminate(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal and wait for the end: (exit code, seconds it took)."""
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(END_S)
        return code, time.monotonic() - began

    def more_lines(self) -> list[str]:
        """What it printed on standard output after the ready line, so far (all of it once it has ended)."""
        if self.process.poll() is not None:
            time.sleep(0.1)  # let the reader see the end of the file
        found = []
        while not self._lines.empty():
            found.append(self._lines.get())
        return [line for line in found if line]

    @property
    def errors(self) -> str:
        """What it wrote on standard error: the log."""
        return self._errors.read_text(encoding="utf-8", errors="replace")


@contextmanager
def running(
    folder: Path,
    *args: str,
    verb: str = "serve",
    port: int = 0,
    env: Mapping[str, str] | None = None,
    guarded: bool = False,
    cold: bool = False,
    ready_s: float | None = None,
) -> Iterator[Running]:
    """`praxisd serve` (or `demo`) on a folder until the block ends; AssertionError with its words if it does not start.

    A demo runs in one process unless it is to be `guarded`, as it is for people: that takes twice as long.
    """
    if verb == "demo" and not guarded:
        args = ("--plain", *args)
    errors = folder.with_name(f"{folder.name}.{time.monotonic_ns()}.log")
    line = [*PROGRAM, verb, "--data", str(folder), "--port", str(port), *args]
    with errors.open("w", encoding="utf-8") as sink:
        process = started(
            line, environment(**(env or {})), cold or guarded, stdout=subprocess.PIPE, stderr=sink
        )
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    try:
        try:
            first = lines.get(timeout=ready_s or (GUARDED_READY_S if guarded else READY_S))
        except queue.Empty:
            first = ""
        if not first.startswith("ready "):
            with suppress(subprocess.TimeoutExpired):
                process.wait(1)
            said = errors.read_text(errors="replace")[-4000:]
            raise AssertionError(f"not ready, exit code {process.poll()}: {first!r} {said}")
        yield Running(process, first.removeprefix("ready ").strip(), lines, errors)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _read(process: "subprocess.Popen[str]", lines: "queue.Queue[str]") -> None:
    assert process.stdout is not None
    with process.stdout as stream:
        for line in stream:
            lines.put(line)
    lines.put("")  # the end, also for whoever waits for a first line that never comes
