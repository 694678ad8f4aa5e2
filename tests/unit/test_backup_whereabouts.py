"""Where media are, whether a copy is outside, and what the desk is told: also played through weeks."""

from collections.abc import Iterable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.kernel.schedule import WEEKDAYS
from praxisd.model.backup import BackupPlan, Identity, ImageDue, Job, Judged, Medium, Place, Seen, Stay, Word
from praxisd.services.backups import day_rules, media_rules, plan_rules
from praxisd.services.backups import whereabouts_rules as rules
from praxisd.services.backups.plan_rules import make

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 30)
NONE: frozenset[date] = frozenset()
NOW = day_rules.instant(MONDAY, "12:00", BERLIN, "06:00")
HOUR = 3600
MON = Medium("m1", "Mo extern", "mon_away")


def at(day: date, time: str) -> int:
    return day_rules.instant(day, time, BERLIN, "06:00")


def change(medium: Medium, **changes: object) -> Medium:
    return msgspec.structs.replace(medium, **changes)


def refused(code: str, medium: Medium, person: str, moment: int) -> None:
    with pytest.raises(Problem) as caught:
        rules.moved(medium, "outside", person, moment, NOW)
    assert caught.value.code == code


def test_a_named_person_says_where_it_is() -> None:
    assert rules.moved(MON, "safe", "  Frau  Ott ", NOW - 5, NOW) == Stay("safe", "Frau Ott", NOW - 5)
    refused("backups.person_missing", MON, " \t", NOW)
    refused("backups.stay_time", MON, "Ott", NOW + 1)
    refused("backups.stay_time", change(MON, written=NOW - 10), "Ott", NOW - 11)
    refused("backups.medium_fixed", change(MON, kind="nas"), "Ott", NOW)
    # Written by a clock that ran ahead: it can be carried out all the same.
    assert rules.moved(change(MON, written=NOW + 10**6), "outside", "Ott", NOW, NOW).place == "outside"


@given(
    st.none() | st.integers(0, 20),
    st.none()
    | st.builds(Stay, st.sampled_from(["drive", "safe", "outside"]), st.just("Ott"), st.integers(0, 20)),
)
def test_what_was_written_is_in_the_drive_until_somebody_says_else(
    written: int | None, stay: Stay | None
) -> None:
    place = rules.place_of(change(MON, written=written, stay=stay))
    if written is None:
        assert place == (stay.place if stay else None)
    elif stay is None or stay.at < written:
        assert place == "drive"
    else:
        assert place == stay.place
    assert rules.place_of(change(MON, kind="remote", written=written, stay=stay)) == "outside"
    assert rules.place_of(change(MON, kind="nas", written=written, stay=stay)) == "drive"


def words(found: Iterable[Word]) -> list[str]:
    return [one.code for one in found]


def test_a_medium_that_was_not_carried_out() -> None:
    plan = make("variant2")
    written = at(MONDAY, "18:30")
    medium = change(MON, written=written)

    def found(medium: Medium, hours: int) -> list[Word]:
        return rules.offsite(plan, [medium], written, written + hours * HOUR, BERLIN, NONE)

    assert found(medium, 15) == []
    assert found(medium, 16) == [Word(rules.OVERDUE, {"label": "Mo extern", "hours": 16}, "m1")]
    safe = change(medium, stay=Stay("safe", "Ott", written + 10))
    assert words(found(safe, 16)) == [rules.OVERDUE]  # the safe here burns with the house
    outside = change(medium, stay=Stay("outside", "Ott", written + 10))
    assert found(outside, 16) == []
    back = change(medium, stay=Stay("drive", "", written + 7 * 24 * HOUR))
    assert rules.OVERDUE not in words(found(back, 7 * 24 + 1))  # brought in for its next run
    assert found(change(medium, held=True), 16) == []
    assert rules.offsite(make("external"), [medium], 0, written + 10**7, BERLIN, NONE) == []


