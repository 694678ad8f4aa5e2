"""Guests of the relay at the doors: who they are is what was registered for their connection, and nothing they say;
what is for people in the practice is not there for them (SPEC 2.2, 2.8, 12.4).
"""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from praxisd import main
from praxisd.kernel.app import House
from praxisd.kernel.visitors import AFTER_S, GONE, GUESTS, Entered, Visitor, Visitors
from praxisd.services.accounts import api as accounts
from praxisd.testing.houses import Houses
from praxisd.testing.practice import Practice, key_for, small_practice

from .relay_cast import NAME, OUTSIDE, Guest, doors_of, inside, outside
from .session_cast import Scene
from .web_sample.serving import running

INSIDE_ONLY = (
    ("GET", "/"),
    ("GET", "/console/anything.js"),
    ("GET", "/favicon.ico"),
    ("GET", "/console/texts/de.json"),
    ("GET", "/recovery"),
    ("POST", "/recovery/sign-in"),
    ("GET", "/recovery/recovery.css"),
    ("GET", "/metrics"),
    ("GET", "/serviceprovider/about"),
    ("POST", "/api/v1/session"),
    ("GET", "/api/v1/session"),
    ("DELETE", "/api/v1/session"),
    ("GET", "/api/v1/sessions"),
    ("POST", "/api/v1/session/password"),
    ("POST", "/api/v1/session/second-factor"),
    ("GET", "/api/v1/setup"),
    ("POST", "/api/v1/setup"),
    ("POST", "/api/v1/setup/code"),
)


@pytest.fixture
def house(sqlite_houses: Houses) -> House:
    return sqlite_houses.open()


@pytest.fixture
def practice(house: House) -> Practice:
    return small_practice(house)


def test_a_port_speaks_for_a_guest_only_from_its_own_address_and_while_it_is_admitted() -> None:
    now = [100.0]
    visitors = Visitors(lambda: now[0])
    guest = Visitor(OUTSIDE, NAME)
    assert visitors.of(4000) is None
    visitors.admit(4000, guest)
    visitors.admit(4001, guest, host="192.0.2.1")
    assert visitors.of(4000) is guest
    assert visitors.of(4000, "127.0.0.2") is None
    assert visitors.of(4001) is None
    assert visitors.of(4001, "192.0.2.1") is guest
    visitors.leave(4000)
    assert len(visitors) == 1
    assert visitors.of(4000) is guest  # what it said may still be on its way through the doors
    now[0] += AFTER_S
    assert visitors.of(4000) is None
    visitors.leave(4001, "192.0.2.1")
    visitors.admit(4001, Visitor(None, "another"), "192.0.2.1")
    assert visitors.of(4001, "192.0.2.1") == Visitor(None, "another")
    assert guest.base_url == f"https://{NAME}"
    assert Visitor(None, NAME, port=8443).base_url == f"https://{NAME}:8443"


def test_what_is_for_people_is_an_unknown_path_from_outside(house: House, practice: Practice) -> None:
    owner = {"Authorization": f"Bearer {key_for(house, practice, 'owner', 'Alles')}"}
    guest, somebody = outside(house), inside(house)
    said = ("title", "status", "code", "cause", "solution", "params")
    for method, path in INSIDE_ONLY:
        unknown = guest.ask(method, "/nowhere", headers=owner).json()
        answer = guest.ask(method, path, headers=owner)
        assert answer.status_code == 404, path
        assert [answer.json().get(k) for k in said] == [unknown.get(k) for k in said], path
        there = somebody.ask(method, path, headers=owner)
        assert there.status_code != 404 or path == "/console/anything.js", path


def test_what_is_open_without_a_key_from_outside_is_known(house: House) -> None:
    """Whoever adds an open operation says here that the whole world may call it, or declares it `inside`."""
    found = {one.name for one in house.registry.routes if one.permission is None and not one.inside}
    assert found == {
        "feeds.ical",
        "hook.call",
        "hook.callByAddress",
        "offer.answer",
        "offer.look",
        "proposals.answer",
        "proposals.show",
        "sources.hook",
        "supportDoor.enter",
        "supportDoor.show",
    }


