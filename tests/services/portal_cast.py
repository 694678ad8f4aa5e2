"""Stages of the portal suites: our adapters against the simulated portal, which answers on the loopback."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from praxisd.kernel.clock import FrozenClock, parse_rfc3339
from praxisd.kernel.http import Http
from praxisd.kernel.outside import Outside
from praxisd.model.portals import Told
from praxisd.sandbox.portal_booking import Patient
from praxisd.sandbox.portal_program import Running, Wishes
from praxisd.sandbox.portal_times import HOURS, calendar_of
from praxisd.services.portals.portal import Account, Period, Portal
from praxisd.services.portals.portals.drflex import DrFlex
from praxisd.services.portals.portals.talking import Talk
from praxisd.services.portals.portals.two_way import TwoWay
from praxisd.services.portals.portals.webdav_ics import WebdavIcs
from praxisd.testing.portal_suite import FAULTS, Kept, Span

KEY = "schluessel-4711"
SECRET = "unterschrift-0815"
NOW = parse_rfc3339("2026-10-20T10:17:00+02:00")
CALENDARS = (
    "Dr. Beispiel – Sprechstunde",
    "Prophylaxe/Zahnreinigung",
    'Größe "Ä" & O\'Neill',
    "100 % <Kinder>; a=b?c#d",
    "Kieferorthopädie + Röntgen",
    "...",
    "{calendar}",
)
PATIENCE_S = 15.0


class SandboxStage:
    """One adapter and the portal that it speaks to."""

    secrets = (KEY, SECRET)
    calendars = CALENDARS

    def __init__(self, adapter: str, folder: Path, loop: Outside) -> None:
        self.adapter = adapter
        self.clock = FrozenClock(NOW)
        self._now = self.clock.now
        self.sandbox = Running(
            folder, "127.0.0.1", 0, Wishes(key=KEY, secret=SECRET), now=lambda: float(self.clock.now())
        )
        self.board = self.sandbox.board
        for name in CALENDARS:
            self.board.put_calendar(
                calendar_of({"name": name, "hours": {**HOURS, "6": [["09:00", "12:00"]]}, "days": 60})
            )
        self.url = self.sandbox.url
        self.seen: list[tuple[str, str, bytes]] = []
        self.sandbox.guard.watch = lambda call, _: self.seen.append((call.method, call.target, call.body))
        self.sandbox.faults.set(delay_s=3.0)
        self._http = Http(self.clock, loop)
        self.talk = Talk(self._http, self.clock)
        self.talk.patience_s = PATIENCE_S
        self._portal = self.open()

    @property
    def portal(self) -> Portal:
        """The adapter with the right account."""
        return self._portal

    def open(self, *, url: str = "", zone: str = "Europe/Berlin", key: str = "", **fields: str) -> Portal:
        """Another one; `fields` of its form otherwise."""
        base, key = url or self.url, key or KEY
        if self.adapter == "drflex":
            values = {
                "address_period": f"{base}/drflex/period",
                "address_upload": f"{base}/drflex/upload",
                "key": key,
            }
            return DrFlex(Account("p1", values | fields, zone), self.talk, self.clock)
        if self.adapter == "two_way":
            values = {"address": f"{base}/api/", "key": key, "signing_secret": SECRET}
            return TwoWay(Account("p1", values | fields, zone), self.talk, self.clock)
        values = {
            "address": f"{base}/dav/",
            "user": "praxis",
            "password": key,
            "blocker_file": "{calendar}.blockers.ics",
            "days": "60",
        }
        return WebdavIcs(Account("p1", values | fields, zone), self.talk, self.clock, Kept())

    def wanted(self, calendar: str) -> Period:
        """60 days from today."""
        return Period(*self.board.period(calendar))

    def taken(self, calendar: str) -> list[Span]:
        """As it was told."""
        return self.board.busy(calendar)

    def fault(self, name: str) -> None:
        """The next request."""
        assert name in (*FAULTS, "slow", "")
        self.sandbox.faults.set(next_=[name])
        # Only where a late answer is wanted is the patience short: the machine may be busy.
        self.talk.patience_s = 1.0 if name == "slow" else PATIENCE_S

    def block(self, calendar: str, start: int, end: int) -> None:
        """Entered at the portal."""
        self.board.block(calendar, start, end)

    def requests(self) -> list[tuple[str, str, bytes]]:
        """All of the machines' doors."""
        return list(self.seen)

    def free(self, calendar: str) -> Sequence[Span]:
        """Of the shortest kind."""
        found = self.board.calendar(calendar)
        kind = found.services[0]
        starts = self.board.free(calendar, kind, *self.board.period(calendar))
        return [(start, start + kind.minutes * 60) for start in starts]

    def book(self, calendar: str, start: int, person: Told, note: str = "") -> str:
        """On the portal's page."""
        patient = Patient(person.family, person.given, person.birth_date, person.phone, person.email)
        return self.board.book(calendar, "", start, patient, note).id

    def cancel(self, booking: str) -> None:
        """On the booking's page."""
        self.board.cancel(booking)

    def decide(self, booking: str, accepted: bool) -> None:
        """On the booking's page."""
        self.board.decide(booking, accepted)

    def shown(self, booking: str) -> tuple[str, int, int, str]:
        """What was told last."""
        one = self.board.booking(booking)
        start, end = one.proposed or (one.start, one.end)
        return str(one.told.get("kind", "")), start, end, one.reason

    def close(self) -> None:
        """End everything."""
        self._http.close()
        self.sandbox.close()


@contextmanager
def sandbox_stage(adapter: str, folder: Path) -> Iterator[SandboxStage]:
    """A stage for as long as the block lasts."""
    loop = Outside()
    stage = SandboxStage(adapter, folder, loop)
    try:
        yield stage
    finally:
        stage.close()
        loop.close()