def test_the_newest_copy_outside_grows_old_only_on_working_days() -> None:
    plan = make("variant2")
    written = at(MONDAY, "18:30")
    media = [change(MON, written=written, stay=Stay("outside", "Ott", written))]

    def missed(day: date, closed: frozenset[date] = NONE) -> list[Word]:
        return rules.offsite(plan, media, written, at(day, "09:00"), BERLIN, closed)

    thursday, friday = MONDAY + timedelta(days=3), MONDAY + timedelta(days=4)
    assert missed(thursday) == []  # Tuesday and Wednesday are missing
    assert missed(friday) == [Word(rules.OLD, {"days": 3})]
    assert missed(friday, frozenset({thursday})) == []
    weeks = frozenset(MONDAY + timedelta(days=number) for number in range(1, 22))
    assert missed(MONDAY + timedelta(days=22), weeks) == []
    remote = Medium("r", "Rechenzentrum", "remote", "remote", written=at(thursday, "03:30"))
    assert rules.offsite(plan, [*media, remote], written, at(friday, "09:00"), BERLIN, NONE) == []
    # Nothing has ever left: counted from the day the plan began.
    assert words(rules.offsite(plan, [], written, at(thursday, "09:00"), BERLIN, NONE)) == [rules.OLD]
    assert rules.offsite(plan, [], written, at(MONDAY + timedelta(days=2), "05:00"), BERLIN, NONE) == []


class Practice:
    """Media, a drive, and a desk that does what it is told; nothing but the rules."""

    def __init__(self, plan: BackupPlan, closed: frozenset[date]) -> None:
        self.plan, self.closed = plan, closed
        self.uses = {one.id: one.use for one in plan_rules.slots(plan)}
        self.media = {
            slot: Medium(f"id-{slot}", slot, slot)
            for slot, use in self.uses.items()
            if use in plan_rules.BY_HAND
        }
        self.drive: str | None = None
        self.done: dict[tuple[date, Job], str] = {}
        self.told: list[str] = []

    def look(self, now: int) -> list[Word]:
        """What the desk is told; a run that begins by itself is made first."""
        run = plan_rules.expected(self.plan, now, BERLIN, self.closed, self.done)
        today = plan_rules.backup_day(now, BERLIN, self.plan.day_begins)
        (day,) = plan_rules.calendar(self.plan, today, today, self.closed)
        media = list(self.media.values())
        wanted = media_rules.expect(run.run.slot, run.run.slot, media) if run else None
        judged: Judged | None = None
        if wanted is not None:
            judged = media_rules.judge(
                wanted, self.shown(), {one.id: one for one in media}, "p", today=today, locked={}
            )
        labels = {one.slot: one.label for one in media}
        return rules.desk(run, wanted, judged, media, day, now, uses=self.uses, labels=labels)

    def shown(self) -> Seen:
        if self.drive is None:
            return Seen(False)
        medium = self.media[self.drive]
        return Seen(True, media_rules.written(Identity(medium.id, "p", medium.label)))

    def write(self, now: int, start: str) -> None:
        """The run that is wanted now, if its medium is in."""
        run = plan_rules.expected(self.plan, now, BERLIN, self.closed, self.done)
        if run and run.run.start == start and now >= run.at and self.drive == run.run.slot:
            self.media[self.drive] = change(self.media[self.drive], written=now)
            self.done[(run.run.day, run.run.job)] = self.drive

    def obey(self, now: int, evening: bool) -> None:
        """Do all that can be done now, one word after the other."""
        for word in self.look(now):
            self.told.append(word.code)
            if word.code == rules.TAKE_OUT:
                self.drive = None
            elif word.code == rules.INSERT and self.drive is None:
                self.drive = str(word.params["label"])
                self.media[self.drive] = change(self.media[self.drive], stay=Stay("drive", "", now))
            elif word.code == rules.START:
                self.write(now, "desk")
            elif word.code == rules.TO_SAFE or (word.code == rules.CARRY_OUT and evening):
                place: Place = "safe" if word.code == rules.TO_SAFE else "outside"
                slot = word.subject.removeprefix("id-")
                self.media[slot] = change(
                    self.media[slot], stay=rules.moved(self.media[slot], place, "Ott", now, now)
                )


TICKS = ("07:00", "12:00", "18:05", "18:30", "19:00", "20:00", "02:00", "05:00")


