"""Sessions through the real door, on both engines: signing in and out, refusals, who sees and ends which, the audit."""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from praxisd.kernel import events
from praxisd.kernel.access import INSTALLATION, Actor, system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.sessions import Visit
from praxisd.services.accounts import api, passwords
from praxisd.testing.practice import key_for

from .accounts_cast import refused, whole_database
from .session_cast import PASSWORD, QUICK, Browser, Scene, code, hash_quickly


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hash_quickly(monkeypatch)


@pytest.fixture
def scene(house: House) -> Scene:
    scene = Scene(house)
    scene.add()
    return scene


@pytest.fixture
def anna(scene: Scene) -> Iterator[Browser]:
    with scene.browser() as browser:
        yield browser


def test_signing_in_asking_and_signing_out(scene: Scene, anna: Browser) -> None:
    made = anna.sign_in("ANNA")
    assert made.status_code == 201 and made.headers["cache-control"] == "no-store"
    asked = anna.get("/session")
    assert asked.json() == made.json()
    shown = asked.json()
    assert shown["user"] == {"id": shown["user"]["id"], "login": "anna", "name": "Anna", "role": "owner"}
    assert shown["permissions"] == sorted(scene.house.registry.role("owner"))
    assert shown["organization"] == {
        "id": scene.practice.organization,
        "name": "Praxis am Test",
        "zone": "Europe/Berlin",
        "language": "de",
    }
    assert (shown["masked"], shown["secondFactor"], shown["secondFactorMust"]) == (False, False, False)
    assert shown["recoveryCodesLeft"] == 0
    assert shown["expiresAt"] == "2026-11-23T09:00:00+00:00", "an hour of doing nothing"
    assert anna.get("/me").json()["kind"] == "user"
    assert anna.get("/users").status_code == 200
    token = anna.token
    out = anna.delete("/session")
    assert out.status_code == 204 and "Max-Age=0" in out.headers["set-cookie"]
    assert anna.token == ""
    again = anna.get("/session", headers={"Cookie": f"praxisd={token}"})
    assert code(again) == (401, "accounts.session_ended"), "the token itself is worth nothing any more"


def test_the_token_is_kept_as_a_digest_and_the_csrf_token_not_at_all(scene: Scene, anna: Browser) -> None:
    anna.sign_in()
    assert len(anna.token) == 43
    everything = whole_database(scene.house)
    assert anna.token.encode() not in everything and anna.csrf.encode() not in everything
    assert anna.csrf != anna.token


def test_another_person_on_the_same_computer_ends_the_first_session(scene: Scene, anna: Browser) -> None:
    scene.add("berta", "desk")
    anna.sign_in()
    token = anna.token
    anna.sign_in("berta")
    assert anna.get("/session").json()["user"]["login"] == "berta"
    with scene.browser() as other:
        assert other.get("/session", headers={"Cookie": f"praxisd={token}"}).status_code == 401


def test_every_mismatch_has_the_same_answer(scene: Scene, anna: Browser) -> None:
    off = scene.add("carla", "desk")
    scene.change(off, active=False)
    answers = []
    for login, password in (
        ("anna", "falsch falsch"),
        ("niemand", PASSWORD),
        ("carla", PASSWORD),
        ("anna", "x"),
    ):
        answer = anna.sign_in(login, password)
        shown = answer.json()
        shown.pop("instance")
        answers.append((answer.status_code, shown, sorted(answer.headers.keys())))
    assert answers[0][:2] == (401, answers[1][1]) and answers[0][1]["code"] == "accounts.sign_in_refused"
    assert all(one == answers[0] for one in answers)
    assert anna.token == ""
    refused = scene.notes("session.refused")
    assert [e.codes["reason"] for e in refused] == ["password"] * 4
    assert all("niemand" not in repr(e) and "anna" not in repr(e) for e in refused)


