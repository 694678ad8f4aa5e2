"""The pure rules of the daily look, of what is covered, of the form's questions and of „recent and proved“."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.model.backup import DueRun, PlannedRun
from praxisd.model.backup_kept import Answer, LogCheck, RunKept, SourceKept
from praxisd.model.machine import Disk, MachineFacts, ServiceFacts, SqlInstance, known, unknown
from praxisd.model.product import Backup, Head, Product, Source
from praxisd.services.backups.protocol import coverage_rules, log_rules, proof_rules, question_rules
from praxisd.services.backups.protocol.coverage_rules import Thing
from praxisd.services.backups.protocol.question_rules import BY_ID

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 23)
WORKING: tuple[Any, ...] = ("mon", "tue", "wed", "thu", "fri")


def at(day: date, hour: int, minute: int = 0) -> int:
    return int(datetime(day.year, day.month, day.day, hour, minute, tzinfo=BERLIN).timestamp())


def run(
    id_: str, state: Any = "good", *, job: Any = "evening", slot: str = "mon_away", **more: Any
) -> RunKept:
    return RunKept(
        id_, more.pop("kind", "backup"), MONDAY, "plan", more.pop("asked", 1), state, job, slot, **more
    )


PLANNED = (
    DueRun(PlannedRun("evening", MONDAY, "mon_away", "18:00", "desk"), at(MONDAY, 18)),
    DueRun(PlannedRun("night", MONDAY, "nas", "01:30", "time", True), at(MONDAY + timedelta(days=1), 1, 30)),
)


def test_a_day_is_green_when_all_that_was_planned_is_good() -> None:
    both = [run("a"), run("b", job="night", slot="nas", asked=2)]
    assert log_rules.state(log_rules.lines(PLANNED, both, over=True)) == "green"
    missing = log_rules.lines(PLANNED, both[:1], over=True)
    assert [one.state for one in missing] == ["good", "missed"] and log_rules.state(missing) == "not_green"
    coming = log_rules.lines(PLANNED, both[:1], over=False)
    assert [one.state for one in coming] == ["good", "coming"] and log_rules.state(coming) == "open"
    assert log_rules.state(log_rules.lines(PLANNED, [], over=True)) == "no_run"
    assert log_rules.state(log_rules.lines((), [], over=True)) == "nothing"


def test_of_several_tries_the_last_counts_and_a_restore_does_not() -> None:
    tries = [
        run("a", "failed"),
        run("b", "good", asked=5),
        run("c", kind="restore", state="failed", job=None),
    ]
    found = log_rules.lines((), tries, over=True)
    assert [(one.run.id, one.last) for one in found if one.run] == [("a", False), ("c", True), ("b", True)]
    assert log_rules.state(found) == "green"
    proof = run("p", "failed", kind="prove", job=None, slot="", asked=9)
    assert log_rules.state(log_rules.lines((), [*tries, proof], over=True)) == "not_green"
    by_hand = [
        run("h", "failed", job=None, slot="", medium="m1"),
        run("i", "good", job=None, slot="", medium="m2"),
    ]
    assert log_rules.state(log_rules.lines((), by_hand, over=True)) == "not_green"
    assert log_rules.said("open") == "not_green" and log_rules.said("no_run") == "no_run"


def test_the_look_is_late_from_ten_of_the_next_working_day_and_never_on_closed_ones() -> None:
    friday, saturday, monday = date(2026, 11, 20), date(2026, 11, 21), MONDAY
    states: dict[date, Any] = {friday: "green", saturday: "green"}

    def late(now: int, closed: frozenset[date] = frozenset(), checks: Any = None) -> tuple[date, ...]:
        return log_rules.unlooked(states, checks or {}, now, WORKING, closed, BERLIN)

    assert late(at(saturday, 12)) == () and late(at(monday, 9, 59)) == ()
    assert late(at(monday, 10)) == (friday, saturday)
    assert late(at(monday, 12), frozenset({monday})) == ()
    tuesday = monday + timedelta(days=1)
    assert late(at(tuesday, 9), frozenset({monday})) == ()
    assert late(at(tuesday, 10), frozenset({monday})) == (friday, saturday)
    looked = LogCheck(friday, "Anna", at(monday, 8), "green")
    assert late(at(monday, 11), checks={friday: looked}) == (saturday,)
    states[saturday] = "nothing"
    assert late(at(monday, 11)) == (friday,)


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.sets(st.integers(1, 20)))
def test_late_is_always_a_working_day_at_ten(day: date, shut: set[int]) -> None:
    closed = frozenset(day + timedelta(days=one) for one in shut)
    found = log_rules.late_from(day, WORKING, closed, BERLIN)
    assert found is not None
    local = datetime.fromtimestamp(found, BERLIN)
    assert (local.hour, local.minute) == (10, 0) and local.date() > day
    assert log_rules.working(local.date(), WORKING, closed)


def product(*rows: Backup) -> Product:
    head = Head(id="x.isynet", name="x.isynet", vendor="medatixx")
    source = Source(title="t", version="1", stand=date(2026, 1, 1))
    return Product(id=head.id, name=head.name, vendor=head.vendor, source=source, backups=rows)


ROWS = (
    Backup(database="SQL-Datenbank"),
    Backup(path=r"Server-Laufwerksname:\WINACS\Foto\*.*"),
    Backup(path=r"Server-Laufwerksname:\WINACS\Isydoku\*.*", only_if="falls Isydoku installiert ist"),
    Backup(path=r"C:\ProgramData\medatixx\lx2 Server\medatixx.lic"),
    Backup(database="alle Praxissysteme: eventuelle Zusatzprodukte"),
)


def test_rows_of_a_product_become_things_where_they_lie() -> None:
    found = coverage_rules.of_product(product(*ROWS), "Praxis", r"D:\winacs", "", lambda _: None)
    assert [(one.kind, one.name) for one in found] == [
        ("database", "Praxis: SQL"),
        ("folder", r"D:\winacs\Foto"),
        ("folder", r"D:\winacs\Isydoku"),
        ("file", r"C:\ProgramData\medatixx\lx2 Server\medatixx.lic"),
    ]
    there = {"/srv/winacs": True, "/srv/winacs/Foto": True}
    linux = coverage_rules.of_product(
        product(*ROWS[:3]), "P", "/srv/winacs", "", lambda one: there.get(one, False)
    )
    assert [one.name for one in linux] == ["P: SQL", "/srv/winacs/Foto"]
    elsewhere = coverage_rules.of_product(product(*ROWS[:2]), "P", r"D:\winacs", "server2", lambda _: False)
    assert {one.host for one in elsewhere} == {"server2"} and len(elsewhere) == 2
    assert [one.kind for one in coverage_rules.of_product(product(), "P", "", "", lambda _: None)] == ["data"]
    unknown_place = coverage_rules.of_product(product(ROWS[1]), "P", "", "", lambda _: None)
    assert [(one.kind, one.path) for one in unknown_place] == [("data", "")]


def folder(name: str, path: str) -> SourceKept:
    return SourceKept(name, "folders", {"path": path}, "", "Anna", 1)


def states(
    things: list[Thing], sources: list[SourceKept], claims: Any = None, own: str = "/data"
) -> list[str]:
    return [one.state for one in coverage_rules.judge(things, sources, claims or {}, [own], "PostgreSQL")]


def test_a_folder_is_covered_by_what_lies_above_it_as_its_system_compares() -> None:
    photo = Thing("folder", r"D:\winacs\Foto", r"D:\winacs\Foto")
    assert states([photo], []) == ["open"]
    assert states([photo], [folder("PVS", r"d:\WINACS")]) == ["covered"]
    assert states([photo], [folder("PVS", r"D:\winacs\Foto2")]) == ["open"]
    assert states([photo], [folder("PVS", "D:\\")]) == ["covered"]
    assert states([replace(photo, host="server2")], [folder("PVS", r"D:\winacs")]) == ["open"]
    assert coverage_rules.inside("/srv/A", "/srv/a") is False and coverage_rules.inside("/srv/a", "/")


def test_what_is_left_out_and_what_a_source_is_said_to_cover() -> None:
    database = Thing("database", "Praxis: SQL", product="Praxis")
    name = coverage_rules.source_name(database)
    out = SourceKept(name, "excluded", {}, "sichert der Hersteller", "Anna", 7)
    (left,) = coverage_rules.judge([database], [out], {}, [], "")
    assert (left.state, left.reason, left.by, left.at) == ("excluded", "sichert der Hersteller", "Anna", 7)
    hook = SourceKept("SQL Server", "command", {"args": ["x"], "files": ["a"]}, "", "Anna", 1)
    said = {database.id: Answer("covered_by/x", "SQL Server", "Bernd", 9)}
    (taken,) = coverage_rules.judge([database], [hook], said, [], "")
    assert (taken.state, taken.source, taken.by) == ("covered", "SQL Server", "Bernd")
    assert states([database], [], said) == ["open"], "the source is gone: so is what it covered"


def test_names_of_sources_hold_no_strokes_and_are_short_and_apart() -> None:
    long = [Thing("folder", rf"D:\winacs\{'lang' * 30}{n}", host="server2") for n in (1, 2)]
    names = [coverage_rules.source_name(one) for one in [*long, Thing("disk", "E:\\", "E:\\")]]
    assert all(len(one) <= 80 and "/" not in one and "\\" not in one for one in names)
    assert len(set(names)) == 3 and names[2] == "E:"


def test_servers_and_disks_of_this_computer() -> None:
    facts = MachineFacts(
        host="server",
        at=0,
        sql=known((SqlInstance(instance="ISYNET"),)),
        services=known(
            (
                ServiceFacts(name="postgresql@15-main.service", state="running"),
                ServiceFacts(name="mariadb.service", state="stopped"),
            )
        ),
        disks=known(
            (
                Disk(volume="C:\\", system=known(True)),
                Disk(volume="D:\\", system=known(False)),
                Disk(volume="E:\\", kind=known("removable")),
                Disk(volume="/boot/efi"),
                Disk(volume="/srv"),
                Disk(volume="/mnt/rdx"),
            )
        ),
    )
    assert [one.name for one in coverage_rules.servers(facts, True)] == ["PostgreSQL"]
    assert [one.name for one in coverage_rules.servers(facts, False)] == ["SQL Server ISYNET", "PostgreSQL"]
    found = coverage_rules.disks(facts, [r"D:\winacs"], ["/mnt/rdx/restic"])
    assert [one.name for one in found] == ["/srv"]
    assert states(found, [folder("Bilder", "/srv/bilder")]) == ["covered"]
    assert states(found, [], own="/srv/praxisd") == ["covered"]
    assert states([Thing("server", "PostgreSQL")], []) == ["covered"]
    nothing = MachineFacts(host="server", at=0, disks=unknown("denied"))
    assert coverage_rules.disks(nothing, [], []) == [] and coverage_rules.servers(nothing, False) == []


def test_answers_are_tidied_and_refused() -> None:
    assert question_rules.read(BY_ID["instructed"], "  Anna  Muster \n\n Bernd ") == "Anna Muster\nBernd"
    assert question_rules.read(BY_ID["extra_1"], "a\nb") == "a b"
    for id_, value in (("monitoring", "maybe"), ("instructed", "x\n" * 41), ("extra_1", "x" * 2001)):
        with pytest.raises(Problem) as refused:
            question_rules.read(BY_ID[id_], value)
        assert (refused.value.code, refused.value.status) == (question_rules.INVALID, 422)


def test_only_what_is_of_use_is_asked() -> None:
    first = {one.id for one in question_rules.open_ones({"no_good_run", "not_proven"}, {})}
    assert first == {
        "technician", "instructed", "monitoring", "extra_1", "extra_products", "no_test_run", "proof_declined",
    }  # fmt: skip
    assert "monitoring_by" in {one.id for one in question_rules.asked(frozenset(), {"monitoring": "yes"})}
    assert "no_test_run" not in {one.id for one in question_rules.asked(frozenset(), {})}
    assert "own_software" in {one.id for one in question_rules.asked({"external"}, {})}


def test_recent_and_proved() -> None:
    days: dict[date, Any] = {MONDAY - timedelta(days=n): "green" for n in range(1, 10)}
    last, now, day = MONDAY - timedelta(days=1), at(MONDAY, 12), 86_400

    def good(made: Any, proven: int | None, variant: Any = "variant2", since: int = 0) -> bool | None:
        return proof_rules.good(variant, since, days, made, proven, now)

    assert good([last], now - 30 * day) is True
    assert good([MONDAY - timedelta(days=3)], now - day) is False, "two days in a row have no copy"
    assert good([last], now - 46 * day) is False
    assert good([last], None) is False and good([last], None, since=now - 20 * day) is None
    assert good([last], now, "external") is None
    assert proof_rules.good("variant2", 0, {}, [], None, now) is None