def test_the_api_answers_guests_with_a_key(house: House, practice: Practice) -> None:
    key = key_for(house, practice, "portal", "Portal")
    guest = outside(house)
    assert guest.get("/api/v1/schedules", key).status_code == 200
    assert guest.get("/fhir/R4/metadata").status_code == 200
    assert guest.get("/openapi.json", key).status_code == 200
    assert guest.get("/health/live").status_code == 200
    assert guest.get("/docs").status_code == 200
    assert guest.get("/api/v1/schedules").json()["code"] == "accounts.key_missing"


def test_a_session_is_not_good_from_outside_until_the_console_is(house: House) -> None:
    scene = Scene(house)
    scene.add()
    with scene.browser() as browser:
        assert browser.sign_in().status_code == 201
        token = browser.token
    cookies = {"Cookie": f"praxisd={token}; __Host-praxisd={token}", "Sec-Fetch-Site": "same-origin"}
    guest = outside(house)
    assert inside(house).ask("GET", "/api/v1/schedules", headers=cookies).status_code == 200
    refused = guest.ask("GET", "/api/v1/schedules", headers=cookies)
    assert (refused.status_code, refused.json()["code"]) == (401, "accounts.key_missing")
    house.visitors.people = True
    assert guest.ask("GET", "/api/v1/schedules", headers=cookies).status_code == 200


def test_with_the_console_open_people_sign_in_from_outside_with_a_secure_cookie(house: House) -> None:
    Scene(house).add()
    house.visitors.people = True
    guest = outside(house)
    assert guest.get("/").status_code in (200, 302)
    assert guest.get("/recovery").status_code == 200
    assert guest.get("/metrics").status_code == 401
    body = {"login": "anna", "password": "Der Hund bellt im Hof"}
    origin = {"Origin": f"https://{NAME}:8443", "Sec-Fetch-Site": "same-origin"}
    signed_in = guest.ask("POST", "/api/v1/session", json=body, headers=origin)
    assert signed_in.status_code == 201
    assert "__Host-praxisd=" in signed_in.headers["set-cookie"]
    assert "Secure" in signed_in.headers["set-cookie"]
    foreign = guest.ask("POST", "/api/v1/session", json=body, headers={"Origin": "https://boese.example"})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "accounts.csrf_refused")


def test_addresses_in_answers_are_those_of_the_relay_whatever_the_guest_says(
    house: House, practice: Practice
) -> None:
    key = key_for(house, practice, "portal", "Portal")
    guest = outside(house)
    found = guest.get("/fhir/R4/Schedule", key, Host="boese.example", X_Forwarded_Proto="http").json()
    assert found["link"][0]["url"].startswith(f"https://{NAME}:8443/fhir/R4/Schedule")
    here = inside(house).get("/fhir/R4/Schedule", key, Host="praxis.local").json()
    assert here["link"][0]["url"].startswith("http://praxis.local/fhir/R4/Schedule")


def test_networks_of_a_key_are_held_to_the_guests_real_address(house: House, practice: Practice) -> None:
    def make(tx: Any) -> str:
        return accounts.create_key(
            tx, house.registry, role="portal", name="Nur Büro", networks=["203.0.113.0/24"]
        )[1]

    key = house.store.run(practice.desk(), make)
    assert outside(house).get("/api/v1/schedules", key).status_code == 200
    elsewhere = outside(house, "198.51.100.9", 40_124)
    lied = elsewhere.get("/api/v1/schedules", key, X_Forwarded_For=OUTSIDE, Forwarded=f"for={OUTSIDE}")
    assert (lied.status_code, lied.json()["code"]) == (403, "accounts.network_refused")
    assert inside(house).get("/api/v1/schedules", key).status_code == 403  # nobody registered this port


