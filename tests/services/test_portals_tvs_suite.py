"""116117 keeps the promises of a portal (`PortalSuite`), as far as slots can: what it shows as taken are slots.

The stage offers slots cut so finely that every busy time of the suite is a row of them. Three promises are kept otherwise,
and said so below: a slot that somebody else may have taken is never opened again, changes are made one by one, and its
booking suite asks more often than every 60 minutes (see `test_portals_tvs.py`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from praxisd.kernel.clock import FrozenClock, parse_rfc3339
from praxisd.kernel.http import Http
from praxisd.kernel.outside import Outside
from praxisd.sandbox import portal_tvs
from praxisd.sandbox.door import Door
from praxisd.sandbox.portal_faults import Faults, Guard
from praxisd.services.portals import portal as codes
from praxisd.services.portals.portal import Account, Period, Portal
from praxisd.services.portals.portals import tvs_form
from praxisd.services.portals.portals.talking import Talk
from praxisd.services.portals.portals.tvs_form import FORM
from praxisd.testing.portal_suite import DAY, Kept, PortalSuite, Span, pairs, soon, spans, told

CARD = "kartenschluessel-0815"
MIDNIGHT = parse_rfc3339("2026-10-20T00:00:00+02:00")
END = parse_rfc3339("2026-10-27T00:00:00+01:00")
"""A week later; the clock goes back in between."""
HOUR = 3_600
CALENDARS = (
    "Dr. Beispiel – Sprechstunde",
    "Prophylaxe/Zahnreinigung",
    'Größe "Ä" & O\'Neill',
    "100 % <Kinder>; a=b?c#d",
    "Kieferorthopädie + Röntgen",
    "{calendar}",
)
PATIENCE_S = 15.0


class TvsStage:
    """The adapter and the simulated service."""

    secrets = (CARD,)
    calendars: Sequence[str] = CALENDARS

    def __init__(self, folder: Path, loop: Outside) -> None:
        self.clock = FrozenClock(MIDNIGHT)
        self.faults = Faults()
        self.faults.set(delay_s=3.0)
        guard = Guard(self.faults, lambda: float(self.clock.now()))
        self.seen: list[tuple[str, str, bytes]] = []
        guard.watch = lambda call, _: self.seen.append((call.method, call.target, call.body))
        self.tvs = portal_tvs.mount(folder, CARD, lambda: float(self.clock.now()), guard)
        self.tvs.page = 500
        self.profiles = {name: self.tvs.add_profile(name).id for name in CALENDARS}
        for number, name in enumerate(CALENDARS):
            self.cut(name, MIDNIGHT, END if number == 0 else MIDNIGHT + 12 * HOUR)
        self.door = Door("127.0.0.1", 0, self.tvs.routes)
        self.url = self.door.url
        self._http = Http(self.clock, loop)
        self.talk = Talk(self._http, self.clock)
        self.talk.patience_s = PATIENCE_S
        self.memory = Kept()
        self._portal = self.open(memory=self.memory)

    def cut(self, calendar: str, start: int, end: int, step: int = 0) -> None:
        """Slots in a row: of five and ten minutes where the suite is busy in detail, of an hour elsewhere."""
        fine = MIDNIGHT + DAY - HOUR
        marks = set(range(start, end, step or HOUR)) | {start, end}
        if not step and end > fine:
            marks |= {*range(start, start + 12 * HOUR, 300), *range(fine, fine + 14 * HOUR, 300), end - 300}
        elif not step:
            marks |= set(range(start, end, 600))
        ordered = sorted(marks)
        for begin, until in pairwise(ordered):
            self.tvs.add_slot(self.profiles[calendar], begin, until)

    @property
    def portal(self) -> Portal:
        """The adapter with the right account."""
        return self._portal

    def open(
        self, *, url: str = "", zone: str = "Europe/Berlin", key: str = "", memory: Kept | None = None
    ) -> Portal:
        """Another one. In another zone it has slots around three days from now."""
        base = url or self.url
        values = {
            "address": f"{base}/tvs/api",
            "login": f"{base}/tvs/login",
            "card": key or CARD,
            "weeks": "1",
        }
        account = Account("p1", values, zone)
        tickets = tvs_form.new_tickets(FORM.filled(values), self.talk, self.clock)
        if self.clock.now() != MIDNIGHT:
            for slot in list(self.tvs.slots.values()):
                self.tvs.delete_slot(slot.id, str(slot.version))
            now = self.clock.now()
            self.cut(self.calendars[0], now + 2 * DAY, now + 5 * DAY, 900)
        return tvs_form.opened(account, memory or Kept(), self.talk, self.clock, tickets)

    def wanted(self, calendar: str) -> Period:
        """A week from today."""
        return Period(MIDNIGHT, END)

    def taken(self, calendar: str) -> list[Span]:
        """The slots that are busy."""
        slots = (
            one for one in self.tvs.slots.values() if one.profile == self.profiles[calendar] and not one.gone
        )
        return pairs(spans(*((one.start, one.end) for one in slots if one.status == "busy")))

    def fault(self, name: str) -> None:
        """The next request; what is remembered of the calendars is too old, so that there is one."""
        self.memory.put("schedules_at", None)
        self.talk.patience_s = 1.0 if name == "slow" else PATIENCE_S
        if name == "calendar_unknown":
            self.hide()
        else:  # one refused token alone is healed by a new login
            self.faults.set(next_=[name] * (2 if name == "unauthorized" else 1))

    def hide(self) -> None:
        """The service answers "nothing found" once, as it does for what does not belong together."""
        self.tvs.profiles = _Once(self.tvs.profiles)

    def requests(self) -> list[tuple[str, str, bytes]]:
        """All of FHIR."""
        return list(self.seen)

    def block(self, calendar: str, start: int, end: int) -> None:
        """It cannot be: a blocked slot says nothing of the practice's time."""
        raise LookupError(calendar)

    def close(self) -> None:
        """End everything."""
        self._http.close()
        self.door.close()
        self.tvs.close()


