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


def own_addresses() -> list[str]:
    """The IPv4 addresses of this machine that others may reach it under, and the lasting IPv6 ones."""
    found = []
    for lines in psutil.net_if_addrs().values():
        for line in lines:
            local = line.address.startswith(("127.", "169.254.", "::1", "fe80:"))
            if line.family in (socket.AF_INET, socket.AF_INET6) and not local:
                found.append(str(line.address))
    return sorted(set(found), key=lambda one: (":" in one, one))


def _name(pid: int) -> str:
    try:
        return str(psutil.Process(pid).name())
    except (psutil.Error, OSError):
        return ""
