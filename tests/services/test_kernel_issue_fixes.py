"""What an issue is to people: a plain hint, the lines for the service partner, one click that heals it; on both engines."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import control, issues
from praxisd.kernel.access import INSTALLATION, Actor, system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.house import SERVICE
from praxisd.kernel.issues import Issue
from praxisd.kernel.registry import DeclarationError, Registry, freeze
from praxisd.kernel.service import Check, Finding, Fix, Severity
from praxisd.kernel.terminal import exit_code
from praxisd.testing.houses import default_services
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd.web.app import build

CODE, OTHER = "store.disk_low", "store.folder_open"


class Ward:
    """A check whose findings the test sets, and a fix that heals one (or does not)."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.heals, self.fault = True, None
        self.done: list[tuple[str, str, dict[str, Any]]] = []

    def check(self, _house: House) -> Iterator[Finding]:
        yield from self.findings

    def fix(
        self, _house: House, actor: Actor, subject: str, params: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        if self.fault is not None:
            raise self.fault
        self.done.append((actor.label, subject, dict(params)))
        if self.heals:
            self.findings = [one for one in self.findings if one.subject != subject]
        return {"restart": True, "note": "issues.no_fix.title"}


@pytest.fixture
def ward() -> Ward:
    return Ward()


def registry(ward: Ward) -> Registry:
    """All services, the kernel's with one check and one fix; the words of the fix are those of a setting."""
    check = Check("trial.check", (CODE, OTHER), ward.check)
    kernel = replace(SERVICE, checks=(check,), fixes=(Fix(CODE, ward.fix, "kernel.settings.write", True),))
    return freeze(tuple(kernel if one.name == "kernel" else one for one in default_services()))


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> None:
    from praxisd.kernel.texts import Texts

    has, get = Texts.has, Texts.get
    made = {f"{CODE}.fix": "Aufräumen", f"{CODE}.fix_ask": "Alte Dateien werden gelöscht ({subject})."}
    monkeypatch.setattr(Texts, "has", lambda self, key, lang=None: key in made or has(self, key, lang))

    def say(self: Texts, key: str, lang: str = "de", /, **params: object) -> str:
        return made[key].format(**params) if key in made else get(self, key, lang, **params)

    monkeypatch.setattr(Texts, "get", say)


@pytest.fixture
def house(words: None, ward: Ward, make_house: Callable[..., House]) -> House:
    return make_house(registry(ward))


class Ask:
    """The door with a key of each role."""

    def __init__(self, house: House, practice: Practice, client: TestClient[Any]) -> None:
        self.keys = {
            role: key_for(house, practice, role, role) for role in ("owner", "desk", "pvs", "portal")
        }
        self.client = client

    def __call__(self, role: str, method: str, path: str, status: int = 200, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.keys[role]}"}
        got = self.client.request(method, f"/api/v1{path}", headers=headers, json=body)
        assert got.status_code == status, got.text
        return got.json()


@pytest.fixture
def ask(house: House) -> Iterator[Ask]:
    practice = small_practice(house)
    with TestClient(build(house, main.doors(house))) as client:
        yield Ask(house, practice, client)


def low(subject: str = "") -> Finding:
    return Finding(CODE, subject, Severity.WARNING, {"free": 100, "limit": 500})


def test_an_issue_says_what_the_desk_and_the_service_partner_need(house: House, ward: Ward, ask: Ask) -> None:
    ward.findings = [
        low("C:\\Eigene Dateien\nErika"),
        low("/var/lib"),
        Finding(OTHER, params={"folder": "x"}),
    ]
    issues.run_checks(house, ["trial.check"])
    found = {(i["code"], i["subject"]): i for i in ask("owner", "GET", "/issues")["issues"]}
    one = found[CODE, "/var/lib"]
    assert one["hint"].startswith("Auf dem Server wird der Speicherplatz knapp.")
    assert one["fix"] == {"label": "Aufräumen", "ask": "Alte Dateien werden gelöscht (/var/lib)."}
    lines = dict(line.split(": ", 1) for line in one["information"].splitlines())
    assert lines["Code"] == CODE and lines["Betrifft"] == "/var/lib" and lines["Schwere"] == "Warnung"
    assert "100 MB" in lines["Ursache"] and lines["Praxis"] and lines["Rechner"] and lines["Programm"]
    assert "Erika" not in found[CODE, "C:\\Eigene Dateien\nErika"]["information"]
    assert found[OTHER, ""]["fix"] is None and "geht im Moment nicht" in found[OTHER, ""]["hint"]
    assert {i["fix"] is None for i in ask("desk", "GET", "/issues")["issues"]} == {True}  # may not


def test_steps_of_a_solution_stand_below_each_other(house: House) -> None:
    told = Issue("x", "issues.fix_failed", "", Severity.ERROR, "trial.check", {"issue": "vom 4. Mai"}, 0, 0)
    with house.store.read(system("test")) as tx:
        lines = issues.information(house, tx, told, "de").splitlines()
    at = lines.index("Was zu tun ist: ")
    assert [line[:3] for line in lines[at + 1 :]] == ["1. ", "2. ", "3. "]
    assert any("vom 4. Mai" in line for line in lines[:at])  # a date is no step


def test_any_practice_program_can_show_the_notices(house: House, ward: Ward, ask: Ask) -> None:
    ward.findings = [low(), Finding(OTHER, params={"folder": "x"})]
    issues.run_checks(house, ["trial.check"])
    for role in ("pvs", "desk", "owner"):
        found = ask(role, "GET", "/issues/notices")
        assert found["count"] == 2
        assert [n["severity"] for n in found["notices"]] == ["error", "warning"]
        assert found["notices"][1]["hint"].startswith("Auf dem Server wird der Speicherplatz")
        assert "Code: store.disk_low" in found["notices"][1]["detail"]
    ask("portal", "GET", "/issues/notices", 403)
    ask("owner", "POST", f"/issues/{OTHER}/ignore", body={"reason": "bestellt"})
    assert ask("pvs", "GET", "/issues/notices")["count"] == 1


def test_one_click_heals_and_is_kept_in_the_record(house: House, ward: Ward, ask: Ask) -> None:
    ward.findings = [low("a"), low("b")]
    issues.run_checks(house, ["trial.check"])
    ask("desk", "POST", "/issues/fix", 403, {"code": CODE, "subject": "a"})
    got = ask("owner", "POST", "/issues/fix", body={"code": CODE, "subject": "a"})
    assert (got["healed"], got["restart"]) == (True, True)
    assert got["note"] == "Das lässt sich nicht mit einem Klick beheben"
    assert [(i["code"], i["subject"]) for i in got["issues"]] == [(CODE, "b")]
    assert [(subject, params) for _, subject, params in ward.done] == [("a", {"free": 100, "limit": 500})]
    kept = ask("owner", "POST", "/events/search", body={"types": ["issue.fixed"]})["events"]
    assert [e["sentence"] for e in kept] == ["Reparatur für die Meldung „Wenig Speicherplatz“ ausgeführt"]
    ward.heals = False
    assert ask("owner", "POST", "/issues/fix", body={"code": CODE, "subject": "b"})["healed"] is False


def test_what_cannot_be_healed_says_why(house: House, ward: Ward, ask: Ask) -> None:
    ward.findings = [low(), Finding(OTHER, params={"folder": "x"})]
    issues.run_checks(house, ["trial.check"])

    def refused(status: int, **body: str) -> Any:
        return ask("owner", "POST", "/issues/fix", status, body)["code"]

    assert refused(404, code=CODE, subject="gone") == issues.GONE
    assert refused(404, code=OTHER) == issues.NO_FIX
    assert refused(404, code="no.such") == "http.not_found"
    assert refused(400, code=CODE, organization="another") == "http.invalid_body"
    ward.fault = RuntimeError("Erika Mustermann")  # type: ignore[assignment]
    assert refused(500, code=CODE) == issues.FIX_FAILED
    ward.fault = Problem("control.busy", 409)  # type: ignore[assignment]
    assert refused(409, code=CODE, organization=INSTALLATION) == "control.busy"
    assert ward.done == []


def test_the_doctor_heals_by_command(house: House, ward: Ward) -> None:
    ward.findings = [low("a")]
    issues.run_checks(house, ["trial.check"])
    answer = control.perform(house, "kernel.fix", {"code": CODE, "subject": "a", "lang": "en"})
    assert (answer["healed"], answer["title"]) == (True, "Little disk space")
    with pytest.raises(Problem, match="gone"):
        control.perform(house, "kernel.fix", {"code": CODE, "subject": "a"})
    with house.store.read(system("test")) as tx:
        assert issues.list_all(tx) == []


def test_the_doctor_asks_for_a_practice_only_where_one_has_the_issue(house: House, ward: Ward) -> None:
    first, _ = small_practice(house), small_practice(house)

    def problem(code: str, **args: str) -> str:
        with pytest.raises(Problem) as found:
            control.perform(house, "kernel.fix", {"code": code, **args})
        return found.value.code

    assert problem(CODE) == "issues.gone"
    # A word that is no issue, and one that no click heals, are wrong use.
    assert [problem("store.nothing"), problem(OTHER)] == ["issues.no_fix"] * 2
    assert exit_code(Problem("issues.no_fix", 404)) == 2
    ward.findings = [replace(low("a"), organization=first.organization)]
    issues.run_checks(house, ["trial.check"])
    assert problem(CODE, subject="a") == "control.organization_needed"
    answer = control.perform(
        house, "kernel.fix", {"code": CODE, "subject": "a", "organization": first.organization}
    )
    assert answer["healed"]
    ward.findings = [low("b")]
    issues.run_checks(house, ["trial.check"])
    assert control.perform(house, "kernel.fix", {"code": CODE, "subject": "b"})["healed"]


def test_a_fix_needs_a_check_a_permission_and_words(ward: Ward) -> None:
    check = Check("trial.check", (CODE,), ward.check)

    def fault(fix: Fix) -> str:
        with pytest.raises(DeclarationError) as found:
            freeze((replace(SERVICE, checks=(check,), fixes=(fix,)),))
        return str(found.value)

    assert "no check finds" in fault(Fix("store.none", ward.fix, "kernel.settings.write"))
    assert "unknown permission" in fault(Fix(CODE, ward.fix, "kernel.nothing.write"))
    assert f"{CODE}.fix is missing" in fault(Fix(CODE, ward.fix, "kernel.settings.write"))
