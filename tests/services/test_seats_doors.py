"""The register, locks, modes and announcements through the real door."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock, format_rfc3339
from praxisd.services.seats import messages
from praxisd.services.seats.desk import desk_of
from praxisd.services.seats.proof import installation

from .seats_cast import Session, program, public_key, session_at
from .session_cast import Browser, Scene, code, hash_quickly

ONE = "Patient/eins"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hash_quickly(monkeypatch)


@pytest.fixture
def scene(house: House) -> Scene:
    made = Scene(house)
    made.add()
    made.add("bernd", "desk")
    made.add("petra", "partner")
    return made


@pytest.fixture
def owner(scene: Scene) -> Iterator[Browser]:
    with scene.browser() as browser:
        browser.sign_in()
        yield browser


def patch(browser: Browser, path: str, body: Any) -> Any:
    return browser.http.patch(f"/api/v1{path}", json=body, headers={"X-Praxisd-Csrf": browser.csrf})


def put(browser: Browser, path: str, body: Any) -> Any:
    return browser.http.put(f"/api/v1{path}", json=body, headers={"X-Praxisd-Csrf": browser.csrf})


class Program:
    """A program with a key of its own."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.key = scene, Ed25519PrivateKey.generate()

    @property
    def public(self) -> str:
        return base64.urlsafe_b64encode(self.key.public_key().public_bytes_raw()).decode().rstrip("=")

    def sign(self, words: str) -> str:
        return base64.urlsafe_b64encode(self.key.sign(words.encode())).decode().rstrip("=")


def test_a_program_is_let_in_by_the_code_it_shows(scene: Scene, owner: Browser, clock: FrozenClock) -> None:
    one = Program(scene)
    with scene.browser() as nobody:
        asked = {"name": " Anmeldung  1 ", "publicKey": one.public, "program": "PVS 3"}
        answer = nobody.post("/seats/register", asked)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        assert made["state"] == "waiting" and made["installation"] == installation(scene.house)

        def state(**changed: Any) -> Any:
            now = changed.pop("now", format_rfc3339(clock.now()))
            signature = changed.pop("signature", one.sign(f"praxisd.seats.state\n{made['id']}\n{now}"))
            return nobody.post(
                "/seats/register/state", {"id": made["id"], "now": now, "signature": signature, **changed}
            )

        assert state().json() == {"state": "waiting", "name": "Anmeldung 1"}
        assert code(state(signature=Program(scene).sign("x"))) == (404, "http.not_found")
        assert code(state(signature="kein Base64!")) == (404, "http.not_found")
        assert code(state(id="unbekannt")) == (404, "http.not_found")
        assert code(state(now=format_rfc3339(clock.now() - 90_000))) == (422, "seats.bad_signature_time")
        (seat,) = owner.get("/seats").json()["seats"]
        assert (seat["code"], seat["program"], seat["sessions"]) == (made["code"], "PVS 3", [])
        wrong = f"{(int(made['code'].replace(' ', '')) + 1) % 1_000_000:06d}"
        assert code(owner.post(f"/seats/{made['id']}/approve", {"code": wrong})) == (422, "seats.wrong_code")
        good = owner.post(f"/seats/{made['id']}/approve", {"code": made["code"].replace(" ", "-")})
        assert (
            good.status_code == 200 and good.json()["state"] == "approved" and "code" not in _set(good.json())
        )
        assert state().json()["state"] == "approved"
        again = owner.post(f"/seats/{made['id']}/approve", {"code": made["code"]})
        assert code(again) == (409, "seats.not_now")
    assert [one.type for one in scene.notes("seat.")] == ["seat.registered", "seat.approved"]
    assert scene.notes("seat.registered")[0].actor.startswith("anonymous")


def _set(body: dict[str, Any]) -> set[str]:
    return {name for name, value in body.items() if value is not None}


