"""Three weeks of a practice with variant 2: right and wrong media, a NAS that is away, a medium that stays, a log unread.

The clock is ours, the engine is restic, folders stand in for media. Each thing that goes wrong is said, and is no longer said
once it is mended by what its solution says. At the end the form is printed and read.
"""

from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from praxisd.kernel import issues
from praxisd.kernel.app import House
from praxisd.services.backups import engine_checks, store
from praxisd.services.backups.runs import queueing
from praxisd.testing import debian
from praxisd.testing.engine_quick import QuickRestic

from .backup_desk_cast import DAYS, SYSTEM, Desk, desk, plan

FIRST = date(2026, 11, 30)
"""The Monday it begins on; the 25th and 26th of December lie behind its end."""
PLAN = ("backups.set_up", "backups.watch", "backups.runs", "backups.log", "backups.sheet", "backups.jobs")


class Weeks:
    """The desk's days."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.house = desk.house
        self.media: dict[str, str] = {}

    def said(self) -> set[str]:
        """Codes of what is open of the backups, without what the desk is told each day."""
        report = issues.run_checks(self.house, PLAN)
        daily = {"insert", "start", "take_out", "carry_out", "to_safe", "bring"}
        found = {
            one.code.removeprefix("backups.") for one in report.issues if one.code.startswith("backups.")
        }
        return found - daily

    def told(self) -> set[str]:
        """All of it."""
        report = issues.run_checks(self.house, PLAN)
        return {one.code.removeprefix("backups.") for one in report.issues if one.code.startswith("backups.")}

    def at(self, day: date, time: str) -> None:
        self.desk.at(f"{day} {time}")

    def work(self) -> list[tuple[str, str]]:
        """Let the job do what waits: (job, state) of each run."""
        done = queueing.work(self.house, stop=lambda: False)
        assert done is not None
        return [(str(one.job or one.kind), one.state) for one in done.runs]

    def evening(self, day: date, medium: str | None = None) -> None:
        """Push the medium in, start, wait; take it out and say that it is outside."""
        slot = f"{DAYS[day.weekday()]}_away"
        self.at(day, "18:05")
        self.desk.insert(medium or slot)
        assert "start" in self.told()
        self.desk.door("POST", "/backups/runs", role="desk", status=202, json={"job": "evening"})
        assert ("evening", "good") in self.work()
        self.desk.pull()
        self.carried(day, slot)

    def carried(self, day: date, slot: str, at: str = "18:40") -> None:
        self.at(day, at)
        self.desk.door(
            "POST",
            f"/backups/media/{self.media[slot]}/moved",
            role="desk",
            json={"place": "outside", "person": "Frau Kurz"},
        )

    def night(self, day: date) -> list[tuple[str, str]]:
        """The copy on the NAS belongs to the day before."""
        self.at(day + timedelta(days=1), "01:31")
        return self.work()

    def look(self, day: date, on: date) -> None:
        self.desk.door("PUT", f"/backups/log/{day}", role="desk", json={"person": "Frau Kurz"})

    def brought(self, day: date) -> None:
        """In the morning the medium of the day comes in from outside."""
        slot = f"{DAYS[day.weekday()]}_away"
        self.at(day, "08:00")
        self.desk.door(
            "POST",
            f"/backups/media/{self.media[slot]}/moved",
            role="desk",
            json={"place": "safe", "person": "Frau Kurz"},
        )


@pytest.fixture
def weeks(sqlite_houses: Any, tmp_path: Path) -> Any:
    house: House = sqlite_houses.open()
    with desk(house, tmp_path) as found:
        house.shared[engine_checks.ENGINE] = QuickRestic(
            house.folder / "backups" / "engine", debian.program(["restic"], "restic")
        )
        found.at(f"{FIRST} 07:00")
        plan(found.door)
        made = Weeks(found)
        drive = found.drives()
        made.media = found.set_up(drive, *(f"{one}_away" for one in DAYS))
        nas = next(
            one["id"] for one in found.door("GET", "/backups/drives")["drives"] if one["kind"] == "nas"
        )
        made.media["nas"] = found.door(
            "POST", "/backups/media", status=201, json={"drive": nas, "slot": "nas"}
        )["medium"]["id"]
        for slot in made.media:
            if slot != "nas":
                made.desk.door(
                    "POST",
                    f"/backups/media/{made.media[slot]}/moved",
                    json={"place": "safe", "person": "Frau Kurz"},
                )
        yield made


def test_three_weeks(weeks: Weeks) -> None:
    said = weeks.said()
    assert said == {"sheet_missing"}
    weeks.desk.door("POST", "/backups/keys/sheet", json={"confirmed": True})
    assert weeks.said() == set()
    days = [FIRST + timedelta(days=n) for n in range(21)]
    for day in days:
        if day.weekday() > 4:
            assert weeks.night(day) == [("night", "good")], day
            continue
        if day >= FIRST + timedelta(days=7):
            weeks.brought(day)
        _morning(weeks, day)
        _evening(weeks, day)
        _night(weeks, day)
    weeks.at(days[-1] + timedelta(days=1), "09:00")
    weeks.look(days[-3], days[-1] + timedelta(days=1))
    assert weeks.said() <= {"read_old"}
    _form(weeks)


def _morning(weeks: Weeks, day: date) -> None:
    before = day - timedelta(days=3 if day.weekday() == 0 else 1)
    if before < FIRST:
        return
    if day == FIRST + timedelta(days=9):  # nobody looks until noon
        weeks.at(day, "09:59")
        assert "log_unchecked" not in weeks.said()
        weeks.at(day, "12:00")
        assert "log_unchecked" in weeks.said()
    weeks.at(day, "12:30")
    while before < day:  # on Mondays also what the NAS took at the weekend
        weeks.look(before, day)
        before += timedelta(days=1)
    assert "log_unchecked" not in weeks.said()


def _evening(weeks: Weeks, day: date) -> None:
    number = (day - FIRST).days
    slot = f"{DAYS[day.weekday()]}_away"
    if number == 2:  # the clerk takes Thursday's instead of Wednesday's
        weeks.at(day, "18:01")
        weeks.desk.insert("thu_away")
        assert "medium_wrong" in weeks.said()
        said = weeks.desk.said("backups.medium_wrong")
        assert "Do extern" in said and "Mi extern" in said
        before = _weight(weeks.desk.top / "thu_away")
        asked = weeks.desk.door("POST", "/backups/runs", role="desk", status=202, json={"job": "evening"})
        assert weeks.work() == [("evening", "failed")] and _weight(weeks.desk.top / "thu_away") == before
        assert weeks.desk.door("GET", f"/backups/runs/{asked['id']}")["code"] == "backups.medium_wrong"
        assert {"medium_wrong", "run_not_made"} <= weeks.said()
    if number == 8:  # it is written and left in the practice
        weeks.at(day, "18:05")
        weeks.desk.insert(slot)
        weeks.desk.door("POST", "/backups/runs", role="desk", status=202, json={"job": "evening"})
        assert ("evening", "good") in weeks.work()
        weeks.desk.pull()
        return
    if number == 9:
        weeks.at(day, "09:00")
        assert "offsite_overdue" not in weeks.said()
        weeks.at(day, "11:00")
        assert "offsite_overdue" in weeks.said()
        weeks.carried(day, "tue_away", "17:00")
        assert "offsite_overdue" not in weeks.said()
    if number == 15:  # nobody has a medium at hand that evening
        weeks.desk.pull()
        weeks.at(day, "18:30")
        assert "medium_missing" in weeks.said() and "Di extern" in weeks.desk.said("backups.medium_missing")
    weeks.evening(day)
    assert not weeks.said() & {"medium_wrong", "medium_missing", "run_not_made"}


def _night(weeks: Weeks, day: date) -> None:
    if (day - FIRST).days == 3:  # the NAS is switched off
        weeks.desk.nas.rename(weeks.desk.top / "off")
        assert ("night", "good") not in weeks.night(day)
        assert "target_away" in weeks.said()
        (weeks.desk.top / "off").rename(weeks.desk.nas)
        weeks.at(day + timedelta(days=1), "02:31")
        assert ("night", "good") in weeks.work()
        assert weeks.said() == set()
        return
    done = weeks.night(day)
    assert ("night", "good") in done, (day, done)


def _weight(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())


def _form(weeks: Weeks) -> None:
    house = weeks.house
    with house.store.read(SYSTEM) as tx:
        good = [one for one in store.RUN.all(tx) if one.kind == "backup" and one.state == "good"]
        held = [one for one in store.SNAPSHOT.all(tx) if one.gone is None]
    assert len([one for one in good if one.job == "evening"]) == 15
    assert len([one for one in good if one.job == "night"]) == 21
    assert all(one.good and one.verified != "none" for one in held)
    sheet = weeks.desk.door("GET", "/backups/protocol.pdf")
    (weeks.desk.top / "protocol.pdf").write_bytes(sheet.content)
    text = "\n".join(page.extract_text() for page in PdfReader(BytesIO(sheet.content)).pages)
    for word in ("Sicherungsprotokoll", "restic", "Mo extern", "Fr extern", "18:00", "01:30", "Frau Kurz"):
        assert word in text, word
