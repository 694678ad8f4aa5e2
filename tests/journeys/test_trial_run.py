"""The trial run of the manual as a stranger types it: every command of the page, in its order, as it stands there."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from praxisd.testing.programs import PROGRAM, environment, no_quiet_hours, started

ROOT = Path(__file__).parents[2]
GERMAN, ENGLISH = ROOT / "docs/de/probelauf.md", ROOT / "docs/en/trial-run.md"
STAYS = re.compile(r"^praxisd (serve|relay-hub serve|sandbox mail) .*$", re.MULTILINE)
PORTS = ("8080", "8443", "8091", "2525")
"""As the page names them, or as they are where it names none; here free ones take their place."""
END_S = 60.0
SHIM = """#!{python} -SE
import os, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect({door!r})
socket.send_fds(link, ["\\0".join([os.getcwd(), *sys.argv[1:]]).encode()], [0, 1, 2])
sys.exit(int(link.recv(16) or b"70"))
"""
"""`praxisd` on PATH: hands its arguments and files to this process, which has the program ready in memory."""


def blocks(page: Path) -> list[str]:
    """What the page says to type."""
    return re.findall(r"^```sh\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def free_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


class Door(threading.Thread):
    """Runs what the shim is asked for."""

    def __init__(self, place: Path, env: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self.env, self.place = env, place
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(str(place))
        self.listening.listen()
        self.start()

    def run(self) -> None:
        while True:
            try:
                link, _ = self.listening.accept()
            except OSError:
                return
            with link:
                message, files, _, _ = socket.recv_fds(link, 1 << 16, 3)
                cwd, *words = message.decode().split("\0")
                pipes = dict(zip(("stdin", "stdout", "stderr"), files, strict=True))
                try:
                    code = started([*PROGRAM, *words], self.env, False, cwd=cwd, **pipes).wait(END_S)
                finally:
                    for one in files:
                        os.close(one)
                link.sendall(str(code).encode())

    def close(self) -> None:
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.join(END_S)


@dataclass
class Terminal:
    """A person at a keyboard: one `sh` that is given a block after the other, and windows in which programs stay."""

    shell: "subprocess.Popen[str]"
    env: dict[str, str]
    folder: Path
    ports: dict[str, str]
    windows: ExitStack

    def type(self, block: str) -> str:
        """What the block prints on either output. AssertionError where its last command fails."""
        for known, free in self.ports.items():
            block = block.replace(known, free)
        stays = STAYS.search(block)
        found = self._type(STAYS.sub("", block))
        if stays:
            self.windows.enter_context(self._staying(shlex.split(stays[0])[1:]))
        return found

    def _type(self, text: str) -> str:
        assert self.shell.stdin is not None and self.shell.stdout is not None
        self.shell.stdin.write(f'{text}\nprintf "\\n%s end of block\\n" "$?"\n')
        self.shell.stdin.flush()
        found = ""
        for line in self.shell.stdout:
            if line.endswith(" end of block\n"):
                assert line.split()[0] == "0", f"{text}\n{found}"
                return found.strip()
            found += line
        raise AssertionError(f"the shell has ended: {text}\n{found}")

    @contextmanager
    def _staying(self, words: list[str]) -> Iterator[None]:
        log = self.folder / f"{words[0]}.log"
        with log.open("w") as errors:
            files: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": errors}
            process = started([*PROGRAM, *words], self.env, False, cwd=str(self.folder), **files)
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line.startswith("ready "), (words, line, log.read_text())
            yield
        finally:
            process.terminate()
            process.wait(END_S)
            process.stdout.close()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """Where step 1 leaves one: the program installed in ~/praxisd-probe/programm, nothing else in that folder."""
    folder = tmp_path / "praxisd-probe"
    shim = folder / "programm" / "bin" / "praxisd"
    shim.parent.mkdir(parents=True)
    env = environment(HOME=str(tmp_path))
    ports = {one: free_port() for one in PORTS}
    (folder / "relay").mkdir()
    (folder / "relay" / "relay-hub.toml").write_text(f'listen = "127.0.0.1:{ports["8443"]}"\n')
    with TemporaryDirectory() as short, ExitStack() as windows:
        door = Door(Path(short) / "door", env)
        shim.write_text(SHIM.format(python=sys.executable, door=str(door.place)))
        shim.chmod(0o755)
        shell = subprocess.Popen(
            ["sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=env, cwd=tmp_path,
        )  # fmt: skip
        try:
            yield Terminal(shell, env, folder, ports, windows)
        finally:
            shell.kill()
            shell.communicate()
            windows.close()
            door.close()


def test_both_languages_say_the_same_commands() -> None:
    assert blocks(GERMAN) == blocks(ENGLISH) != []


def test_every_step_as_written(terminal: Terminal) -> None:
    install, enter, practice, calendar, hub, enrol, access, book, look, mail, ways, switch, send, tidy = (
        blocks(GERMAN)
    )
    for line in ("-m venv ~/praxisd-probe/programm", "tools/locked.py constraints", "bin/pip install -c"):
        assert line in install  # what it makes is what test_wheel looks at
    terminal.type(enter)
    made = terminal.type(practice)
    assert "Praxis Dr. Muster" in made and len(made.splitlines()[-1]) >= 12, "a password"
    types = json.loads(terminal.type(calendar).splitlines()[-1])
    assert [len(types[one]) for one in ("practitioners", "schedules", "healthcareServices")] == [1, 1, 1]
    terminal.type(hub)
    enrolled = terminal.type(enrol)
    assert "Von außen erreichbar." in enrolled.splitlines()[-1], enrolled
    terminal.type(access)
    booked = json.loads(terminal.type(book).splitlines()[-1])
    assert booked["status"] == "booked" and booked["service"] == types["healthcareServices"][0]
    seen = terminal.type(look)
    assert "appointments.book" in seen and "Mein Portal" in seen
    terminal.type(mail)
    for answer in map(json.loads, terminal.type(ways).splitlines()):
        assert "problem" not in answer and "code" not in answer, answer
    no_quiet_hours(terminal.folder / "praxis")
    preview = terminal.type(switch)
    assert "Berta Beispiel" in preview
    sent = terminal.type(send)
    [mail_] = json.loads(sent[sent.index("[") :])
    assert mail_["to"] == "berta@post.example" and "Termin" in mail_["text"]
    terminal.windows.close()
    terminal.type(f"cd; {tidy}")
    assert not terminal.folder.exists()
