"""The console's tables of users, access data and one's own sessions, on both engines, and their pages."""

from collections.abc import Iterator

import pytest

from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.services.accounts import api
from praxisd.testing.practice import key_for

from .session_cast import Browser, Scene, code, hash_quickly, set_up_factor


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


def test_users(scene: Scene, anna: Browser, clock: FrozenClock) -> None:
    scene.change(scene.add("carla", "desk", name="Carla Ö."), active=False)
    scene.add("berta", "partner")
    set_up_factor(anna, clock.now)
    shown = anna.post("/listings/accounts.users", {}).json()
    assert [row["cells"]["login"] for row in shown["rows"]] == ["anna", "berta", "carla"]
    assert shown["rows"][0]["cells"] == {
        "login": "anna",
        "name": "Anna",
        "role": "owner",
        "active": True,
        "secondFactor": True,
        "createdAt": "2026-11-23T09:00:00+01:00",
        "passwordChangedAt": "2026-11-23T09:00:00+01:00",
    }
    assert [column["title"] for column in shown["columns"]][:2] == ["Anmeldename", "Name"]
    for body, logins in (
        ({"filters": {"active": "false"}}, ["carla"]),
        ({"filters": {"role": "partner"}}, ["berta"]),
        ({"text": "o."}, ["carla"]),
        ({"sort": "-login", "limit": 1}, ["carla"]),
    ):
        found = anna.post("/listings/accounts.users", body).json()
        assert [row["cells"]["login"] for row in found["rows"]] == logins, body


def test_access_data(scene: Scene, anna: Browser, clock: FrozenClock) -> None:
    made = anna.post("/keys", {"name": "Portal A", "networks": ["10.0.0.0/8"]}).json()
    key_for(scene.house, scene.practice, "pvs", "Software")
    scene.house.store.run(
        scene.owner,
        lambda tx: api.create_key(
            tx, scene.house.registry, role="desk", name="Alt", expires_at=clock.now() + 60
        ),
    )
    clock.advance(60)
    shown = anna.post("/listings/accounts.keys", {"sort": "name"})
    assert made["secret"] not in shown.text
    rows = {row["cells"]["name"]: row for row in shown.json()["rows"]}
    assert list(rows) == ["Alt", "Portal A", "Software"]
    assert rows["Alt"]["alert"] is True and "alert" not in rows["Software"]
    assert (rows["Alt"]["cells"]["state"], rows["Alt"]["cells"]["createdBy"]) == ("expired", None)
    assert rows["Portal A"]["cells"]["createdBy"] == "Anna"
    assert rows["Portal A"]["cells"]["networks"] == "10.0.0.0/8"


def test_own_sessions(scene: Scene, anna: Browser, clock: FrozenClock) -> None:
    clock.advance(60)
    with scene.browser() as phone:
        phone.sign_in(headers={"User-Agent": "x"})
        clock.advance(60)
        rows = anna.post("/listings/accounts.sessions", {}).json()["rows"]
        assert [(r["cells"]["current"], r["cells"]["device"]) for r in rows] == [
            (True, "Firefox, Windows"),
            (False, None),
        ]
        assert rows[0]["cells"]["createdAt"] == "2026-11-23T09:00:00+01:00"
    scene.add("berta", "desk")
    with scene.browser() as berta:
        berta.sign_in("berta")
        assert len(berta.post("/listings/accounts.sessions", {}).json()["rows"]) == 1
    key = {"Authorization": f"Bearer {key_for(scene.house, scene.practice, 'owner', 'Verwaltung')}"}
    answer = anna.http.post("/api/v1/listings/accounts.sessions", json={}, headers=key)
    assert code(answer) == (401, "accounts.session_missing")


def test_pages_and_tables_are_for_owners(scene: Scene, anna: Browser) -> None:
    scene.add("berta", "desk")
    assert {"users", "keys"} <= {page["name"] for page in anna.get("/console").json()["pages"]}
    with scene.browser() as berta:
        berta.sign_in("berta")
        assert not {"users", "keys"} & {page["name"] for page in berta.get("/console").json()["pages"]}
        for name in ("users", "keys"):
            assert code(berta.post(f"/listings/accounts.{name}", {})) == (403, "access.forbidden")
