"""The second factor through the real door, on both engines: set up, asked for, never good twice, lost, demanded."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from praxisd.kernel.access import Actor, Kind
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.sessions import Visit
from praxisd.services.accounts import api, factors, session_store
from praxisd.testing.practice import key_for

from .accounts_cast import refused, whole_database
from .session_cast import PASSWORD, Browser, Scene, code, hash_quickly, set_up_factor

WRONG = "accounts.second_factor_refused"


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
        browser.sign_in()
        yield browser


def wrong(secret: str, now: int) -> str:
    """Six digits that are no code around now."""
    good = {pyotp.TOTP(secret).at(now + 30 * step) for step in range(-3, 4)}
    return next(f"{n:06d}" for n in range(10) if f"{n:06d}" not in good)


def test_setting_up(scene: Scene, anna: Browser, clock: FrozenClock) -> None:
    assert code(anna.post("/session/second-factor", {"password": "falsch"})) == (
        403,
        "accounts.password_wrong",
    )
    answer = anna.post("/session/second-factor", {"password": PASSWORD})
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    started = answer.json()
    assert len(started["secret"]) == 32, "160 bits"
    address = urlsplit(started["uri"])
    assert (address.scheme, address.netloc, address.path) == ("otpauth", "totp", "/Praxis%20am%20Test:anna")
    assert parse_qs(address.query) == {"secret": [started["secret"]], "issuer": ["Praxis am Test"]}
    assert started["qr"]["size"] > 29 and started["qr"]["path"].startswith("M4 4h7v1h-7z")
    assert anna.get("/session").json()["secondFactor"] is False, "not before it is confirmed"
    with scene.browser() as phone:
        assert phone.sign_in().status_code == 201
        bad = wrong(started["secret"], clock.now())
        for one in (bad, "x", "12345", "1234567", "１２３４５６", "000 00"):
            answer = anna.post("/session/second-factor/confirm", {"code": one})
            assert code(answer) == (403, WRONG), one
        good = pyotp.TOTP(started["secret"]).at(clock.now())
        done = anna.post("/session/second-factor/confirm", {"code": f"{good[:3]} {good[3:]}"})
        assert done.status_code == 200 and done.headers["cache-control"] == "no-store"
        codes = done.json()["recoveryCodes"]
        assert len(set(codes)) == 10 and all(len(one) == 19 for one in codes)
        assert code(phone.get("/session")) == (401, "accounts.session_ended"), "who came without it goes"
    shown = anna.get("/session").json()
    assert (shown["secondFactor"], shown["recoveryCodesLeft"]) == (True, 10)
    assert code(anna.post("/session/second-factor", {"password": PASSWORD})) == (
        409,
        "accounts.second_factor_exists",
    )
    again = anna.post("/session/second-factor/confirm", {"code": good})
    assert code(again) == (409, "accounts.second_factor_exists")
    assert [(e.actor, e.codes["what"]) for e in scene.notes("user.second")] == [
        (f"user:{shown['user']['id']}", "set_up")
    ]


def test_nothing_of_it_lies_readable_in_the_database(scene: Scene, anna: Browser, clock: FrozenClock) -> None:
    secret, codes = set_up_factor(anna, clock.now)
    everything = whole_database(scene.house)
    for one in (secret, *codes, *(c.replace("-", "") for c in codes)):
        assert one.encode() not in everything


def test_a_picture_is_what_a_phone_reads() -> None:
    import segno

    text = "otpauth://totp/Praxis:anna?secret=ABC&issuer=Praxis"
    size, path = factors.picture(text)
    drawn = [[False] * size for _ in range(size)]
    for part in path.split("M")[1:]:
        place, _, rest = part.partition("h")
        x, y = map(int, place.split())
        for dx in range(int(rest.partition("v")[0])):
            drawn[y][x + dx] = True
    expected = [[bool(cell) for cell in row] for row in segno.make(text, error="m").matrix]
    assert [row[4:-4] for row in drawn[4:-4]] == expected
    assert not any(map(any, drawn[:4])) and not any(row[0] for row in drawn)


def test_signing_in_with_a_code(scene: Scene, anna: Browser, clock: FrozenClock) -> None:
    secret, _ = set_up_factor(anna, clock.now)
    with scene.browser() as phone:
        clock.advance(60)
        assert code(phone.sign_in()) == (401, "accounts.second_factor_needed")
        assert code(phone.sign_in(code="  ")) == (401, "accounts.second_factor_needed")
        assert code(phone.sign_in(code=wrong(secret, clock.now()))) == (401, WRONG)
        good = pyotp.TOTP(secret).at(clock.now())
        answer = phone.sign_in(password="falsch falsch", code=good)
        assert code(answer) == (401, "accounts.sign_in_refused"), "first the password"
        assert phone.token == ""
        assert phone.sign_in(code=good).status_code == 201
        assert phone.get("/session").json()["secondFactor"] is True
    assert [e.codes["second_factor"] for e in scene.notes("session.opened")] == [False, True]
    assert [e.codes["reason"] for e in scene.notes("session.refused")] == ["code", "password"]


def test_no_code_is_good_twice(scene: Scene, anna: Browser, clock: FrozenClock) -> None:
    secret, _ = set_up_factor(anna, clock.now)
    with scene.browser() as phone:
        confirmed = pyotp.TOTP(secret).at(clock.now())
        assert code(phone.sign_in(code=confirmed)) == (401, WRONG), "the one of the set-up"
        clock.advance(60)
        good, before = pyotp.TOTP(secret).at(clock.now()), pyotp.TOTP(secret).at(clock.now() - 30)
        assert phone.sign_in(code=good).status_code == 201
        assert code(phone.sign_in(code=good)) == (401, WRONG)
        assert code(phone.sign_in(code=before)) == (401, WRONG), "nor an older one after a newer"
        clock.advance(29)
        assert code(phone.sign_in(code=good)) == (401, WRONG)
        clock.advance(1)
        assert phone.sign_in(code=pyotp.TOTP(secret).at(clock.now())).status_code == 201


def test_clocks_may_differ_by_one_step(scene: Scene, anna: Browser, clock: FrozenClock) -> None:
    secret, _ = set_up_factor(anna, clock.now)
    with scene.browser() as phone:
        for steps, status in ((-2, 401), (2, 401), (-1, 201), (0, 201), (1, 201)):
            clock.advance(90)
            answer = phone.sign_in(code=pyotp.TOTP(secret).at(clock.now() + 30 * steps))
            assert answer.status_code == status, steps


def test_of_two_who_send_the_same_code_at_once_one_comes_in(
    scene: Scene, anna: Browser, clock: FrozenClock
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from praxisd.kernel.errors import Problem

    secret, codes = set_up_factor(anna, clock.now)
    clock.advance(3600)
    for given in (pyotp.TOTP(secret).at(clock.now()), codes[0]):

        def attempt(_n: int, given: str = given) -> str:
            try:
                return api.sign_in(scene.house, Visit(), login="anna", password=PASSWORD, code=given).token
            except Problem as problem:
                return problem.code

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(attempt, range(4)))
        assert answers.count(WRONG) == 3, answers
        clock.advance(60)


def test_recovery_codes_are_good_once(scene: Scene, anna: Browser, clock: FrozenClock) -> None:
    _, codes = set_up_factor(anna, clock.now)
    with scene.browser() as phone:
        assert phone.sign_in(code=codes[3]).status_code == 201
        assert phone.get("/session").json()["recoveryCodesLeft"] == 9
        assert code(phone.sign_in(code=codes[3])) == (401, WRONG)
        assert phone.sign_in(code=codes[4].replace("-", " ").upper()).status_code == 201, (
            "however it is typed"
        )
        assert code(phone.post("/session/second-factor/codes", {"password": "x"})) == (
            403,
            "accounts.password_wrong",
        )
        fresh = phone.post("/session/second-factor/codes", {"password": PASSWORD})
        assert fresh.headers["cache-control"] == "no-store"
        assert phone.get("/session").json()["recoveryCodesLeft"] == 10
        assert code(phone.sign_in(code=codes[5])) == (401, WRONG), "the old ones are gone"
        assert phone.sign_in(code=fresh.json()["recoveryCodes"][0]).status_code == 201
    assert [e.codes["what"] for e in scene.notes("user.second")] == [
        *("set_up", "code_used", "code_used", "codes", "code_used"),
    ]


def test_a_recovery_code_of_another_is_none(scene: Scene, anna: Browser, clock: FrozenClock) -> None:
    _, codes = set_up_factor(anna, clock.now)
    scene.add("berta", "desk")
    with scene.browser() as berta:
        berta.sign_in("berta")
        set_up_factor(berta, clock.now)
        assert code(berta.sign_in("berta", code=codes[0])) == (401, WRONG)
    assert anna.sign_in(code=codes[0]).status_code == 201


def test_wrong_codes_are_counted_per_person(scene: Scene, anna: Browser, clock: FrozenClock) -> None:
    secret, codes = set_up_factor(anna, clock.now)
    with scene.browser() as phone:
        for n in range(10):
            clock.advance(30)  # slow enough for the limit of passwords
            assert code(phone.sign_in(code=wrong(secret, clock.now()))) == (401, WRONG), n
        clock.advance(30)
        good = pyotp.TOTP(secret).at(clock.now())
        answer = phone.sign_in(code=good)
        assert code(answer) == (429, "accounts.rate_limited"), "even a right one"
        assert int(answer.headers["retry-after"]) <= 360
        scene.add("berta", "desk")
        assert phone.sign_in("berta").status_code == 201, "nobody else is locked out"
        clock.advance(400)
        assert phone.sign_in(code=pyotp.TOTP(secret).at(clock.now())).status_code == 201
        assert phone.sign_in(code=codes[0]).status_code == 201, "good ones do not count"


def test_wrong_codes_count_as_attempts_to_sign_in(scene: Scene, anna: Browser, clock: FrozenClock) -> None:
    secret, _ = set_up_factor(anna, clock.now)
    with scene.browser() as phone:
        for _ in range(10):
            assert code(phone.sign_in())[1] == "accounts.second_factor_needed", "a missing one does not"
        for _ in range(6):
            phone.sign_in(code=wrong(secret, clock.now()))
        assert code(phone.sign_in()) == (429, "accounts.rate_limited")


def test_a_set_up_that_takes_too_long_begins_again(scene: Scene, anna: Browser, clock: FrozenClock) -> None:
    absent = (409, "accounts.second_factor_absent")
    assert code(anna.post("/session/second-factor/confirm", {"code": "123456"})) == absent
    assert code(anna.post("/session/second-factor/codes", {"password": PASSWORD})) == absent
    gone = anna.post("/session/second-factor/remove", {"password": PASSWORD, "code": "123456"})
    assert code(gone) == absent
    first = anna.post("/session/second-factor", {"password": PASSWORD}).json()["secret"]
    second = anna.post("/session/second-factor", {"password": PASSWORD}).json()["secret"]
    assert first != second
    answer = anna.post("/session/second-factor/confirm", {"code": pyotp.TOTP(first).at(clock.now())})
    assert code(answer) == (403, WRONG), "the newer one counts"
    clock.advance(15 * 60 + 1)
    answer = anna.post("/session/second-factor/confirm", {"code": pyotp.TOTP(second).at(clock.now())})
    assert code(answer) == absent
    set_up_factor(anna, clock.now)


def test_taking_it_away(scene: Scene, anna: Browser, clock: FrozenClock) -> None:
    secret, codes = set_up_factor(anna, clock.now)
    clock.advance(60)
    with scene.browser() as phone:
        phone.sign_in(code=codes[0])
        for body, expected in (
            ({"password": "falsch", "code": codes[1]}, (403, "accounts.password_wrong")),
            ({"password": PASSWORD, "code": wrong(secret, clock.now())}, (403, WRONG)),
        ):
            assert code(anna.post("/session/second-factor/remove", body)) == expected
        body = {"password": PASSWORD, "code": pyotp.TOTP(secret).at(clock.now())}
        assert anna.post("/session/second-factor/remove", body).status_code == 204
        assert phone.get("/session").status_code == 401, "other sessions end"
        shown = anna.get("/session").json()
        assert (shown["secondFactor"], shown["recoveryCodesLeft"]) == (False, 0)
        assert phone.sign_in().status_code == 201
    assert set_up_factor(anna, clock.now)[0] != secret


def test_an_owner_takes_it_away_from_who_lost_the_phone(
    scene: Scene, anna: Browser, clock: FrozenClock
) -> None:
    user = scene.add("berta", "desk")
    with scene.browser() as berta:
        berta.sign_in("berta")
        set_up_factor(berta, clock.now)
        assert berta.post(f"/users/{user.id}/second-factor/reset").status_code == 403
        assert anna.post(f"/users/{user.id}/second-factor/reset").status_code == 204
        assert berta.get("/session").status_code == 401
        assert berta.sign_in("berta").status_code == 201
    assert anna.post(f"/users/{user.id}/second-factor/reset").status_code == 204, "there is none: no fault"
    assert code(anna.post("/users/x/second-factor/reset")) == (404, "http.not_found")
    assert [e.codes["what"] for e in scene.notes("user.second")] == ["set_up", "reset"]
    narrow = scene.house.store.run(
        scene.owner,
        lambda tx: api.create_key(
            tx, scene.house.registry, role="owner", name="eng", scopes=["accounts.user.write"]
        ),
    )[1]
    answer = anna.http.post(
        f"/api/v1/users/{user.id}/second-factor/reset", headers={"Authorization": f"Bearer {narrow}"}
    )
    assert code(answer) == (403, "access.forbidden"), "a narrowed key opens no other door"


@pytest.mark.parametrize(
    ("demanded", "role", "limited"),
    [
        ("nobody", "owner", False),
        ("owner", "owner", True),
        ("owner", "desk", False),
        ("everyone", "desk", True),
        ("everyone", "partner", True),
    ],
)
def test_who_must_have_one(scene: Scene, demanded: str, role: str, limited: bool) -> None:
    scene.add("berta", role)
    scene.set("accounts.second_factor_roles", demanded)
    with scene.browser() as berta:
        answer = berta.sign_in("berta")
        assert answer.json()["secondFactorMust"] is limited
        assert berta.get("/session").json()["secondFactorMust"] is limited


def test_who_owes_one_may_only_set_it_up(scene: Scene, anna: Browser, clock: FrozenClock) -> None:
    assert anna.get("/users").status_code == 200
    scene.set("accounts.second_factor_roles", "owner")
    clock.advance(1)
    must = (403, "accounts.second_factor_must")
    assert code(anna.get("/users")) == must, "at once, also for who is signed in already"
    assert code(anna.post("/users", {})) == must
    assert code(anna.http.get("/openapi.json")) == must, "also what needs no more than to be signed in"
    assert code(anna.post("/listings/accounts.users", {})) == must
    shown = anna.get("/session").json()
    assert shown["permissions"] == ["accounts.self.read", "accounts.self.write", "kernel.console.read"]
    assert anna.get("/console").status_code == 200
    set_up_factor(anna, clock.now)
    assert anna.get("/users").status_code == 200
    assert anna.get("/session").json()["secondFactorMust"] is False
    key = key_for(scene.house, scene.practice, "owner", "Verwaltung")
    answer = anna.http.get("/api/v1/users", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200, "programs have none"


def test_a_sealed_secret_moved_to_another_person_opens_nothing(
    scene: Scene, anna: Browser, clock: FrozenClock
) -> None:
    """Whoever can write into the database cannot give somebody the own second factor."""
    secret, _ = set_up_factor(anna, clock.now)
    me = anna.get("/session").json()["user"]["id"]
    berta = scene.add("berta", "desk")

    def move(tx: object) -> None:
        found = session_store.factor(tx, me)  # type: ignore[arg-type]
        assert found is not None
        session_store.put_factor(tx, type(found)(berta.id, found.secret, 0, 1))  # type: ignore[arg-type]

    scene.house.store.run(scene.owner, move)
    clock.advance(60)
    who = Actor(Kind.CLI, "cli", scene.practice.organization, everything=True)
    given = pyotp.TOTP(secret).at(clock.now())
    refused(
        "vault.tampered",
        lambda: scene.house.store.run(who, lambda tx: factors.spend(scene.house, tx, berta.id, given)),
    )
