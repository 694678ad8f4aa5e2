"""What protects a session at the door, on both engines: cookie, CSRF token, origin, fixation, keys beside cookies."""

from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest

from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.testing.houses import Houses
from praxisd.testing.practice import key_for

from .session_cast import PASSWORD, Browser, Scene, code, hash_quickly


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


def cookie_of(answer: httpx.Response) -> Any:
    jar: SimpleCookie = SimpleCookie(answer.headers["set-cookie"])
    (one,) = jar.values()
    return one


def test_the_cookie_over_http_and_https(scene: Scene, anna: Browser) -> None:
    plain = anna.sign_in()
    one = cookie_of(plain)
    assert (one.key, one["path"], one["samesite"], one["httponly"]) == ("praxisd", "/", "Strict", True)
    assert not one["secure"] and not one["domain"]
    assert one["max-age"] == str(14 * 3600)
    with scene.browser(base_url="https://testserver.local") as secure:
        one = cookie_of(secure.sign_in())
        assert (one.key, one["path"], one["samesite"], one["httponly"], one["secure"]) == (
            "__Host-praxisd",
            "/",
            "Strict",
            True,
            True,
        )
        assert not one["domain"]
        assert secure.get("/session").status_code == 200
        planted = {"Cookie": f"praxisd={secure.token}"}
        secure.http.cookies.clear()
        assert code(secure.get("/session", headers=planted)) == (401, "accounts.key_missing")


def test_a_cookie_that_is_there_twice_is_no_session(anna: Browser) -> None:
    anna.sign_in()
    token = anna.token
    anna.http.cookies.clear()
    good = {"Cookie": f"a=b; praxisd={token}; c=d"}
    assert anna.get("/session", headers=good).status_code == 200
    for bad in (f"praxisd={token}; praxisd={token}", f"praxisd=x; praxisd={token}", f"Praxisd={token}"):
        assert anna.get("/session", headers={"Cookie": bad}).status_code == 401, bad


def test_nobody_and_nonsense(anna: Browser) -> None:
    assert code(anna.get("/session")) == (401, "accounts.key_missing"), "a program without a key"
    page = {"Sec-Fetch-Site": "same-origin"}
    assert code(anna.get("/session", headers=page)) == (401, "accounts.session_missing")
    for token in ("x", "A" * 43, "A" * 42 + "é", "../../x", "A" * 5000, "'; DROP TABLE accounts_session; --"):
        header = {"Cookie": f"praxisd={token}".encode("latin-1")}
        assert code(anna.get("/session", headers=header)) == (401, "accounts.session_ended"), token


def test_a_key_wins_over_a_cookie(scene: Scene, anna: Browser) -> None:
    anna.sign_in()
    desk = {"Authorization": f"Bearer {key_for(scene.house, scene.practice, 'desk', 'Empfang')}"}
    assert anna.get("/me", headers=desk).json()["kind"] == "key"
    assert anna.get("/users", headers=desk).status_code == 403
    assert code(anna.get("/me", headers={"Authorization": "Bearer x"})) == (401, "accounts.key_invalid")
    assert code(anna.get("/session", headers=desk)) == (401, "accounts.session_missing"), (
        "a key has no session"
    )
    body = {"name": "Neu", "role": "desk"}
    answer = anna.http.post("/api/v1/keys", json=body, headers={"Authorization": desk["Authorization"]})
    assert code(answer) == (403, "access.forbidden"), "and needs no CSRF token"


def test_the_fhir_door_takes_no_cookies(scene: Scene, anna: Browser) -> None:
    anna.sign_in()
    answer = anna.http.get("/fhir/R4/Slot?schedule=x")
    assert answer.status_code == 401
    assert anna.get("/session").status_code == 200


