"""Which ports of this machine are listened on, and by which programs."""

import socket

import psutil  # type: ignore[import-untyped]

from praxisd.services.diagnosis.port_rules import Listener


def listeners() -> list[Listener] | None:
    """All listening TCP ports and bound UDP ports; None where this system does not let us see them.

    Without special rights Linux tells the ports of all programs, but the names only of one's own.
    """
    try:
        lines = psutil.net_connections(kind="inet")
    except (psutil.Error, OSError):
        return None
    names: dict[int, str] = {}
    found = set()
    for line in lines:
        tcp = line.type == socket.SOCK_STREAM
        if not line.laddr or (line.status != psutil.CONN_LISTEN if tcp else bool(line.raddr)):
            continue
        if line.pid and line.pid not in names:
            names[line.pid] = _name(line.pid)
        program = names.get(line.pid or 0, "")
        found.add(Listener("tcp" if tcp else "udp", line.laddr.ip, line.laddr.port, program))
    return sorted(found, key=lambda one: (one.protocol, one.port, one.address, one.program))


def _name(pid: int) -> str:
    try:
        return str(psutil.Process(pid).name())
    except (psutil.Error, OSError):
        return ""