@pytest.mark.parametrize(
    ("changed", "status", "found"),
    [
        ({"publicKey": "kurz"}, 422, "seats.invalid"),
        ({"publicKey": "*" * 43}, 422, "seats.invalid"),
        ({"name": "   "}, 422, "seats.invalid"),
        ({"name": "a\x07b"}, 422, "seats.invalid"),
        ({"name": "x" * 61}, 400, "http.invalid_body"),
        ({"program": "x" * 41}, 400, "http.invalid_body"),
        ({"viewer": "ja"}, 400, "http.invalid_body"),
        ({"mayTake": True}, 400, "http.invalid_body"),  # nobody gives himself that
        ({"organization": "fremd"}, 422, "seats.invalid"),
    ],
)
def test_a_registration_that_makes_no_sense_is_refused(
    scene: Scene, changed: dict[str, Any], status: int, found: str
) -> None:
    with scene.browser() as nobody:
        answer = nobody.post("/seats/register", {"name": "Platz", "publicKey": public_key(), **changed})
        assert code(answer) == (status, found), answer.text


def test_registering_without_end_is_refused(scene: Scene, clock: FrozenClock) -> None:
    with scene.browser() as nobody:
        for _ in range(10):
            assert nobody.post("/seats/register", {"name": "P", "publicKey": public_key()}).status_code == 201
        last = nobody.post("/seats/register", {"name": "P", "publicKey": public_key()})
        assert code(last) == (429, "seats.too_often") and int(last.headers["retry-after"]) > 3000
        clock.advance(3601)
        assert nobody.post("/seats/register", {"name": "P", "publicKey": public_key()}).status_code == 201


def test_only_so_many_wait_and_those_whom_nobody_approves_are_forgotten(
    scene: Scene, clock: FrozenClock
) -> None:
    with scene.browser() as nobody:
        for number in range(50):
            if number % 10 == 0:
                clock.advance(3601)
            nobody.post("/seats/register", {"name": "P", "publicKey": public_key()})
        clock.advance(3601)
        full = nobody.post("/seats/register", {"name": "P", "publicKey": public_key()})
        assert code(full) == (429, "seats.too_many_waiting")
        clock.advance(8 * 86_400)
        desk_of(scene.house).step()
        assert nobody.post("/seats/register", {"name": "P", "publicKey": public_key()}).status_code == 201


def test_seats_are_changed_and_revoked_and_their_locks_are_free(scene: Scene, owner: Browser) -> None:
    house = scene.house
    seat = program(house, scene.practice)
    anna, bert = (
        session_at(house, seat, "Anna"),
        session_at(house, program(house, scene.practice, "Zimmer 2")),
    )
    anna.here()
    bert.here()
    fence = anna.lock(ONE)
    bert.wait(ONE)
    changed = patch(owner, f"/seats/{seat.id}", {"name": "Tresen", "mayTake": True})
    assert (changed.json()["name"], changed.json()["mayTake"]) == ("Tresen", True)
    assert changed.json()["sessions"][0]["locks"] == 1
    assert bert.refused(messages.Lock(id=1, record=ONE)).params["holder"].seat_name == "Tresen"  # type: ignore[attr-defined]
    viewer = patch(owner, f"/seats/{seat.id}", {"viewer": True})
    assert viewer.json()["viewer"] is True
    assert [one["type"] for one in anna.told] == ["lost"]
    assert [(one["type"], one["fence"]) for one in bert.told if one["type"] == "granted"] == [
        ("granted", fence + 1)
    ]
    assert code(patch(owner, f"/seats/{seat.id}", {"name": " "})) == (422, "seats.invalid")
    assert code(patch(owner, "/seats/niemand", {"name": "x"})) == (404, "http.not_found")
    gone = owner.delete(f"/seats/{bert.who.seat}")
    assert gone.status_code == 204
    assert bert.line.closed == (4401, "revoked")
    assert owner.get("/seats/locks").json()["locks"] == []
    assert code(owner.delete(f"/seats/{bert.who.seat}")) == (409, "seats.not_now")
    assert code(patch(owner, f"/seats/{bert.who.seat}", {"name": "x"})) == (409, "seats.not_now")
    names = [one.type for one in scene.notes("seat.") if one.type not in ("seat.registered", "seat.approved")]
    assert (
        names == ["seat.changed", "seat.changed", "seat.changed", "seat.revoked"] or "seat.revoked" in names
    )


def test_a_refused_program_stays_out(scene: Scene, owner: Browser) -> None:
    with scene.browser() as nobody:
        made = nobody.post("/seats/register", {"name": "P", "publicKey": public_key()}).json()
    assert owner.post(f"/seats/{made['id']}/refuse").json()["state"] == "refused"
    assert code(owner.post(f"/seats/{made['id']}/approve", {"code": made["code"]})) == (409, "seats.not_now")
    assert [one.type for one in scene.notes("seat.refused")] == ["seat.refused"]


