"""An IMAP server for tests, over TLS: as much of RFC 3501 as a program needs that reads mails and files them away."""

import re
import socketserver
import ssl
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from praxisd.sandbox.mail_certificate import certificate

HOST = "127.0.0.1"


@dataclass
class Account:
    """Folders of mails by uid, and what the server can do. `flags` holds what was marked."""

    user: str = "praxis"
    password: str = "geheim"
    folders: dict[str, dict[int, bytes]] = field(default_factory=lambda: {"INBOX": {}})
    flags: dict[int, str] = field(default_factory=dict)
    can: str = "IMAP4rev1 AUTH=PLAIN MOVE UIDPLUS"
    fetched: list[int] = field(default_factory=list)
    port: int = 0
    next_uid: int = 1

    def put(self, data: bytes) -> int:
        """A mail that arrives in the inbox."""
        uid, self.next_uid = self.next_uid, self.next_uid + 1
        self.folders["INBOX"][uid] = data
        return uid


class _Session(socketserver.StreamRequestHandler):
    """One connection."""

    account: Account
    folder = ""

    def handle(self) -> None:
        """Answer commands until the client leaves."""
        self._say("* OK ready")
        while line := self.rfile.readline():
            tag, command, rest = ([*line.decode().strip().split(" ", 2), ""])[:3]
            command = command.upper()
            if command == "UID":
                command, rest = ([*rest.split(" ", 1), ""])[:2]
                command = f"UID_{command.upper()}"
            answer = getattr(self, f"do_{command}", lambda _: "BAD unknown")(rest)
            self._say(f"{tag} {answer}")
            if command == "LOGOUT":
                return

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")

    def do_CAPABILITY(self, _: str) -> str:
        self._say(f"* CAPABILITY {self.account.can}")
        return "OK done"

    def do_LOGIN(self, rest: str) -> str:
        good = rest == f'"{self.account.user}" "{self.account.password}"'
        return "OK in" if good else "NO wrong"

    def do_AUTHENTICATE(self, _: str) -> str:
        self._say("+ ")
        given = b64decode(self.rfile.readline().strip()).decode()
        return "OK in" if given == f"\0{self.account.user}\0{self.account.password}" else "NO wrong"

    def do_SELECT(self, rest: str) -> str:
        name = rest.strip('"')
        if name not in self.account.folders:
            return "NO no such folder"
        self.folder = name
        self._say(f"* {len(self.account.folders[name])} EXISTS")
        self._say("* OK [UIDVALIDITY 77] valid")
        return "OK [READ-WRITE] selected"

    def do_CREATE(self, rest: str) -> str:
        self.account.folders.setdefault(rest.strip('"'), {})
        return "OK made"

    def do_UID_SEARCH(self, rest: str) -> str:
        assert re.fullmatch(r"UNDELETED SINCE \d{1,2}-[A-Z][a-z]{2}-\d{4}", rest), rest
        uids = [
            u for u in self.account.folders[self.folder] if "Deleted" not in self.account.flags.get(u, "")
        ]
        self._say(f"* SEARCH {' '.join(map(str, uids))}".rstrip())
        return "OK found"

    def do_UID_FETCH(self, rest: str) -> str:
        uid, what = rest.split(" ", 1)
        most = int(re.fullmatch(r"\(BODY\.PEEK\[\]<0\.(\d+)>\)", what)[1])  # type: ignore[index]
        data = self.account.folders[self.folder].get(int(uid))
        if data is not None:
            self.account.fetched.append(int(uid))
            self.wfile.write(f"* 1 FETCH (UID {uid} BODY[]<0> {{{len(data[:most])}}}\r\n".encode())
            self.wfile.write(data[:most] + b")\r\n")
        return "OK fetched"

    def _copy(self, rest: str, away: bool) -> str:
        uid, name = rest.split(" ", 1)
        folders, target = self.account.folders, name.strip('"')
        if target not in folders:
            return "NO [TRYCREATE] no such folder"
        folders[target][int(uid)] = folders[self.folder][int(uid)]
        if away:
            del folders[self.folder][int(uid)]
        return "OK done"

    def do_UID_MOVE(self, rest: str) -> str:
        return self._copy(rest, True)

    def do_UID_COPY(self, rest: str) -> str:
        return self._copy(rest, False)

    def do_UID_STORE(self, rest: str) -> str:
        uid, what = rest.split(" ", 1)
        self.account.flags[int(uid)] = what
        return "OK stored"

    def do_UID_EXPUNGE(self, rest: str) -> str:
        self.account.folders[self.folder].pop(int(rest), None)
        return "OK gone"

    def do_LOGOUT(self, _: str) -> str:
        self._say("* BYE")
        return "OK bye"


@contextmanager
def imap_server(folder: Path) -> Iterator[tuple[Account, Path]]:
    """A server until the end of the block, and the file of its certificate."""
    context, file = certificate(folder, HOST)
    account = Account()

    class Server(socketserver.ThreadingTCPServer):
        """Speaks TLS from the start."""

        daemon_threads = True

        def get_request(self) -> tuple[ssl.SSLSocket, object]:
            """A connection, encrypted in its own thread."""
            plain, address = super().get_request()
            return context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False), address

        def handle_error(self, *_: object) -> None:
            """A client that does not trust us is part of a test."""

    handler = type("Session", (_Session,), {"account": account})
    with Server((HOST, 0), handler) as server:
        account.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield account, file
        finally:
            server.shutdown()
