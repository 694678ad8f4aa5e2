"""The unit's own ExecStart under something that speaks as systemd does: READY, WATCHDOG, a handed-over socket, STOPPING.

The real program, as a service runs it; systemd itself is not started here.
"""

import http.client
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from praxisd.system import installing, standing, unit
from praxisd.system.machine import Machine
from praxisd.system.plan import Plan
from praxisd.testing.programs import command, environment

PATIENCE_S = 90.0
AS_SYSTEMD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""
"""What systemd does between fork and exec: the socket becomes descriptor 3, LISTEN_PID is the program's own number."""


def until_said(listener: socket.socket, word: str) -> list[str]:
    """What is said until a line `word` comes; AssertionError after two minutes."""
    listener.settimeout(5.0)
    said: list[str] = []
    end = time.monotonic() + PATIENCE_S
    while word not in said:
        assert time.monotonic() < end, said
        try:
            said += listener.recvmsg(4096, socket.CMSG_SPACE(16))[0].decode().splitlines()
        except TimeoutError:
            continue
    return said


def test_the_line_of_the_unit_serves_and_ends_as_systemd_wants(tmp_path: Path) -> None:
    doors = socket.create_server(("127.0.0.1", 0))
    port = doors.getsockname()[1]
    plan = Plan("praxisd", "praxisd", tmp_path / "home", tmp_path / "data", "127.0.0.1", port, sys.executable)
    installing.prepare(plan, None)
    machine = Machine(units=tmp_path)
    machine.unit("praxisd").write_text(unit.unit(plan))
    lines = dict(line.split("=", 1) for line in unit.unit(plan).splitlines() if "=" in line)
    start = shlex.split(lines["ExecStart"])
    variables = dict(one.split("=", 1) for one in shlex.split(lines["Environment"]))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        env = environment(
            **variables, NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="30000000", LISTEN_FDS="1"
        )
        handed = str(doors.fileno())
        service = subprocess.Popen(
            [sys.executable, "-c", AS_SYSTEMD, handed, *start],
            env=env,
            pass_fds=[doors.fileno()],
            stdin=subprocess.DEVNULL,
        )
        try:
            doors.close()
            said = until_said(listener, "READY=1")
            assert "WATCHDOG=1" in said and "FDSTORE=1" in said
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/health/live")
            assert connection.getresponse().status == 200
            connection.close()
            found = standing.standing("praxisd", tmp_path, tmp_path, machine)
            assert (found["state"], found["installed"], found["instance"]) == ("running", True, "praxisd")
            shown = command(
                "service", "status", "--home", str(plan.home), "--name", "no-unit", folder=plan.data
            )
            assert shown.code == 0 and "läuft" in shown.out
            os.kill(service.pid, signal.SIGTERM)
            until_said(listener, "STOPPING=1")
            assert service.wait(PATIENCE_S) == 0
        finally:
            service.kill()
            service.wait()
    assert standing.standing("praxisd", tmp_path, tmp_path, machine)["state"] == "stopped"
