"""What the tests of updates share: a publisher, a server that serves its repository (and may misbehave), a guard on paper."""

import http.server
import json
import sqlite3
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from praxisd.kernel import maintenance
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.guarded import Guarded
from praxisd.services.updates import downloading, ordering, watching
from praxisd.services.updates.publish_quick import Quick
from praxisd.testing.guarded import script_home
from praxisd.testing.practice import key_for, small_practice
from praxisd_guard import journal
from praxisd_guard import orders as order_files
from praxisd_guard.orders import Order

from .relay_cast import inside

DATA = "holidays"
PLUGIN = "acme-notes"


class Desk:
    """Somebody with a key of a role."""

    def __init__(self, house: House, role: str = "owner", name: str = "") -> None:
        self.house = house
        if "updates_practice" not in house.shared:
            house.shared["updates_practice"] = small_practice(house)
        self.key = key_for(house, house.shared["updates_practice"], role, name or f"Zugang {role}")
        self._guest = inside(house)

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """Status and JSON of one request."""
        headers = {"Authorization": f"Bearer {self.key}", "Accept-Language": "de", **more.pop("headers", {})}
        answer = self._guest.ask(method, f"/api/v1{path}", json=body, headers=headers, **more)
        return answer.status_code, answer.json()

    def updates(self) -> Any:
        """How updates stand."""
        status, found = self.ask("GET", "/updates")
        assert status == 200, found
        return found

    def element(self, name: str) -> Any:
        """One element of them."""
        return next(one for one in self.updates()["elements"] if one["element"] == name)

    def ordered(self, *ids: str, **more: Any) -> Any:
        """Install, and this server's part of it done: the order."""
        status, found = self.ask("POST", "/updates/install", {"packages": list(ids), **more})
        assert status == 202, found
        ordering.wait(self.house)
        return self.ask("GET", f"/updates/orders/{found['id']}")[1]


class Vendor:
    """A publisher with praxisd, a data set and a plug-in to offer; `house` trusts it and fetches from `address`."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house, self.work = house, folder / "work"
        self.work.mkdir(parents=True)
        self.quick = Quick(
            folder / "vendor", roles=("data-holidays", "plugins-acme"), now=lambda: float(house.clock.now())
        )
        self.quick.element("praxisd", "software", de="Das Programm", en="The program")
        self.quick.element(DATA, "data", de="Feiertage", en="Holidays")
        self.quick.element(PLUGIN, "plugin", "acme")
        place = house.folder / "updates"
        place.mkdir(mode=0o700, exist_ok=True)
        (place / "root.json").write_bytes(self.quick.root)
        self.at(str(self.quick.folder))

    def at(self, address: str) -> None:
        """Where the house fetches from."""
        self.set("updates.url", address)

    def set(self, key: str, value: Any) -> None:
        """Set a setting."""
        self.house.store.run(system("test"), lambda tx: self.house.settings.put(tx, key, value))

    def software(self, version: str, **more: Any) -> None:
        """Publish a version of praxisd; what is inside is no program."""
        file = self.work / f"praxisd-{version}.zip"
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("package.json", json.dumps({"format": 1, "name": "praxisd", "version": version}))
            archive.writestr("program/words.txt", "words " * 2_000)
        self.quick.add(
            "praxisd", version, file, notes={"de": f"Neu in {version}", "en": f"New in {version}"}, **more
        )

    def plugin(self, version: str, inside: str = PLUGIN) -> None:
        """Publish a version of the plug-in; its `plugin.json` says that it is `inside`."""
        wheel = self.work / f"acme-{version}-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("acme.py", "SERVICE = None")
            archive.writestr(
                f"acme-{version}.dist-info/entry_points.txt", "[praxisd.services]\nacme = acme:SERVICE\n"
            )
        file = self.work / f"{PLUGIN}-{version}.zip"
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("plugin.json", json.dumps({"format": 1, "name": inside, "version": version}))
            archive.write(wheel, wheel.name)
        self.quick.add(PLUGIN, version, file)

    def data(self, version: str, rows: int = 2_000, **more: Any) -> Path:
        """Publish a version of the data set, with a patch from the one before."""
        file = self.work / f"{version}.sqlite"
        with sqlite3.connect(file) as link:
            link.execute("CREATE TABLE holiday (day TEXT PRIMARY KEY, name TEXT) WITHOUT ROWID")
            link.executemany(
                "INSERT INTO holiday VALUES (?, ?)",
                [(f"{n:06}", f"Feiertag {n * 7919}") for n in range(rows)],
            )
            link.execute("CREATE TABLE version (v TEXT)")
            link.execute("INSERT INTO version VALUES (?)", (version,))
        link.close()
        self.quick.add(DATA, version, file, released=version, **more)
        return file


def packed(repository: Path, out: Path, without: str = "nothing") -> Path:
    """The ZIP file of a repository."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder in ("metadata", "targets"):
            for file in sorted((repository / folder).rglob("*")):
                if file.is_file() and without not in file.name:
                    archive.write(file, str(file.relative_to(repository)))
    return out


def fetched(owner: Desk, element: str) -> str:
    """Subscribe and download; the id of what waits."""
    downloading.download(owner.house, system("test"))
    owner.ask("PUT", f"/updates/subscriptions/{element}", {"subscribed": True})
    downloading.download(owner.house, system("test"))
    return str(owner.element(element)["waiting"]["id"])


def closed(house: House) -> bool:
    with house.store.read(system("test")) as tx:
        return maintenance.state(tx) is not None


class GuardOnPaper:
    """A home of the guard; what it does is written into its journal by the test."""

    def __init__(self, house: House, folder: Path) -> None:
        self.home = script_home(folder / "home", house.folder, "0.0.1").home
        self.house = house
        house.guard = Guarded(self.home)
        self.journal = journal.Journal(self.home)

    def orders(self) -> list[Order]:
        """What waits for the guard."""
        return order_files.waiting(self.home)

    def does(self, order: Order, *steps: str, **facts: Any) -> None:
        """Write these steps of an order; `facts` belong to the last one. The server looks."""
        for one in steps:
            self.journal.write(order.kind, one, order.id, **(facts if one == steps[-1] else {}))
        order_files.taken(self.home, order.id)
        watching.settle(self.house)


class Served(http.server.ThreadingHTTPServer):
    """A folder served with ranges. `asked` are the requests; `cut` ends so many answers after so many bytes; `away`: 503."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.asked: list[tuple[str, str | None]] = []
        self.cut: list[int] = []
        self.ranges, self.away = True, False

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}/updates"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Served

    def do_GET(self) -> None:
        """A file, whole or from an offset on."""
        owner, wanted = self.server, self.headers.get("Range")
        owner.asked.append((self.path.removeprefix("/updates/"), wanted))
        file = owner.folder / self.path.removeprefix("/updates/")
        if owner.away or not file.is_file():
            self.send_error(503 if owner.away else 404)
            return
        data, start = file.read_bytes(), 0
        if wanted and owner.ranges:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        body = data[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = bool(owner.cut) and len(body) > owner.cut[0]
        self.wfile.write(body[: owner.cut.pop(0)] if cut else body)
        if cut:
            self.wfile.flush()
            time.sleep(1)  # what was sent is read before the end is noticed
            self.close_connection = True

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Serve a folder for the time of a test."""
    server = Served(folder)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