def test_a_fresh_token_each_time_and_a_planted_one_is_never_adopted(scene: Scene, anna: Browser) -> None:
    """Session fixation: whatever the cookie held before, signing in makes another, and ends that one."""
    planted = "A" * 43
    anna.http.cookies.set("praxisd", planted, domain="testserver.local")
    anna.sign_in()
    first = anna.token
    assert first != planted
    with scene.browser() as thief:
        assert thief.get("/session", headers={"Cookie": f"praxisd={planted}"}).status_code == 401
    anna.sign_in()
    assert anna.token != first
    assert anna.get("/session", headers={"Cookie": f"praxisd={anna.token}"}).status_code == 200
    with scene.browser() as thief:
        old = thief.get("/session", headers={"Cookie": f"praxisd={first}"})
    assert code(old) == (401, "accounts.session_ended")
    assert [e.codes["reason"] for e in scene.notes("session.ended")] == ["replaced"]


def test_changes_need_the_csrf_token(scene: Scene, anna: Browser) -> None:
    anna.sign_in()
    body = {"keepCurrent": True}
    assert anna.post("/sessions/end", body).status_code == 200
    good = {"X-Praxisd-Csrf": anna.csrf}
    for headers in (
        {},
        {"X-Praxisd-Csrf": ""},
        {"X-Praxisd-Csrf": "é".encode("latin-1")},
        {"X-Praxisd-Csrf": anna.csrf[:-1]},
    ):
        answer = anna.http.post("/api/v1/sessions/end", json=body, headers=headers)
        assert code(answer) == (403, "accounts.csrf_refused"), headers
    assert code(anna.http.delete("/api/v1/session")) == (403, "accounts.csrf_refused")
    with scene.browser() as other:
        scene.add("berta", "desk")
        other.sign_in("berta")
        answer = anna.post("/sessions/end", body, headers={"X-Praxisd-Csrf": other.csrf})
        assert code(answer) == (403, "accounts.csrf_refused"), "another session's token"
    for foreign in (
        {"Origin": "https://boese.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.local:81"},
        {"Origin": "https://testserver.local"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://testserver.local", "Sec-Fetch-Site": "cross-site"},
    ):
        answer = anna.http.post("/api/v1/sessions/end", json=body, headers={**good, **foreign})
        assert code(answer) == (403, "accounts.csrf_refused"), foreign
    for own in (
        {"Origin": "http://testserver.local"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ):
        answer = anna.http.post("/api/v1/sessions/end", json=body, headers={**good, **own})
        assert answer.status_code == 200, own
    assert anna.get("/session").status_code == 200, "reading needs none"


def test_another_site_s_page_cannot_sign_in(scene: Scene, anna: Browser) -> None:
    """Login CSRF: nobody is signed in as somebody else without noticing."""
    for headers in ({"Origin": "https://boese.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert code(anna.sign_in(headers=headers)) == (403, "accounts.csrf_refused")
        assert anna.token == ""
    form = anna.http.post("/api/v1/session", data={"login": "anna", "password": PASSWORD})
    assert code(form) == (415, "http.unsupported_media_type"), "a form of another site can send no JSON"


def test_an_origin_is_compared_with_the_public_address(sqlite_houses: Houses) -> None:
    scene = Scene(sqlite_houses.open(public_url="https://praxis.example/"))
    scene.add()
    with scene.browser(base_url="https://testserver.local") as browser:
        browser.sign_in()
        for origin, status in (
            ("https://praxis.example", 200),
            ("https://testserver.local", 200),
            ("https://example", 403),
            ("https://praxis.example.org", 403),
        ):
            answer = browser.post("/sessions/end", {}, headers={"Origin": origin})
            assert answer.status_code == status, origin


def test_people_may_ask_five_times_as_often_as_keys(
    make_house: Callable[..., House], clock: FrozenClock
) -> None:
    house = make_house(settings={"accounts.rate_per_minute": 60, "accounts.rate_burst": 2})
    scene = Scene(house)
    scene.add()
    with scene.browser() as browser:
        browser.sign_in()
        statuses = [browser.get("/session").status_code for _ in range(11)]
        assert statuses == [200] * 10 + [429]
        clock.advance(1)
        assert [browser.get("/session").status_code for _ in range(6)] == [200] * 5 + [429]
