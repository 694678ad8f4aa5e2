"""Issues on both engines: raised once, cleared when healed, ignored through flapping; checks that hang or
crash.
"""

import threading
from collections.abc import Callable, Iterator

import pytest

from praxisd.kernel import events, issues
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.kernel.house import SERVICE
from praxisd.kernel.issues import FAILED, TIMEOUT, Checker, Issue, run_checks
from praxisd.kernel.registry import Registry, freeze
from praxisd.kernel.service import Check, Finding, Service, Severity
from praxisd.testing.houses import Houses

Make = Callable[..., House]
CODE = "store.disk_low"
OTHER = "store.folder_open"


class Patient:
    """A check whose findings the test sets."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.calls = 0
        self.fault: Exception | None = None
        self.gate: threading.Event | None = None

    def __call__(self, _house: House) -> Iterator[Finding]:
        self.calls += 1
        if self.gate is not None:
            self.gate.wait(20)
        yield from self.findings
        if self.fault is not None:
            raise self.fault


def with_check(call: Patient, seconds: float = 5.0) -> Registry:
    bare = {f: getattr(SERVICE, f) for f in SERVICE.__dataclass_fields__}
    checks = (Check("trial.check", (CODE, OTHER), call, seconds),)
    return freeze((Service(**bare | {"checks": checks, "fixes": ()}),))


def low(subject: str = "", organization: str | None = None, free: int = 100) -> Finding:
    return Finding(CODE, subject, Severity.WARNING, {"free": free, "limit": 500}, organization)


def open_codes(house: House) -> list[tuple[str, str, str]]:
    with house.store.read(system("test")) as tx:
        return [(i.organization, i.code, i.subject) for i in issues.list_all(tx)]


def noted(house: House, organization: str = INSTALLATION) -> list[str]:
    with house.store.read(system("test", organization)) as tx:
        return [e.type.removeprefix("issue.") for e in events.since(tx, 0)]


def the(house: House, subject: str = "") -> Issue:
    with house.store.read(system("test")) as tx:
        return next(i for i in issues.list_all(tx) if i.code == CODE and i.subject == subject)


def test_an_issue_is_raised_once_and_clears_itself(make_house: Make, clock: FrozenClock) -> None:
    patient = Patient()
    house = make_house(with_check(patient))
    start = clock.now()
    patient.findings = [low(), low("disk2")]
    report = run_checks(house)
    assert [i.subject for i in report.issues] == ["", "disk2"]
    assert report.checked == ("trial.check",)
    clock.advance(60)
    run_checks(house)
    assert noted(house) == ["raised", "raised"]
    assert (the(house).first_at, the(house).last_at) == (start, start)
    clock.advance(3600)
    run_checks(house)
    assert (the(house).first_at, the(house).last_at) == (start, clock.now())
    patient.findings = [low("disk2", free=50)]
    run_checks(house)
    assert open_codes(house) == [(INSTALLATION, CODE, "disk2")]
    assert the(house, "disk2").params == {"free": 50, "limit": 500}
    patient.findings = []
    run_checks(house)
    assert open_codes(house) == []
    assert noted(house) == ["raised", "raised", "cleared", "cleared"]


def test_ignoring_survives_flapping(make_house: Make, clock: FrozenClock) -> None:
    patient = Patient()
    house = make_house(with_check(patient))
    patient.findings = [low()]
    run_checks(house)
    with house.store.write(system("test")) as tx:
        issues.ignore(tx, CODE, "", "bigger disk is ordered")
    for _ in range(3):
        patient.findings = []
        run_checks(house)
        assert open_codes(house) == []
        clock.advance(60)
        patient.findings = [low()]
        run_checks(house)
        assert (the(house).ignored_by, the(house).ignore_reason) == (
            "system:test",
            "bigger disk is ordered",
        )
        assert the(house).first_at == clock.now()
    assert issues.doctor(house)["issues"] == []
    with house.store.write(system("test")) as tx:
        issues.heed(tx, CODE, "")
    assert [i["code"] for i in issues.doctor(house)["issues"]] == [CODE]
    with pytest.raises(Problem, match="not_found"), house.store.write(system("test")) as tx:
        issues.ignore(tx, CODE, "no such subject", "")


def test_issues_belong_to_their_practice(make_house: Make) -> None:
    patient = Patient()
    house = make_house(with_check(patient))
    patient.findings = [low(organization="a"), low(organization="b"), low()]
    run_checks(house)
    with house.store.read(system("test", "a")) as tx:
        assert [i.organization for i in issues.list_open(tx)] == ["a"]
    patient.findings = [low(organization="b")]
    run_checks(house)
    assert open_codes(house) == [("b", CODE, "")]
    assert noted(house, "a") == ["raised", "cleared"]
    assert noted(house, "b") == ["raised"]


def test_a_crashing_check_is_an_issue_and_clears_nothing(make_house: Make) -> None:
    patient = Patient()
    house = make_house(with_check(patient))
    patient.findings = [low()]
    run_checks(house)
    patient.findings, patient.fault = [], RuntimeError("Erika Mustermann")
    run_checks(house)
    assert open_codes(house) == [(INSTALLATION, FAILED, "trial.check"), (INSTALLATION, CODE, "")]
    patient.fault = None
    run_checks(house)
    assert open_codes(house) == []


def test_a_hanging_check_is_an_issue_and_holds_up_nothing(make_house: Make) -> None:
    patient = Patient()
    patient.gate = threading.Event()
    registry = with_check(patient, seconds=0.1)
    house = make_house(registry)
    for _ in range(3):
        report = run_checks(house)
        assert [(i.code, i.subject) for i in report.issues] == [(TIMEOUT, "trial.check")]
    assert patient.calls == 1  # while the first call hangs no second one is begun
    patient.gate.set()
    assert house.shared["checking"].under_way["trial.check"][0].over.wait(30)
    # What does not hang may take its time.
    object.__setattr__(registry.services[0].checks[0], "seconds", 30.0)
    assert run_checks(house).issues == ()
    assert patient.calls == 2


def test_a_check_may_only_yield_its_declared_codes(make_house: Make) -> None:
    patient = Patient()
    house = make_house(with_check(patient))
    patient.findings = [Finding("clock.jumped")]
    assert [i.code for i in run_checks(house).issues] == [FAILED]


def test_subjects_that_are_sentences_stay_out_of_events(make_house: Make) -> None:
    patient = Patient()
    house = make_house(with_check(patient))
    patient.findings = [low("C:\\Eigene Dateien"), low("/var/lib")]
    run_checks(house)
    with house.store.read(system("test")) as tx:
        assert [e.codes.get("subject") for e in events.since(tx, 0)] == [None, "/var/lib"]


def test_the_checker_runs_each_minute_on_one_node(postgres_houses: Houses, clock: FrozenClock) -> None:
    patient = Patient()
    first = postgres_houses.open(with_check(patient), clock)
    one, two = Checker(first), Checker(postgres_houses.twin(first))
    for _ in range(3):
        one.step()
        two.step()
    assert patient.calls == 1
    clock.advance(60)
    two.step()
    assert patient.calls == 1
    one.step()
    assert patient.calls == 2
    clock.advance(240)  # the first node is gone: its lease lapses
    two.step()
    assert patient.calls == 3


def test_the_doctor_speaks_german_and_english(make_house: Make) -> None:
    patient = Patient()
    house = make_house(with_check(patient))
    patient.findings = [low()]
    german, english = issues.doctor(house, "de"), issues.doctor(house, "en")
    (one,) = german["issues"]
    assert set(one) == {"code", "severity", "subject", "title", "cause", "solution"}
    assert (one["code"], one["severity"], one["title"]) == (CODE, "warning", "Wenig Speicherplatz")
    assert "100 MB" in one["cause"]
    assert english["issues"][0]["title"] == "Little disk space"
    assert german["checked"] == ["trial.check"]
