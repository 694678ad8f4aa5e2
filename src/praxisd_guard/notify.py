"""sd_notify: tell systemd that we are ready, what we do, that we live; leave the listening socket in its care.

The protocol is lines of text in one datagram to the socket NOTIFY_SOCKET names (sd_notify(3)). Without that variable
nothing is sent. With the descriptor store (FileDescriptorStoreMax=1 in the unit) the listening socket outlives a guard
that was killed: who connects meanwhile waits in its queue and is not refused.
"""

import array
import os
import socket
from collections.abc import Mapping, MutableMapping
from contextlib import suppress

FIRST_FD = 3
"""SD_LISTEN_FDS_START: descriptors that systemd hands over begin here."""
STORED_NAME = "praxisd"
_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")


class Notifier:
    """Speaks to systemd; silent where there is none. Nothing here ever raises: the practice matters more."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._address = env.get("NOTIFY_SOCKET", "")
        self.watchdog_s = self._watchdog(env)
        """Seconds within which WATCHDOG=1 must come, or None where systemd does not wait for it."""

    @staticmethod
    def _watchdog(env: Mapping[str, str]) -> float | None:
        if env.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
            return None
        micros = env.get("WATCHDOG_USEC", "")
        return int(micros) / 1e6 if micros.isdigit() and int(micros) else None

    def ready(self) -> None:
        """The service answers as it should."""
        self._send("READY=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send("STATUS=" + " ".join(text.split()))

    def alive(self) -> None:
        """For the watchdog."""
        self._send("WATCHDOG=1")

    def extend(self, seconds: float) -> None:
        """A start or stop that takes longer: do not lose patience for so long."""
        self._send(f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}")

    def stopping(self) -> None:
        """The end has begun."""
        self._send("STOPPING=1")

    def store(self, sock: socket.socket) -> None:
        """Give the listening socket into systemd's care, in place of one it had."""
        self._send(f"FDSTOREREMOVE=1\nFDNAME={STORED_NAME}")
        self._send(f"FDSTORE=1\nFDNAME={STORED_NAME}", (sock.fileno(),))

    def _send(self, text: str, descriptors: tuple[int, ...] = ()) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        rights = (
            [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        )
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.settimeout(1.0)
            out.connect(address)
            out.sendmsg([text.encode()], rights)


def handed_over(env: Mapping[str, str]) -> list[socket.socket]:
    """Listening sockets that systemd kept for us, or opened for us. [] where it did not."""
    count = env.get("LISTEN_FDS", "")
    if env.get("LISTEN_PID") != str(os.getpid()) or not count.isdigit():
        return []
    found = []
    for number in range(FIRST_FD, FIRST_FD + int(count)):
        with suppress(OSError):
            os.set_inheritable(number, False)
            sock = socket.socket(fileno=number)
            if sock.type == socket.SOCK_STREAM and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                found.append(sock)
            else:
                sock.close()
    return found


def forget(env: MutableMapping[str, str]) -> None:
    """Take systemd's variables out of an environment: programs we start must not speak to systemd for us."""
    for name in _VARIABLES:
        env.pop(name, None)
