"""A stand-in for a ServiceProvider: it reads the INI of its folder, fills the one in the data folder, and answers.

As the real one it fills a file that has only a host name when it starts (seed 003), and answers by HTTP. It can hang, answer
what is no HTTP, report an error, or close at once: so a third start after failures looks (reachable, not functional).
"""

import json
import re
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Literal, get_args

Manner = Literal["good", "hang", "garbage", "error", "close"]
MANNERS: tuple[Manner, ...] = get_args(Manner)
NAME = "ServiceProvider.ini"
VERSION = "23.3.1.0"
_KEY = r"(?im)^[ \t]*(?:{0})[ \t]*=[ \t]*(.*?)[ \t]*$"
_PATIENCE_S = 30.0


def read_key(text: str, *names: str) -> str:
    """The value of a key in an INI file of its own writing; "" if it is not there."""
    found = re.search(_KEY.format("|".join(map(re.escape, names))), text)
    return found.group(1) if found else ""


class Stand:
    """Listens from the start. OSError if its address cannot be used, or its folder has no INI. `version`: what it says."""

    def __init__(
        self, folder: Path, host: str, port: int | None, manner: Manner = "good", version: str = VERSION
    ) -> None:
        text = (folder / NAME).read_text(encoding="utf-8-sig")
        self._instance = read_key(text, "UniqueIdentifizier", "UniqueIdentifier")
        chosen = int(read_key(text, "TCPPort") or 0) if port is None else port
        self._manner, self._version = manner, version
        self._listener = socket.create_server((host, chosen))
        self._host, self.port = host, int(self._listener.getsockname()[1])
        self._ended = threading.Event()
        self._open: set[socket.socket] = set()
        where = read_key(text, "PVSDDataPath", "PVSDataPath")
        fill(Path(where) / NAME if where else None, self._instance, self.port)
        self._thread = threading.Thread(target=self._serve, name="sandbox-serviceprovider", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self._host}:{self.port}/"

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.add(connection)
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(_PATIENCE_S)
            if self._manner == "close":
                return
            if self._manner == "hang":
                self._ended.wait(_PATIENCE_S)
                return
            if self._manner == "garbage":
                connection.sendall(b"220 mail.example ESMTP\r\n")
                return
            while b"\r\n\r\n" not in (connection.recv(65_536) or b"\r\n\r\n"):
                pass
            connection.sendall(self._words())
        self._open.discard(connection)

    def _words(self) -> bytes:
        good = self._manner == "good"
        told = {
            "name": "ServiceProvider",
            "version": self._version,
            "instance": self._instance,
            "state": "running",
        }
        body = json.dumps(told if good else {"state": "failed"}).encode()
        status = "200 OK" if good else "503 Service Unavailable"
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        return head.encode() + body

    def wait(self) -> None:
        """Until `end` is called."""
        while not self._ended.wait(1.0):
            pass

    def end(self) -> None:
        """Ask for the end; `close` does it."""
        self._ended.set()

    def close(self) -> None:
        """Listen no more."""
        self.end()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._thread.join(2)


def fill(file: Path | None, instance: str, port: int) -> bool:
    """Fill a file in the data folder that has only a host name; True if it was filled."""
    if file is None or not file.is_file():
        return False
    data = file.read_bytes()
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = data.decode(encoding, "replace")
    if read_key(text, "UniqueIdentifizier", "UniqueIdentifier") or not read_key(text, "Hostname"):
        return False
    more = f"UniqueIdentifizier={instance}\r\nInstalled=1\r\nTCPPort={port}\r\n"
    file.write_bytes((text.rstrip() + "\r\n" + more).encode(encoding.removesuffix("-sig")))
    return True
