"""The outside world of the sample practice: an SMS gateway and a mail server that deliver nothing and show everything,
a booking portal on which everybody can play the patient, a relay hub, and a publisher of updates.

They are programs of their own (`praxisd sandbox …`), started beside the demo and ended with it, also when it is killed:
their standard input is a pipe that closes then.
"""

import os
import queue
import secrets
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from praxisd.demo import online
from praxisd.kernel.access import system
from praxisd.kernel.store import Tx
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api as messaging

if TYPE_CHECKING:
    from praxisd.kernel.app import House

READY_S = 90.0
"""So long one of them may take to answer: they start at once, on a busy computer too. Seconds."""
SENDER = "praxis@beispielplatz.example"
SENDER_SMS = "Praxis"
_KEY = "sandbox"


class Sandboxes:
    """All programs; `updates`: the publisher of updates too. `known` are their addresses of the last start: whoever kept a
    page open finds it again.
    """

    def __init__(self, folder: Path, language: str, known: dict[str, str], *, updates: bool = False) -> None:
        self.folder = folder.absolute()
        self._secret = secrets.token_urlsafe(24)
        self._language = language
        self._running: list[subprocess.Popen[str]] = []
        self._known = known
        self._updates = updates

    def start(self) -> dict[str, str]:
        """Start all; their addresses by name, as they stand in access.json. RuntimeError if one does not come up."""
        options: dict[str, tuple[str, ...]] = {
            "sms": ("--key", _KEY, "--secret", self._secret),
            "mail": ("--smtp-port", "0"),
            "portal": ("--key", _KEY),
            "relay": (),
            **({"updates": ()} if self._updates else {}),
        }
        ports = {name: urlsplit(self._known.get(name, "")).port or 0 for name in options}
        waiting = {name: self._begin(name, port, options[name]) for name, port in ports.items()}
        found = {}
        for name, lines in waiting.items():
            line = _first(lines)
            if line is None and ports[name]:  # somebody else has taken its port meanwhile
                line = _first(self._begin(name, 0, options[name]))
            if line is None:
                raise RuntimeError(f"praxisd sandbox {name} did not start")
            found[name] = line.removeprefix("ready ").strip()
        online.furnish(found["portal"])
        return found

    def stop(self) -> None:
        """End all; what they have received stays in the folder."""
        for one in self._running:
            if one.stdin is not None:
                one.stdin.close()
        for one in self._running:
            try:
                one.wait(5)
            except subprocess.TimeoutExpired:
                one.kill()

    def _begin(self, name: str, port: int, more: tuple[str, ...]) -> "queue.Queue[str | None]":
        line = [sys.executable, "-m", "praxisd", "sandbox", "--with-parent", name, "--data", str(self.folder)]
        words = {**os.environ, "LC_ALL": "en_GB.UTF-8" if self._language == "en" else "de_DE.UTF-8"}
        one = subprocess.Popen(  # noqa: S603
            [*line, "--port", str(port), *more], env=words, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._running.append(one)
        lines: queue.Queue[str | None] = queue.Queue()

        def read() -> None:
            for text in one.stdout or ():
                lines.put(text)
            lines.put(None)

        threading.Thread(target=read, name=f"praxisd-sandbox-{name}", daemon=True).start()
        return lines

    def introduce(self, house: "House", url: str, addresses: dict[str, str]) -> None:
        """Tell the practice, whose server answers under `url`, where they are; access data of other gateways stay."""
        status = _status(addresses["mail"])
        sms = messaging.AccountGiven(
            gateway="sandbox", sender=SENDER_SMS, active=True, cost=1, fields={"address": addresses["sms"]},
            secrets={"key": _KEY}, hook_secret=self._secret,
        )  # fmt: skip
        mail = messaging.AccountGiven(
            gateway="smtp", sender=SENDER, active=True, cost=0, secrets={},
            fields={
                "server": status["host"], "port": str(status["port"]), "security": status["security"],
                "certificate": status["certificate"], "mailbox": "folder", "folder": status["mailbox"],
            },
        )  # fmt: skip
        with house.store.read(system("demo")) as tx:
            practices = directory.organization_ids(tx)

        def work(tx: Tx) -> None:
            house.settings.put(tx, "messaging.public_url", url)
            for channel, given, ours in (
                ("sms", sms, {"gateway": "sandbox"}),
                ("email", mail, {"server": status["host"]}),
            ):
                if _may_set(messaging.account_facts(tx, channel), ours):
                    messaging.put_account(house, tx, channel, given)

        for one in practices:
            house.store.run(system("demo", one), work)
            online.introduce(house, one, addresses["portal"], _KEY)


def _first(lines: "queue.Queue[str | None]") -> str | None:
    """Its first line, or None if it ended or said nothing for too long."""
    try:
        return lines.get(timeout=READY_S)
    except queue.Empty:
        return None


def _may_set(present: dict[str, str] | None, ours: dict[str, str]) -> bool:
    """True if nobody has set up something else in the meantime."""
    return present is None or all(present.get(key) == value for key, value in ours.items())


def _status(address: str) -> dict[str, Any]:
    """What the mail server says of itself."""
    import http.client

    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request("GET", "/status")
        return msgspec.json.decode(connection.getresponse().read(), type=dict[str, Any])
    finally:
        connection.close()
