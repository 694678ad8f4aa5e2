"""sd_notify against a real AF_UNIX socket, the socket in systemd's care, and the whole program under such a systemd."""

import array
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from praxisd_guard.notify import Notifier, forget

from .keeper_cast import home_of, until


class Systemd:
    """What listens at NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.bind(address)
        self._sock.setblocking(False)
        self.said: list[str] = []
        self.stored: list[int] = []

    def read(self) -> list[str]:
        """All lines so far; descriptors go into `stored`."""
        room = socket.CMSG_SPACE(4)
        while True:
            try:
                data, more, _, _ = self._sock.recvmsg(4096, room)
            except BlockingIOError:
                return self.said
            self.said += data.decode().splitlines()
            for level, kind, raw in more:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    self.stored += array.array("i", raw).tolist()

    def close(self) -> None:
        self._sock.close()
        for number in self.stored:
            os.close(number)


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    made = Systemd(str(tmp_path / "notify"))
    yield made
    made.close()


def test_what_is_said(systemd: Systemd, tmp_path: Path) -> None:
    out = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000000"})
    out.ready()
    out.status("praxisd 1.0:\nrunning")
    out.alive()
    out.extend(1.5)
    out.stopping()
    said = [
        "READY=1",
        "STATUS=praxisd 1.0: running",
        "WATCHDOG=1",
        "EXTEND_TIMEOUT_USEC=1500000",
        "STOPPING=1",
    ]
    assert systemd.read() == said
    assert out.watchdog_s == 3.0


def test_an_abstract_address_is_understood() -> None:
    name = f"praxisd-test-{os.getpid()}"
    made = Systemd(f"\0{name}")
    Notifier({"NOTIFY_SOCKET": f"@{name}"}).ready()
    assert made.read() == ["READY=1"]
    made.close()


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"NOTIFY_SOCKET": "/nowhere/at/all"},
        {"WATCHDOG_USEC": "x"},
        {"WATCHDOG_USEC": "5", "WATCHDOG_PID": "1"},
    ],
)
def test_without_systemd_nothing_happens(env: dict[str, str]) -> None:
    out = Notifier(env)
    out.ready()
    assert out.watchdog_s is None


def test_programs_started_from_here_know_nothing_of_systemd() -> None:
    env = {"NOTIFY_SOCKET": "x", "WATCHDOG_USEC": "1", "LISTEN_FDS": "1", "LISTEN_PID": "1", "PATH": "p"}
    forget(env)
    assert env == {"PATH": "p"}


def test_under_systemd_the_guard_says_when_it_is_ready_and_that_it_lives(
    systemd: Systemd, tmp_path: Path
) -> None:
    with home_of(tmp_path) as home:
        home.begin(env={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"})
        home.reach("running")
        until(lambda: "READY=1" in systemd.read())
        until(lambda: "STATUS=praxisd 1.0: running" in systemd.read())
        count = systemd.said.count("WATCHDOG=1")
        until(lambda: systemd.read().count("WATCHDOG=1") > count + 2)
        # No program but the guard speaks to systemd.
        state = home.state
        environment = Path(f"/proc/{state.server_pid if state else 0}/environ").read_bytes()
        assert b"NOTIFY_SOCKET" not in environment and b"PRAXISD_HOME=" in environment
        assert home.end() == 0
        assert systemd.read()[-1] == "STATUS=praxisd 1.0: stopped" and "STOPPING=1" in systemd.said


def test_a_guard_that_is_killed_refuses_no_connection_under_systemd(systemd: Systemd, tmp_path: Path) -> None:
    """systemd keeps the listening socket meanwhile: who comes then waits, and is answered by the next guard."""
    with home_of(tmp_path) as home:
        home.begin(env={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        first = home.reach("running")
        until(lambda: systemd.read() and systemd.stored)
        home.kill()
        until(lambda: not Path(f"/proc/{first.server_pid}/fd/3").exists())
        with socket.create_connection(("127.0.0.1", home.port), timeout=60) as early:
            early.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
            # As systemd starts it: the stored descriptor is number 3, LISTEN_PID is its own.
            launch = (
                "import os, sys; fd = int(sys.argv[1]); os.dup2(fd, 3); os.environ.update(LISTEN_PID=str(os.getpid()),"
                " LISTEN_FDS='1'); os.execv(sys.executable, [sys.executable, '-m', 'praxisd_guard', 'run', '--home',"
                " sys.argv[2]])"
            )
            number = systemd.stored[0]
            with home.log.open("ab") as sink:
                home.guard = subprocess.Popen(
                    [sys.executable, "-c", launch, str(number), str(home.path)],
                    pass_fds=(number,),
                    stderr=sink,
                )
            assert early.recv(100).split(b" ")[1] in (b"200", b"503")
        home.reach("running")
        assert home.ask().body == b"1.0"