def test_who_may_see_and_do_what(scene: Scene, owner: Browser) -> None:
    house = scene.house
    anna = session_at(house, program(house, scene.practice), "Anna Muster")
    anna.here()
    record = f"Patient/{scene.practice.patient}"
    anna.lock(record)
    (lock,) = owner.get("/seats/locks").json()["locks"]
    assert "Muster" in lock["display"] and lock["holder"]["person"] == "Anna Muster"
    with scene.browser() as browser:
        browser.sign_in("petra")
        shown = browser.get("/seats")
        assert shown.status_code == 200 and "Anna" not in shown.text
        assert "Anna" not in browser.get("/seats/state").text
        assert code(browser.get("/seats/locks")) == (403, "access.forbidden")
        listed = browser.post("/listings/seats.seats", {})
        assert listed.status_code == 200 and "Anna" not in listed.text
        body = {"record": record, "reason": "other"}
        assert code(browser.post("/seats/locks/release", body)) == (403, "access.forbidden")
    with scene.browser() as browser:
        browser.sign_in("bernd")
        assert browser.get("/seats/locks").status_code == 200
        for answer in (
            browser.post(f"/seats/{anna.who.seat}/approve", {"code": "123456"}),
            browser.delete(f"/seats/{anna.who.seat}"),
            put(browser, "/seats/mode", {"mode": "setup"}),
        ):
            assert code(answer) == (403, "access.forbidden")
    (row,) = owner.post("/listings/seats.locks", {}).json()["rows"]
    assert row["cells"]["person"] == "Anna Muster"
    (row,) = owner.post("/listings/seats.seats", {}).json()["rows"]
    assert (row["cells"]["presence"], row["cells"]["people"]) == ("here", "Anna Muster")


def test_a_lock_is_taken_away_by_a_person(scene: Scene, owner: Browser) -> None:
    house = scene.house
    anna = session_at(house, program(house, scene.practice), "Anna")
    anna.here()
    fence = anna.lock(ONE)
    done = owner.post("/seats/locks/release", {"record": ONE, "reason": "crashed"})
    assert done.json() == {"record": ONE, "granted": False}
    assert [(one["type"], one["why"], one["fence"]) for one in anna.told] == [("lost", "released", fence)]
    (event,) = scene.notes("lock.force_released")
    assert (event.subject, event.codes["reason"]) == (ONE, "crashed")
    assert code(owner.post("/seats/locks/release", {"record": ONE, "reason": "crashed"})) == (
        409,
        "seats.not_locked",
    )
    unknown = owner.post("/seats/locks/release", {"record": "Unsinn/1", "reason": "crashed"})
    assert code(unknown) == (422, "seats.unknown_kind")
    for body in ({"record": "eins", "reason": "crashed"}, {"record": ONE, "reason": "weil"}, {"record": ONE}):
        assert code(owner.post("/seats/locks/release", body)) == (400, "http.invalid_body")
    (lost,) = anna.here(holds={ONE: fence}).lost
    assert lost.why == "released"
    assert anna.lock(ONE) == fence + 1


def test_pages_of_seats_follow_one_another(scene: Scene, owner: Browser) -> None:
    for number in range(5):
        program(scene.house, scene.practice, f"Platz {number}")
    first = owner.get("/seats?limit=3").json()
    rest = owner.get(f"/seats?limit=3&cursor={first['next']}").json()
    assert [len(first["seats"]), len(rest["seats"]), rest["next"]] == [3, 2, None]
    assert {one["name"] for one in (*first["seats"], *rest["seats"])} == {f"Platz {n}" for n in range(5)}


def test_what_is_said_to_sessions_is_not_logged(scene: Scene, capfd: pytest.CaptureFixture[str]) -> None:
    one = session_at(scene.house, program(scene.house, scene.practice), "Kanaria Geheim")
    one.here(at=ONE)
    one.lock(ONE)
    one.bye()
    said = capfd.readouterr()
    assert "Kanaria" not in said.out + said.err
    assert "Kanaria" not in str(scene.notes(""))
    assert isinstance(one, Session)
