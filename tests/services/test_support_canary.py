"""No canary flies out with a support package, a letter, a copied text or the log (SPEC 7.11, issue 8).

Patients of the house of canaries, people of the practice, and everything somebody can type: settings, names, subjects of
issues; and a log into which programs have written as carelessly as can be.
"""

import json
import logging
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import issues
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.finding import Finding, Severity
from praxisd.kernel.service import Scope
from praxisd.model.machine import (
    Disk,
    FolderRight,
    MachineFacts,
    Network,
    Printer,
    ProcessorFacts,
    ServiceFacts,
    SqlInstance,
    SystemFacts,
    known,
)
from praxisd.services.accounts import api as accounts
from praxisd.services.diagnosis import api as diagnosis
from praxisd.services.messaging import accounts as mail_accounts
from praxisd.testing.practice import key_for
from praxisd.web.app import build

from .canary_house import Aviary, fill
from .mail_cast import HOST, post_office

pytestmark = pytest.mark.judge

PERSON = "Kanariewitz"
"""Everything people of the practice are called, and what somebody typed."""
CAUGHT = ("kanarie", "1911-11-11", "11.11.1911")


MACHINE = MachineFacts(
    host=PERSON.lower(),
    at=0,
    computer_name=known(PERSON),
    domain=known(PERSON),
    disks=known((Disk(volume=f"/srv/{PERSON}", target=known(PERSON)),)),
    network=known((Network(name=PERSON),)),
    services=known((ServiceFacts(name=PERSON, display=PERSON, program=f"C:\\{PERSON}\\x.exe"),)),
    sql=known((SqlInstance(instance=PERSON),)),
    printers=known((Printer(name=PERSON),)),
    antivirus=known((PERSON,)),
    pdf_reader=known(PERSON),
    rights=known((FolderRight(folder=PERSON),)),
    os=SystemFacts(name=known(PERSON), edition=known(PERSON), version=known(PERSON)),
    cpu=ProcessorFacts(name=known(PERSON)),
    dotnet=known(PERSON),
)
"""A computer on which everything is called after somebody."""


@pytest.fixture(name="nest")
def the_nest(sqlite_houses, clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aviary]:
    monkeypatch.setattr(diagnosis, "facts", lambda _house: MACHINE)
    house = sqlite_houses.open(None, clock)
    with TestClient(build(house, main.doors(house)), base_url="http://praxis.test") as client:
        nest = fill(house, client)
        _people(nest)
        _typed(nest)
        yield nest


def _people(nest: Aviary) -> None:
    house = nest.house

    def work(tx: Any) -> None:
        for role in ("owner", "desk"):
            accounts.create_user(
                tx, house.registry, login=f"{PERSON.lower()}.{role}", name=f"Dr. {PERSON}", role=role, password_hash="x"
            )  # fmt: skip

    house.store.run(system("test", nest.practice.organization), work)
    nest.keys["named"] = key_for(house, nest.practice, "owner", PERSON)


def _typed(nest: Aviary) -> None:
    """Every setting of text that takes it, and issues about things that are called like somebody."""
    house = nest.house

    scopes = (Scope.INSTALLATION, Scope.ORGANIZATION)
    free = [
        key
        for key, one in house.registry.settings.items()
        if one.kind is str and one.check is None and one.agrees is None and one.scope in scopes
        and (one.high or 99) >= len(PERSON)
    ]  # fmt: skip

    def work(tx: Any) -> None:
        for key in free:
            house.settings.put(tx, key, PERSON)

    house.store.run(system("test", nest.practice.organization), work)
    for organization in (nest.practice.organization, INSTALLATION):
        finding = Finding("store.disk_low", PERSON, Severity.WARNING, {"free": 1, "limit": 2, "name": PERSON})
        house.store.run(
            system("test", organization), lambda tx, found=finding: issues.raise_issue(tx, found, "x")
        )


def _careless(nest: Aviary) -> None:
    """What no program should write into a log."""
    log, other = nest.house.log, logging.getLogger(f"{PERSON}.module")
    for field in (
        "subject",
        "actor",
        "reason",
        "key",
        "host",
        "template",
        "logger",
        "where",
        "job",
        "state",
        "table",
        "lease",
    ):
        log.error("check_failed", **{field: PERSON})
    log.warning(
        "check_failed",
        error=ValueError(f"Patientin {PERSON}, geboren am 11.11.1911"),
        trace=PERSON,
        patient=PERSON,
    )
    log.error(PERSON.lower())
    other.warning("patient %s", PERSON)
    other.warning(f"Patientin {PERSON} fehlt")
    try:
        try:
            raise KeyError(PERSON)
        except KeyError as why:
            raise RuntimeError(f"bei {PERSON}") from why
    except RuntimeError as error:
        other.exception("failed for %s", PERSON)
        log.error("check_failed", error=error)
    named = type(PERSON, (Exception,), {})
    log.error("check_failed", error=named(PERSON))