class _Once(dict[str, portal_tvs.Profile]):
    """Profiles that are not shown in the next two searches (whose they are, and which)."""

    hidden = 2

    def values(self):  # type: ignore[no-untyped-def]
        """Nothing at first."""
        if self.hidden:
            self.hidden -= 1
            return {}.values()
        return super().values()


@contextmanager
def tvs_stage(folder: Path) -> Iterator[TvsStage]:
    """A stage for as long as the block lasts."""
    loop = Outside()
    stage = TvsStage(folder, loop)
    try:
        yield stage
    finally:
        stage.close()
        loop.close()


class TestTvs(PortalSuite):
    """116117."""

    @pytest.fixture
    def stage(self, tmp_path: Path) -> Iterator[TvsStage]:
        with tvs_stage(tmp_path) as one:
            yield one

    def test_a_very_long_period_with_very_many_times(self, stage: TvsStage) -> None:  # type: ignore[override]
        """Only slots can be taken: those that are touched are, and are free again."""
        calendar = stage.calendars[0]
        start = stage.wanted(calendar).start
        period = Period(start, start + 3 * 366 * DAY)
        busy = spans(*((start + n * 18_000, start + n * 18_000 + 1_500) for n in range(5_000)))
        assert stage.portal.upload(calendar, period, busy, soon(stage)) == 5_000
        touched = [
            (one.start, one.end)
            for one in stage.tvs.slots.values()
            if one.profile == stage.profiles[calendar]
            and any(each.start < one.end and one.start < each.end for each in busy[:40])
        ]
        assert stage.taken(calendar) == pairs(spans(*touched)) and len(touched) > 33
        assert stage.portal.upload(calendar, period, [], soon(stage)) == 0
        assert stage.taken(calendar) == []

    def test_a_slow_portal(self, stage: TvsStage) -> None:  # type: ignore[override]
        """Everything is a POST there, so it is not known of any whether it was carried out; all may be told again."""
        calendar = stage.calendars[0]
        period = stage.portal.period(calendar)
        for work in (
            lambda: stage.portal.period(calendar),
            lambda: stage.portal.upload(calendar, period, [], soon(stage)),
        ):
            stage.fault("slow")
            problem = told(work)
            assert (problem.code, problem.retry) == (codes.ANSWER_LOST, True)
            stage.talk.patience_s = PATIENCE_S
            work()

    def test_what_is_remembered_can_be_lost(self, stage: TvsStage) -> None:  # type: ignore[override]
        """What another memory made busy may be a patient's: it stays, and nothing that is busy here is free there."""
        calendar = stage.calendars[0]
        period = stage.portal.period(calendar)
        first = spans((period.start + DAY, period.start + DAY + 900))
        second = spans((period.end - 300, period.end))
        stage.portal.upload(calendar, period, first, soon(stage))
        assert stage.open().upload(calendar, period, second, soon(stage)) == 1
        assert stage.taken(calendar) == pairs([*first, *second])
        stage.portal.upload(calendar, period, [], soon(stage))
        assert stage.taken(calendar) == pairs(second)
