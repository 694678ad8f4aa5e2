"""What leaves the logbook: as shown, without a patient, by a person's click or standing order, never otherwise (SPEC 9.3)."""

import hashlib
import json
import sys
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel.access import Actor, Kind
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.people import PatientClaim
from praxisd.services.accounts import api as accounts
from praxisd.services.directory import api as directory
from praxisd.services.logbook import ordering, sending

from .logbook_cast import Scene, entry, ran, scene, tech
from .support_cast import with_mail

PARTNER = "hilfe@systemhaus-nord.example"
DAY = 86_400


@pytest.fixture
def there(house: Any) -> Iterator[Scene]:
    with scene(house) as one:
        one.set("support.partner_email", PARTNER)
        yield one


@pytest.fixture
def anna(there: Scene) -> Actor:
    """A person who may all."""

    def work(tx: Tx) -> str:
        made = accounts.create_user(
            tx, there.house.registry, login="anna", name="Anna", role="owner", password_hash="$argon2id$no"
        )
        return made.id

    id_ = there.house.store.run(there.actor, work)
    return Actor(Kind.USER, id_, there.organization, everything=True)


def canary(there: Scene) -> list[str]:
    told = PatientClaim(
        family="Kanariengelb",
        given="Xaverina",
        birth_date="1973-03-14",
        phone="+491713920012",
        email="x.kanari@web-post.example",
    )
    there.house.store.run(there.actor, lambda tx: directory.claim(tx, told))
    return [
        "kanariengelb",
        "xaverina",
        "3920012",
        "x.kanari",
        "14.03.1973",
        "1973-03-14",
        "14031973",
        "19730314",
    ]


def logged(there: Scene) -> None:
    """Canaries by each way into the log."""
    patient = {"class": "patient", "value": "Xaverina Kanariengelb"}
    there("PUT", "/diagnose", {"hours": 2}, role="owner")
    there.write(
        entry(there.house, 1, fields={"name": patient, "ms": tech(12)}, ago=60),
        entry(there.house, 2, text="KANARIENGELB, xaverina nicht gefunden: x.kanari@web-post.example", ago=50),
        entry(there.house, 3, "error.kanariengelb", fields={"file": tech(r"C:\Scans\Kanariengelb_Xaverina.pdf")}, ago=40),
        entry(there.house, 4, fields={"q": tech("xaverinaKanariengelb 14.03.1973"), "born": tech(19730314)}, ago=30),
        entry(there.house, 5, fields={"kanariengelb": tech("0171 / 392 0012"), "born": tech(14031973)}, ago=20),
        entry(there.house, 6, fields={"who": {"class": "pseudonym", "value": "p-19730314"}}, text="1973-03-14", ago=10),
        entry(there.house, 7, "printer.paper_out", level="error", text="Fach 2 leer", fields={"tray": tech(2)}, ago=5),
    )  # fmt: skip


def lines_of(there: Scene, id_: str) -> list[str]:
    lines: list[str] = []
    cursor: str | None = "0"
    while cursor is not None:
        page = there("GET", f"/packages/{id_}?limit=3&cursor={cursor}")
        lines += [one["text"] for one in page["text"]]
        cursor = page["next"]
    return lines


def test_no_canary_is_in_a_package_and_what_is_harmless_stays(there: Scene) -> None:
    birds = canary(there)
    logged(there)
    assert there.search(codes=["printer.paper_out"])[-1]["patient"] is None, "not for the desk"
    assert "Xaverina" in json.dumps(there("POST", "/search", {}, role="owner")), (
        "the owner sees it while it is on"
    )
    made = there("POST", "/packages", {}, 201)
    content = there("GET", f"/packages/{made['id']}/content").decode()
    assert [one for one in birds if one in content.casefold()] == []
    rows = [json.loads(one) for one in content.splitlines()]
    assert rows[0]["part"] == "logbook" and len(rows) == made["lines"] + 1
    (last,) = [one for one in rows if one.get("text") == "Fach 2 leer"]
    assert (last["code"], last["fields"], last["level"]) == ("printer.paper_out", {"tray": 2}, "error")
    marked = [one for one in made["text"] if one["marks"]]
    assert {one["text"][a:b] for one in marked for a, b in one["marks"]} >= {"<name-1>", "<mail-1>", "<id-1>"}
    saved = there("POST", "/export", {}, role="owner").splitlines()
    assert all(json.loads(one)["patient"] is None for one in saved), (
        "the practice's own file has no patient values either"
    )