def _free_of_canaries(what: str, text: str) -> None:
    low = text.casefold()
    assert not [bird for bird in CAUGHT if bird in low], (
        what,
        low[max(0, low.find("kanarie") - 200) :][:400],
    )


def test_nothing_that_leaves_for_the_partner_names_anybody(nest: Aviary, tmp_path: Path) -> None:
    house = nest.house
    _careless(nest)
    headers = {"Authorization": f"Bearer {nest.keys['owner']}"}

    def ask(method: str, path: str, body: Any = None) -> Any:
        got = nest.client.request(method, f"/api/v1{path}", headers=headers, json=body)
        assert got.status_code < 300, got.text
        return got

    assert "kanariewitz" in ask("GET", "/users").text.casefold(), "they are there to be caught"
    made = ask("POST", "/support/bundle", {}).json()
    content = ask("GET", f"/support/bundle/{made['id']}/file").text
    _free_of_canaries("package", content)
    rows = [json.loads(line) for line in content.splitlines()]
    _it_has_teeth(rows)
    house.store.run(
        system("test", nest.practice.organization),
        lambda tx: house.settings.put(tx, "support.partner_email", "hilfe@systemhaus.example"),
    )
    with post_office(tmp_path, user="praxis", password="geheim") as post:
        fields = {
            "server": HOST,
            "port": str(post.server.port),
            "certificate": post.certificate,
            "login": "praxis",
        }
        given = mail_accounts.Given(
            gateway="smtp", sender="termine@praxis.example", active=True, cost=1, fields=fields, secrets={"password": "geheim"}
        )  # fmt: skip
        house.store.run(
            system("test", nest.practice.organization),
            lambda tx: mail_accounts.put(house, tx, "email", given),
        )
        assert (
            ask("POST", f"/support/bundle/{made['id']}/send", {"once": "click-0001"}).json()["state"]
            == "sent"
        )
    mail = message_from_bytes(post.taken[0].content, policy=policy.default)
    (file,) = mail.iter_attachments()
    assert file.get_content() == content.encode()
    _free_of_canaries("mail", "".join(f"{k}: {v}\n" for k, v in mail.items() if k != "Subject"))


def _it_has_teeth(rows: list[dict[str, Any]]) -> None:
    """The walk is worth something only where there was something to catch."""
    hidden = [row for row in rows if row.get("hidden")]
    assert {"setting", "issue", "log"} <= {row["part"] for row in hidden}
    assert not [row for row in rows if row.get("failed")]
    log = [row for row in rows if row["part"] == "log" and row.get("event") == "check_failed"]
    assert len(log) >= 14 and any(row.get("error_type") == "RuntimeError" for row in log)
    tables = {row["name"]: row["rows"] for row in rows if row["part"] == "table"}
    assert tables["directory_patient"] > 5 and tables["accounts_user"] == 2


def test_what_is_copied_and_what_is_written_to_the_log_names_nobody(nest: Aviary) -> None:
    headers = {"Authorization": f"Bearer {nest.keys['owner']}"}
    found = nest.client.get("/api/v1/issues", headers=headers).json()["issues"]
    assert found
    for patients in nest.words.values():
        assert patients
    for one in found:
        text = "".join(str(one.get(part)) for part in ("title", "cause", "solution", "hint", "information"))
        assert not nest.caught(text), one
    wish = {"issue": {"code": "store.disk_low", "subject": PERSON}, "text": "", "person": "", "phone": ""}
    nest.house.store.run(
        system("test", nest.practice.organization),
        lambda tx: nest.house.settings.put(tx, "support.partner_email", "hilfe@systemhaus.example"),
    )
    letter = nest.client.post("/api/v1/support/contact/preview", headers=headers, json=wish).json()
    assert not nest.caught(letter["subject"] + letter["text"])
    log = nest.client.get("/api/v1/log/download", headers=headers).text
    assert len(log.splitlines()) > 20 and not nest.caught(log)
