"""The sandbox portal in this process, at a time that stands still, and how tests speak to it."""

import base64
import json
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from praxisd.sandbox.portal_program import Running, Wishes

KEY = "schluessel-4711"
NAME = "Dr. Beispiel – Sprechstunde"
NOW = int(datetime.fromisoformat("2026-11-30T07:00:00+01:00").timestamp())
"""A Monday, before the practice opens."""
PATIENT = {
    "family": "Muster",
    "given": "Erika",
    "birthDate": "1980-02-03",
    "phone": "+49 171 3920055",
    "email": "erika@example.org",
}
Answer = tuple[int, dict[str, str], bytes]


class Clock:
    """Stands still until it is set."""

    def __init__(self, at: float = NOW) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


class Portal:
    """The running sandbox. `again()` ends it and starts it on the same folder."""

    running: Running

    def __init__(self, folder: Path, **wishes: Any) -> None:
        self.folder = folder
        self.clock = Clock()
        self.wishes = Wishes(**{"key": KEY, "calendars": (NAME,), **wishes})
        self.running = self._start()
        self._url = ""

    @classmethod
    def at(cls, url: str) -> "Portal":
        """One that runs elsewhere; only for asking."""
        made = cls.__new__(cls)
        made._url = url
        return made

    def _start(self) -> Running:
        return Running(self.folder, "127.0.0.1", 0, self.wishes, self.clock)

    def again(self) -> None:
        """As after a restart."""
        self.running.close()
        self.running = self._start()

    def raw(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Status, headers (lower case) and body. Names of headers are given with `_` for `-`."""
        connection = HTTPConnection(urlsplit(self._url or self.running.url).netloc, timeout=20)
        shown = {name.replace("_", "-"): one for name, one in headers.items()}
        try:
            connection.request(method, path, body, shown)
            found = connection.getresponse()
            text = found.read()
            return found.status, {name.lower(): one for name, one in found.getheaders()}, text
        finally:
            connection.close()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON (the bare body where it says JSON and is none)."""
        data = None if body is None else json.dumps(body).encode()
        status, known, text = self.raw(method, path, data, **{"Content_Type": "application/json", **headers})
        try:
            return status, json.loads(text) if "json" in known.get("content-type", "") else text
        except ValueError:
            return status, text

    def api(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """The two-way door with the right key."""
        return self.ask(method, f"/api{path}", body, **{"Authorization": f"Bearer {KEY}", **headers})

    def drflex(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Dr.Flex with the right key."""
        return self.ask(method, f"/drflex{path}", body, X_API_Key=KEY)

    def dav(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """The drop folder with the right password."""
        known = base64.b64encode(f"praxis:{KEY}".encode()).decode()
        return self.raw(method, f"/dav/{path}", body, **{"Authorization": f"Basic {known}", **headers})

    def form(self, path: str, **fields: str) -> Answer:
        """A form of the page."""
        kind = "application/x-www-form-urlencoded"
        return self.raw("POST", path, urlencode(fields).encode(), Content_Type=kind, Accept_Language="de")

    def page(self, path: str, lang: str = "de") -> tuple[int, str]:
        """A page as a browser of that language gets it."""
        status, _, text = self.raw("GET", path, Accept_Language=lang)
        return status, text.decode()

    def free(self, day: str = "2026-12-01", **more: str) -> list[str]:
        """Free starts as `HH:MM`."""
        query = urlencode({"calendar": NAME, "date": day, **more})
        status, found = self.ask("GET", f"/free?{query}")
        assert status == 200
        return [one[11:16] for one in found["free"]]

    def book(self, at: str = "2026-12-01T09:00:00+01:00", **more: Any) -> tuple[int, Any]:
        """A patient books."""
        return self.ask("POST", "/bookings", {"calendar": NAME, "start": at, "patient": PATIENT, **more})

    def upload(self, *busy: tuple[str, str], **more: Any) -> tuple[int, Any]:
        """Tell busy times of 1 December (`HH:MM`) by the two-way door, for the whole period."""
        return self.api("PUT", f"/calendars/{quote(NAME)}/busy", {
            "start": "2026-11-30T00:00:00+01:00",
            "end": "2027-01-29T00:00:00+01:00",
            "busy": [{"start": f"2026-12-01T{start}:00+01:00", "end": f"2026-12-01T{end}:00+01:00"} for start, end in busy],
            **more,
        })  # fmt: skip

    def close(self) -> None:
        """The end."""
        self.running.close()