def test_patient_values_go_when_the_switch_is_off(there: Scene) -> None:
    logged(there)
    ran(there, "logbook.purge")
    assert "Xaverina" in json.dumps(there("POST", "/search", {}, role="owner"))
    there.house.clock.advance(3 * 3600)
    ran(there, "logbook.purge")
    found = there("POST", "/search", {"codes": ["printer.paper_out"]}, role="owner")["entries"]
    assert len(found) == 6 and all(one["patient"] is None for one in found)
    assert [one["hours"] for one in there.events("diagnose.switched_on")] == [2]


def test_what_was_shown_is_byte_for_byte_what_is_sent_and_stays_for_ever(
    there: Scene, anna: Actor, tmp_path: Path
) -> None:
    canary(there)
    logged(there)
    made = there("POST", "/packages", {"levels": ["info", "error"]}, 201)
    fewer = there("POST", f"/packages/{made['id']}/lines", {"sha256": made["sha256"], "drop": [1, 3]})
    assert (fewer["lines"], fewer["dropped"]) == (made["lines"] - 2, 2) and fewer["sha256"] != made["sha256"]
    there("POST", f"/packages/{made['id']}/lines", {"sha256": made["sha256"], "drop": [1]}, 409)
    with pytest.raises(Problem, match=r"logbook\.package_changed"):
        sending.by_click(there.house, anna, made["id"], made["sha256"], "de")
    shown = "".join(f"{one}\n" for one in lines_of(there, made["id"])).encode()
    assert hashlib.sha256(shown).hexdigest() == fewer["sha256"]
    with with_mail(there, tmp_path) as post:
        sending.by_click(there.house, anna, made["id"], fewer["sha256"], "de")
        sending.by_click(there.house, anna, made["id"], fewer["sha256"], "de")
        (body,) = post.bodies
    (part,) = message_from_bytes(body, policy=policy.default).iter_attachments()
    assert part.get_payload(decode=True) == shown
    assert b"Kanariengelb" not in body and b"Xaverina" not in body
    there.house.clock.advance(400 * DAY)
    kept = there("GET", f"/packages/{made['id']}")
    assert (kept["state"], kept["target"], kept["sentBy"]) == ("sent", PARTNER, "Anna")
    assert there("GET", f"/packages/{made['id']}/content") == shown
    there("DELETE", f"/packages/{made['id']}", None, 409)
    there("POST", f"/packages/{made['id']}/lines", {"sha256": fewer["sha256"], "drop": [1]}, 409)
    assert there("POST", "/packages", {"codes": ["no.such"]}, 422)["code"] == "logbook.package_empty"
    assert len(there.events("package.sent")) == 1


def test_a_program_sends_nothing_and_gives_no_order(there: Scene) -> None:
    logged(there)
    made = there("POST", "/packages", {}, 201)
    body = {"sha256": made["sha256"]}
    assert there("POST", f"/packages/{made['id']}/send", body, 403)["code"] == "logbook.person_needed"
    there("POST", f"/packages/{made['id']}/send", body, 403, role="partner")
    until = {"until": "2027-01-01T00:00:00Z"}
    assert there("POST", "/orders", until, 403, role="owner")["code"] == "logbook.person_needed"
    there("DELETE", f"/packages/{made['id']}", None, 204)
    there("GET", f"/packages/{made['id']}", None, 404)


def order(there: Scene, anna: Actor, **more: Any) -> str:
    no = there.shelf.last_no()
    given = {
        "to": "",
        "levels": ["warning", "error"],
        "sources": [],
        "until": there.house.clock.now() + DAY,
        "no": no,
    } | more

    def work(tx: Tx) -> str:
        return ordering.give(there.house, tx, **given)

    return there.house.store.run(anna, work)