@settings(max_examples=20, phases=[Phase.explicit, Phase.generate])  # weeks shrink too slowly
@given(
    st.sampled_from(["variant1", "variant2"]),
    st.sets(st.sampled_from(WEEKDAYS), min_size=1),
    st.sets(st.integers(0, 27)),
)
def test_a_desk_that_does_as_it_is_told_has_every_backup_and_a_copy_outside(variant, days, shut) -> None:  # type: ignore[no-untyped-def]
    plan = make(variant, days=days)
    closed = frozenset(MONDAY + timedelta(days=one) for one in shut)
    practice = Practice(plan, closed)
    planned: dict[tuple[date, Job], str] = {}
    for number in range(28):
        day = MONDAY + timedelta(days=number)
        runs = [one for one in plan_rules.runs_on(plan, day, closed) if one.slot in practice.media]
        planned |= {(day, one.job): one.slot for one in runs}
        for tick in TICKS:
            now = at(day, tick)
            practice.write(now, "time")
            if runs and tick >= "07:00":
                practice.obey(now, evening=tick >= "19:00")
                found = rules.offsite(plan, practice.media.values(), NOW, now, BERLIN, closed)
                assert found == [], (day, tick)
    assert practice.done == planned
    assert set(practice.told) <= {
        rules.INSERT,
        rules.START,
        rules.TAKE_OUT,
        rules.CARRY_OUT,
        rules.TO_SAFE,
        rules.BRING,
    }
    # After work every medium that was written for outside is there.
    for slot, medium in practice.media.items():
        if medium.written is not None and slot.endswith("_away"):
            assert rules.place_of(medium) == "outside"


def test_a_day_of_the_desk() -> None:
    practice = Practice(make("variant1"), NONE)
    tuesday = MONDAY + timedelta(days=1)
    told = [(one.code, one.params["label"]) for one in practice.look(at(MONDAY, "08:00"))]
    assert told == [(rules.INSERT, "mon_away"), (rules.BRING, "tue_away")]
    practice.drive = "tue_away"
    assert words(practice.look(at(MONDAY, "08:00")))[0] == rules.INSERT  # no fault while there is time
    wrong = practice.look(at(MONDAY, "17:30"))[0]
    assert (wrong.code, wrong.params["label"], wrong.params["expected"]) == (
        media_rules.WRONG,
        "tue_away",
        "mon_away",
    )
    practice.drive = None
    assert words(practice.look(at(MONDAY, "17:30")))[0] == rules.INSERT
    assert words(practice.look(at(MONDAY, "18:10")))[0] == media_rules.MISSING
    practice.drive = "mon_away"
    assert words(practice.look(at(MONDAY, "12:00"))) == [rules.BRING]
    assert words(practice.look(at(MONDAY, "18:10")))[0] == rules.START
    practice.write(at(MONDAY, "18:20"), "desk")
    told = [(one.code, one.params["label"]) for one in practice.look(at(MONDAY, "18:30"))]
    assert told[:3] == [
        (rules.TAKE_OUT, "mon_away"),
        (rules.CARRY_OUT, "mon_away"),
        (rules.INSERT, "mon_here"),
    ]
    practice.drive = "mon_here"
    practice.write(at(MONDAY, "01:30"), "time")
    practice.media["mon_away"] = change(
        practice.media["mon_away"], stay=Stay("outside", "Ott", at(MONDAY, "19:00"))
    )
    told = [(one.code, one.params["label"]) for one in practice.look(at(tuesday, "07:00"))]
    assert told[:3] == [(rules.TAKE_OUT, "mon_here"), (rules.TO_SAFE, "mon_here"), (rules.INSERT, "tue_away")]


def test_a_medium_of_tomorrow_is_only_brought() -> None:
    practice = Practice(make("variant2"), NONE)
    practice.drive = "mon_away"
    practice.write(at(MONDAY, "18:20"), "desk")
    practice.obey(at(MONDAY, "18:30"), evening=True)
    assert practice.drive is None and practice.told == [rules.TAKE_OUT, rules.CARRY_OUT, rules.BRING]
    assert words(practice.look(at(MONDAY, "19:00"))) == [rules.BRING]


def test_what_has_no_medium_yet_is_told_by_its_slot() -> None:
    plan = make("variant2")
    (day,) = plan_rules.calendar(plan, MONDAY, MONDAY, NONE)
    image = ImageDue("image_2", MONDAY, True, {})
    found = rules.desk(None, None, None, [], day, NOW, uses={}, labels={}, image=image)
    assert words(found) == [rules.BRING, "backups.image_due"]
    assert found[0].params["label"] == {"text": "backups.slot.tue_away"}
    assert found[0].params["day"] == day_rules.told(MONDAY + timedelta(days=1))
    assert found[1].params["label"] == {"text": "backups.slot.image_2"}