def test_every_mismatch_costs_the_same_number_of_hashes_and_transactions(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    work: list[str] = []

    class Watched(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
            work.append("hash")
            return bool(QUICK.verify(hash, password))

    monkeypatch.setattr(passwords, "_HASHER", Watched(time_cost=1, memory_cost=8, parallelism=1))
    engine = scene.house.store.engine
    for name in ("read", "write"):
        plain = getattr(engine, name)
        monkeypatch.setattr(engine, name, lambda plain=plain, name=name: work.append(name) or plain())
    seen = {}

    def attempt(login: str) -> None:
        refused(
            "accounts.sign_in_refused",
            lambda: api.sign_in(scene.house, Visit(), login=login, password="falsch falsch"),
        )

    attempt("erste")  # the limits are read and kept
    for login in ("anna", "niemand"):
        work.clear()
        attempt(login)
        seen[login] = list(work)
    assert seen["anna"] == seen["niemand"] and seen["anna"].count("hash") == 1


NAUGHTY = (
    "' OR 1=1 --",
    "anna' --",
    "\u202eanna",
    "ａｎｎａ",
    "ANNA\u0130",
    "a" * 200,
    "${jndi:ldap://x}",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "%00",
    "\u00a0",
    "👩‍⚕️",
    "ﬁ",
    "\ud7ff\ue000",
    "\n",
)


def test_naughty_logins(scene: Scene, anna: Browser, clock: FrozenClock) -> None:
    for login in NAUGHTY:
        clock.advance(60)
        answer = anna.sign_in(login, "falsch falsch")
        assert code(answer) == (401, "accounts.sign_in_refused"), repr(login)
    clock.advance(60)
    assert anna.sign_in("ａｎｎａ").status_code == 201, "compatibility forms are the same login"
    for raw, expected in (
        (b'{"login":"a\\u0000b","password":"x"}', "http.invalid_body"),
        (b'{"login":"","password":"x"}', "http.invalid_body"),
        (b'{"login":7,"password":"x"}', "http.invalid_body"),
        (b'{"login":"anna","password":"x","admin":true}', "http.invalid_body"),
        (b'{"login":"anna"}', "http.invalid_body"),
        (b'{"login":"\\ud800","password":"x"}', "http.malformed_json"),
        (b"[]", "http.invalid_body"),
    ):
        answer = anna.http.post("/api/v1/session", content=raw, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400 and answer.json()["code"] == expected, raw
        assert anna.http.get("/health/live").status_code == 200
    for given in ({"login": "a\0b"}, {"login": "anna", "organization": "a\0"}, {"login": ""}):
        whole = {"password": PASSWORD, **given}
        refused(
            "accounts.sign_in_refused",
            lambda whole=whole: api.sign_in(scene.house, Visit(), **whole),
        )
    for organization in ("x", "' OR 1=1 --", INSTALLATION):
        clock.advance(60)
        assert code(anna.sign_in(organization=organization))[0] == 401
    clock.advance(60)
    assert anna.sign_in(organization=scene.practice.organization).status_code == 201


def test_attempts_are_limited_and_good_ones_do_not_count(
    scene: Scene, anna: Browser, clock: FrozenClock
) -> None:
    for _ in range(6):
        assert anna.sign_in(password="falsch falsch").status_code == 401
    limited = anna.sign_in()
    assert code(limited) == (429, "accounts.rate_limited") and limited.headers["retry-after"] == "10"
    assert "set-cookie" not in limited.headers
    assert len(scene.notes("session.refused")) == 6, "what is not even tried is not noted"
    clock.advance(10)
    for _ in range(10):
        assert anna.sign_in().status_code == 201


def test_the_audit_says_who_from_where_and_why(scene: Scene, anna: Browser) -> None:
    scene.add("berta", "desk")
    anna.sign_in()
    me = anna.get("/session").json()["user"]["id"]
    anna.delete("/session")
    opened, ended = scene.notes("session.")
    assert (opened.type, opened.actor, opened.codes) == (
        "session.opened",
        f"user:{me}",
        {"address": "unknown", "second_factor": False},
    )
    assert (ended.type, ended.subject, ended.actor) == ("session.ended", opened.subject, f"user:{me}")
    assert ended.codes == {"user": me, "reason": "signed_out"}
    anna.sign_in("berta", "Der Hund schweigt")
    (refused,) = scene.notes("session.refused")
    assert (refused.subject_type, refused.actor) == ("User", "system:accounts")
    anna.sign_in("Der Hund bellt im Hof", "berta")
    refused = scene.notes("session.refused")[-1]
    assert (refused.subject, refused.organization) == ("Session/", scene.practice.organization)
    assert b"Hund" not in whole_database(scene.house)


def test_with_one_login_in_two_practices_the_practice_must_be_named(scene: Scene, anna: Browser) -> None:
    other = Scene(scene.house)
    other.add(role="desk")
    assert code(anna.sign_in()) == (401, "accounts.sign_in_refused")
    assert anna.sign_in(organization=other.practice.organization).json()["user"]["role"] == "desk"
    assert anna.get("/session").json()["organization"]["id"] == other.practice.organization
    token = anna.token
    assert anna.sign_in(organization=scene.practice.organization).status_code == 201
    answer = anna.get("/session", headers={"Cookie": f"praxisd={token}"})
    assert answer.status_code == 401, "the session in the other practice was ended"
    assert [e.codes["reason"] for e in other.notes("session.ended")] == ["replaced"]
    assert scene.notes("session.ended") == []
    anna.sign_in("niemand", organization="x")
    assert scene.notes("session.refused")[1:] == [], "nobody knows whose that was"
    with scene.house.store.read(system("test", INSTALLATION)) as tx:
        assert [e.type for e in events.since(tx, 0)][-1] == "session.refused"


def test_own_sessions_are_seen_and_ended(scene: Scene, anna: Browser, clock: FrozenClock) -> None:
    anna.sign_in()
    clock.advance(5)
    with scene.browser() as phone:
        phone.sign_in(headers={"User-Agent": "curl/8"})
        listed = phone.get("/sessions").json()["sessions"]
        assert [(s["current"], s["device"]) for s in listed] == [(True, ""), (False, "Firefox, Windows")]
        assert listed[1] == {
            "id": listed[1]["id"],
            "current": False,
            "createdAt": "2026-11-23T08:00:00+00:00",
            "lastSeenAt": "2026-11-23T08:00:00+00:00",
            "expiresAt": "2026-11-23T09:00:00+00:00",
            "device": "Firefox, Windows",
            "address": "testclient",
        }
        assert phone.post(f"/sessions/{listed[1]['id']}/end").status_code == 204
        assert code(anna.get("/session")) == (401, "accounts.session_ended")
        assert code(phone.post(f"/sessions/{listed[1]['id']}/end")) == (404, "http.not_found")
        anna.sign_in()
        assert phone.post("/sessions/end", {"keepCurrent": True}).json() == {"ended": 1}
        assert anna.get("/session").status_code == 401 and phone.get("/session").status_code == 200
        assert phone.post("/sessions/end", {"keepCurrent": False}).json() == {"ended": 1}
        assert phone.get("/session").status_code == 401


def test_sessions_of_others_are_for_owners(scene: Scene, anna: Browser) -> None:
    desk = scene.add("berta", "desk")
    anna.sign_in()
    me = anna.get("/session").json()["user"]["id"]
    with scene.browser() as berta:
        berta.sign_in("berta")
        hers = berta.get("/sessions").json()["sessions"][0]["id"]
        mine = anna.get("/sessions").json()["sessions"][0]["id"]
        assert code(berta.get("/sessions", params={"user": me})) == (403, "access.forbidden")
        assert code(berta.post("/sessions/end", {"user": me})) == (403, "access.forbidden")
        assert code(berta.post(f"/sessions/{mine}/end")) == (404, "http.not_found")
        assert berta.get("/sessions", params={"user": desk.id}).status_code == 200, "that is herself"
        shown = anna.get("/sessions", params={"user": desk.id}).json()["sessions"]
        assert [(s["id"], s["current"]) for s in shown] == [(hers, False)]
        assert code(anna.get("/sessions", params={"user": "x"})) == (404, "http.not_found")
        assert code(anna.post("/sessions/end", {"user": "x"})) == (404, "http.not_found")
        assert anna.post(f"/sessions/{hers}/end").status_code == 204
        assert berta.get("/session").status_code == 401
        berta.sign_in("berta")
        assert anna.post("/sessions/end", {"user": desk.id}).json() == {"ended": 1}
        assert berta.get("/session").status_code == 401
    other = Scene(scene.house)
    other.add("fremd")
    with other.browser() as stranger:
        stranger.sign_in("fremd")
        assert code(stranger.post(f"/sessions/{mine}/end")) == (404, "http.not_found"), "another practice"
        assert code(stranger.get("/sessions", params={"user": me})) == (404, "http.not_found")
    key = {"Authorization": f"Bearer {key_for(scene.house, scene.practice, 'owner', 'Verwaltung')}"}
    assert anna.get("/sessions", params={"user": me}, headers=key).json()["sessions"][0]["id"] == mine
    assert code(anna.get("/sessions", headers=key)) == (401, "accounts.session_missing")


def test_the_own_password(scene: Scene, anna: Browser, clock: FrozenClock) -> None:
    anna.sign_in()
    with scene.browser() as phone:
        phone.sign_in()
        new = PASSWORD + " laut"
        assert code(anna.post("/session/password", {"old": "falsch", "new": new})) == (
            403,
            "accounts.password_wrong",
        )
        assert code(anna.post("/session/password", {"old": PASSWORD, "new": "kurz"})) == (
            422,
            "accounts.weak_password",
        )
        assert phone.get("/session").status_code == 200
        assert anna.post("/session/password", {"old": PASSWORD, "new": new}).status_code == 204
        assert anna.get("/session").status_code == 200, "this one stays"
        assert code(phone.get("/session")) == (401, "accounts.session_ended"), "others end"
        assert phone.sign_in().status_code == 401 and phone.sign_in(password=new).status_code == 201
        for _ in range(6):
            anna.post("/session/password", {"old": "falsch", "new": new})
        assert code(anna.post("/session/password", {"old": new, "new": PASSWORD})) == (
            429,
            "accounts.rate_limited",
        )
        clock.advance(60)
        assert new.encode() not in whole_database(scene.house)


def test_a_password_given_by_the_owner_ends_the_sessions(scene: Scene, anna: Browser) -> None:
    desk = scene.add("berta", "desk")
    anna.sign_in()
    me = anna.get("/session").json()["user"]["id"]
    with scene.browser() as berta:
        berta.sign_in("berta")
        body = {"password": PASSWORD + " neu"}
        headers = {"X-Praxisd-Csrf": anna.csrf}
        assert anna.http.patch(f"/api/v1/users/{desk.id}", json=body, headers=headers).status_code == 200
        assert berta.get("/session").status_code == 401
    assert anna.http.patch(f"/api/v1/users/{me}", json=body, headers=headers).status_code == 200
    assert anna.get("/session").status_code == 200, "one's own goes on"


def test_being_switched_off_ends_the_sessions_and_a_new_role_counts_at_once(
    scene: Scene, anna: Browser
) -> None:
    user = scene.add("berta", "desk")
    anna.sign_in("berta")
    assert anna.get("/users").status_code == 403
    scene.change(user, role="owner")
    assert anna.get("/users").status_code == 200
    scene.change(user, role="partner")
    assert anna.get("/session").json()["masked"] is True and anna.get("/users").status_code == 403
    scene.change(user, active=False)
    assert code(anna.get("/session")) == (401, "accounts.session_ended")
    scene.change(user, active=True)
    assert anna.get("/session").status_code == 401, "it does not come back"
    assert [e.codes["reason"] for e in scene.notes("session.ended")] == ["switched_off"]


def test_names_of_actors(scene: Scene) -> None:
    user = scene.add("berta", "desk", name="Berta B.")
    key_for(scene.house, scene.practice, "pvs", "Praxissoftware")
    with scene.house.store.read(scene.owner) as tx:
        (key,) = api.list_keys(tx)[0]
        labels = [f"user:{user.id}", f"key:{key.id}", "user:x", "cli:cli", "", "user:", "job:a.b"]
        names = scene.house.shared["actor_names"](tx, labels)
    assert names == {f"user:{user.id}": "Berta B.", f"key:{key.id}": "Praxissoftware"}
    with scene.house.store.read(Actor(scene.owner.kind, "cli", "elsewhere", everything=True)) as tx:
        assert scene.house.shared["actor_names"](tx, labels) == {}


def test_the_device_is_named_in_our_own_words(anna: Browser) -> None:
    anna.sign_in(headers={"User-Agent": "<script>Erika Muster</script> Linux Chrome/1 Safari/2"})
    assert anna.get("/sessions").json()["sessions"][0]["device"] == "Chrome, Linux"