def test_an_order_sends_what_came_since_and_nothing_twice(there: Scene, anna: Actor, tmp_path: Path) -> None:
    logged(there)
    with with_mail(there, tmp_path) as post:
        ran(there, "logbook.send")
        assert post.bodies == [], "without an order nothing"
        id_ = order(there, anna)
        ran(there, "logbook.send")
        assert post.bodies == [], "only what comes from now on"
        there.write(entry(there.house, 20, "a.b", level="error"), entry(there.house, 21, "c.d"))
        ran(there, "logbook.send")
        ran(there, "logbook.send")
        assert len(post.bodies) == 1
        (sent,) = there("GET", f"/packages?order={id_}")["packages"]
        assert (sent["state"], sent["lines"], sent["order"]) == ("sent", 1, id_)
        there("DELETE", f"/orders/{id_}", None, 204, role="owner")
        there.write(entry(there.house, 22, "e.f", level="error"))
        ran(there, "logbook.send")
        assert len(post.bodies) == 1
    (told,) = there("GET", "/orders")["orders"]
    assert (told["why"], told["createdBy"], told["to"]) == ("withdrawn", "Anna", PARTNER)


@pytest.mark.parametrize("end", ["over", "person"])
def test_an_order_ends_with_its_time_and_with_its_person(
    there: Scene, anna: Actor, tmp_path: Path, end: str
) -> None:
    order(there, anna)
    there.write(entry(there.house, 20, "a.b", level="error"))
    if end == "over":
        there.house.clock.advance(DAY)
    else:
        other = {"login": "eva", "name": "Eva", "role": "owner", "password_hash": "$argon2id$no"}
        there.house.store.run(there.actor, lambda tx: accounts.create_user(tx, there.house.registry, **other))
        there.house.store.run(
            there.actor, lambda tx: accounts.change_user(tx, there.house.registry, anna.id, role="desk")
        )
    with with_mail(there, tmp_path) as post:
        ran(there, "logbook.send")
        assert post.bodies == []
    assert [one["why"] for one in there("GET", "/orders")["orders"]] == [end]


class Trap:
    """Every connection that Python opens, sends by or looks up a name for, and every program it starts."""

    NAMES = (
        "socket.connect",
        "socket.sendto",
        "socket.sendmsg",
        "socket.getaddrinfo",
        "subprocess.Popen",
        "os.system",
    )

    def __init__(self) -> None:
        self.on = False
        self.seen: list[tuple[str, Any]] = []
        sys.addaudithook(self._heard)

    def _heard(self, name: str, args: Any) -> None:
        if self.on and name in self.NAMES:
            self.seen.append((name, args[-1] if args else None))


def test_nothing_leaves_but_by_click_or_order(sqlite_houses: Any, tmp_path: Path) -> None:
    trap = Trap()
    house = sqlite_houses.open()
    with scene(house) as there:
        there.set("support.partner_email", PARTNER)

        def work(tx: Tx) -> str:
            given = {"login": "anna", "name": "Anna", "role": "owner", "password_hash": "$argon2id$no"}
            return accounts.create_user(tx, house.registry, **given).id

        anna = Actor(Kind.USER, house.store.run(there.actor, work), there.organization, everything=True)
        canary(there)
        with with_mail(there, tmp_path) as post:
            trap.on = True
            logged(there)
            house.log.error("link_lost", service="relay")
            for path, body in (("/search", {}), ("/search", {"after": "0"}), ("/export", {})):
                there("POST", path, body)
            for path in ("/sources", "/statistics", "/packages", "/orders"):
                there("GET", path)
            made = there("POST", "/packages", {}, 201)
            there("GET", f"/packages/{made['id']}")
            there("GET", f"/packages/{made['id']}/content")
            there("POST", f"/packages/{made['id']}/send", {"sha256": made["sha256"]}, 403)
            for job in ("logbook.send", "logbook.purge"):
                ran(there, job)
            assert trap.seen == [] and post.bodies == []
            sending.by_click(house, anna, made["id"], made["sha256"], "de")
            assert len(post.bodies) == 1 and trap.seen, "the trap is real: a click is seen by it"
            trap.seen.clear()
            for job in ("logbook.send", "logbook.purge"):
                ran(there, job)
            assert trap.seen == [] and len(post.bodies) == 1
            trap.on = False