def test_a_trusted_proxy_on_this_computer_does_not_let_guests_choose_their_address(
    sqlite_houses: Houses,
) -> None:
    house = sqlite_houses.open(trusted_proxies=("127.0.0.1",))
    entered: list[Entered] = []
    house.visitors.entered = entered.append
    key = key_for(house, small_practice(house), "portal", "Portal")
    outside(house).get("/api/v1/schedules", key, X_Forwarded_For="192.0.2.99", X_Forwarded_Proto="http")
    assert [one.address for one in entered] == [OUTSIDE]


def test_guests_are_not_somebody_on_this_computer(house: House, practice: Practice) -> None:
    house.visitors.people = True  # even then: without a key there are no figures
    assert inside(house).get("/metrics").status_code == 200
    assert outside(house).get("/metrics", Host="localhost").status_code == 401


def test_only_requests_with_a_key_are_told_and_nothing_of_what_they_asked(
    house: House, practice: Practice
) -> None:
    entered: list[Entered] = []
    house.visitors.entered = entered.append
    key = key_for(house, practice, "portal", "Portal")
    guest = outside(house)
    guest.get("/health/live")
    guest.get("/api/v1/schedules")
    guest.get("/api/v1/schedules", "pk_falsch")
    inside(house).get("/api/v1/schedules", key)
    assert entered == []
    answer = guest.get("/api/v1/schedules?limit=7", key)
    guest.get("/api/v1/appointments/Geheim123", key)
    guest.get("/fhir/R4/Patient?family=Geheim", key)
    assert [(one.method, one.operation, one.status) for one in entered] == [
        ("GET", "schedules.list", 200),
        ("GET", "appointments.read", 404),
        ("GET", "fhir.Patient.search", 200),
    ]
    first = entered[0]
    assert (first.organization, first.address, first.sent) == (
        practice.organization,
        OUTSIDE,
        len(answer.content),
    )
    assert "Geheim" not in repr(entered)


def test_who_comes_from_the_address_for_guests_is_one_even_when_nobody_knows_which(
    house: House, practice: Practice
) -> None:
    visitors = house.visitors
    assert visitors.of(4000, GUESTS) is GONE
    visitors.admit(4000, Visitor(OUTSIDE, NAME), GUESTS)
    assert visitors.of(4000, GUESTS) == Visitor(OUTSIDE, NAME)
    visitors.leave(4000, GUESTS)
    assert visitors.of(4000, GUESTS) is GONE
    key = key_for(house, practice, "portal", "Portal")
    late = Guest(doors_of(house), (GUESTS, 4000))
    assert late.get("/metrics", Host="localhost").status_code == 404
    assert late.get("/recovery").status_code == 404
    assert late.get("/api/v1/schedules", key).status_code == 200


def test_the_own_end_of_a_guests_connection_is_of_this_computer() -> None:
    for doors in ("127.0.0.1", "::1"):
        with socket.socket(socket.AF_INET6 if ":" in doors else socket.AF_INET) as sock:
            host, port = Visitors.bind(sock, doors)
            assert port > 0
            assert host == (GUESTS if doors == "127.0.0.1" else "::1")


@pytest.fixture
def served(sqlite_houses: Houses) -> Iterator[Any]:
    house = sqlite_houses.open()
    with running(house, main.doors(house)) as found:
        yield found


def test_over_real_sockets_only_the_registered_end_is_a_guest(served: Any) -> None:
    visitors: Visitors = served.house.visitors

    def get(admitted: bool, own: str = "127.0.0.1") -> bytes:
        with socket.socket() as sock:
            sock.bind((own, 0))
            port = sock.getsockname()[1]
            if admitted:
                visitors.admit(port, Visitor(OUTSIDE, NAME), own)
            sock.connect(("127.0.0.1", served.port))
            sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            found = b""
            while part := sock.recv(65536):
                found += part
            visitors.leave(port, own)
        return found.split(b"\r\n", 1)[0]

    assert b" 200 " in get(admitted=False)
    assert b" 404 " in get(admitted=True)
    assert b" 200 " in get(admitted=False)
    assert b" 404 " in get(admitted=True, own=GUESTS)
    assert b" 404 " in get(admitted=False, own=GUESTS)
