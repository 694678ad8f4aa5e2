"""The doors of online calendars: access data and its secrets, links that are checked, comparisons by hand, what is refused."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.services.portals import accounts, cycle_store
from praxisd.services.portals.portal import KEY_REFUSED, UNREACHABLE, Unknown
from praxisd.testing.houses import START
from praxisd.testing.practice import key_for
from praxisd.web.app import build

from .portals_cast import DAY, KEY, Stage, in_memory, stage_of

Ask = Any


@pytest.fixture
def stage(house: House) -> Iterator[Stage]:
    found = stage_of(house)
    with in_memory(found.world):
        yield found


@pytest.fixture
def ask(stage: Stage) -> Iterator[Ask]:
    keys = {role: key_for(stage.house, stage.practice, role, role) for role in ("owner", "desk", "partner")}
    with TestClient(build(stage.house, main.doors(stage.house))) as client:  # type: ignore[arg-type]

        def call(method: str, path: str, role: str = "owner", match: int | None = None, **body: Any) -> Any:
            headers = {"Authorization": f"Bearer {keys[role]}", "Accept-Language": "de"}
            if match is not None:
                headers["If-Match"] = f'"{match}"'
            json = body if method in ("POST", "PUT") else None
            return client.request(method, f"/api/v1{path}", headers=headers, json=json)

        yield call


def given(**more: Any) -> dict[str, Any]:
    """A portal as a page sends it."""
    return {
        "name": "Portal", "adapter": "two_way", "active": True, "fields": {"address": "https://portal.example/api"},
        "secrets": {"key": KEY},
    } | more  # fmt: skip


def made(ask: Ask, **more: Any) -> dict[str, Any]:
    got = ask("POST", "/portals", **given(**more))
    assert got.status_code == 201, got.text
    return got.json()  # type: ignore[no-any-return]


def refused(got: Any) -> tuple[int, str]:
    return got.status_code, got.json()["code"]


def test_what_a_portal_is_and_what_kinds_there_are(ask: Ask, stage: Stage) -> None:
    one = made(ask)
    link = ask(
        "POST", f"/portals/{one['id']}/calendars", name="Sprechstunde", schedule=stage.practice.doctors[0]
    )
    assert (link.status_code, link.json()["checked"], link.json()["scheduleName"]) == (201, True, "Dr. 1")
    seen = ask("GET", "/portals").json()
    assert seen["background"] is False
    (portal,) = seen["portals"]
    assert (portal["name"], portal["secretsSet"], portal["interval"], portal["early"]) == (
        "Portal",
        ["key"],
        120,
        True,
    )
    assert KEY not in ask("GET", "/portals").text
    assert portal["state"] == {
        "running": False, "dueAt": None, "contactedAt": None, "goodAt": None, "fetchedAt": None, "failures": 0,
        "problem": None, "openAnswers": 0, "unknown": 0,
    }  # fmt: skip
    assert portal["calendars"][0]["state"]["lagS"] == 0
    kinds = {one["name"]: one for one in seen["adapters"]}
    assert [one["name"] for one in kinds["two_way"]["fields"]] == ["address", "header", "key"]
    assert kinds["two_way"]["abilities"]["bookings"] is True


def test_below_sixty_seconds_is_refused_with_the_reason(ask: Ask) -> None:
    got = ask("POST", "/portals", **given(interval=59))
    assert refused(got) == (422, "portals.interval_too_short")
    assert "60 Sekunden" in got.json()["detail"] + got.json()["title"] + str(got.json())
    one = made(ask, interval=60)
    got = ask("PUT", f"/portals/{one['id']}", **given(interval=0, secrets={}))
    assert refused(got) == (422, "portals.interval_too_short")


def test_secrets_stay_with_the_address_they_were_given_for(ask: Ask, stage: Stage) -> None:
    one = made(ask)
    path = f"/portals/{one['id']}"
    assert ask("PUT", path, match=9, **given(secrets={})).status_code == 412
    kept = ask("PUT", path, match=1, **given(secrets={}, interval=90))
    assert (kept.json()["secretsSet"], kept.json()["version"]) == (["key"], 2)
    moved = given(fields={"address": "https://elsewhere.example/api"}, secrets={})
    assert refused(ask("PUT", path, **moved)) == (422, "portals.secrets_again")
    again = ask("PUT", path, **(moved | {"secrets": {"key": "neu"}}))
    assert again.status_code == 200
    owner = f"Portal/{one['id']}"
    assert stage.read(lambda tx: accounts.secrets(stage.house, tx, owner)) == {"key": "neu"}
    stored = stage.read(lambda tx: cycle_store.sealed(tx, owner))
    assert stored.startswith("s1.") and "neu" not in stored


def test_who_sees_no_patients_sets_up_but_does_not_switch_on(ask: Ask) -> None:
    assert refused(ask("POST", "/portals", role="partner", **given())) == (422, "portals.owner_switches_on")
    got = ask("POST", "/portals", role="partner", **given(active=False))
    assert got.status_code == 201
    path = f"/portals/{got.json()['id']}"
    assert ask("PUT", path, **given(secrets={})).json()["active"] is True
    changed = given(secrets={}, fields={"address": "https://portal.example/api", "header": "X-Other"})
    assert refused(ask("PUT", path, role="partner", **changed)) == (422, "portals.owner_switches_on")
    for leads in ({"atOnce": True}, {"tells": True}, {"name": "Anderes"}):
        got = ask("PUT", path, role="partner", **given(secrets={}, **leads))
        assert refused(got) == (422, "portals.owner_switches_on"), leads
    assert ask("PUT", path, role="partner", **given(secrets={}, interval=300)).status_code == 200
    assert ask("POST", "/portals", role="desk", **given(name="B")).status_code == 403


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"fields": {"address": "http://portal.example/"}}, (422, "portals.field_wrong")),
        ({"fields": {}}, (422, "portals.field_wrong")),
        ({"secrets": {}}, (422, "portals.field_wrong")),
        ({"fields": {"address": "https://a.example", "colour": "blue"}}, (422, "portals.field_unknown")),
        ({"secrets": {"key": KEY, "address": "x"}}, (422, "portals.field_unknown")),
        ({"services": {"Kontrolle": "unknown"}}, (422, "portals.service_unknown")),
    ],
)
def test_fields_that_cannot_be_right_are_refused(
    ask: Ask, more: dict[str, Any], code: tuple[int, str]
) -> None:
    assert refused(ask("POST", "/portals", **given(**more))) == code


def test_names_are_used_once_and_adapters_stay(ask: Ask) -> None:
    one = made(ask)
    assert refused(ask("POST", "/portals", **given())) == (409, "portals.name_taken")
    changed = given(adapter="drflex", secrets={}, fields={}, active=False)
    got = ask("PUT", f"/portals/{one['id']}", **changed)
    assert refused(got) in ((422, "portals.adapter_fixed"), (422, "portals.adapter_unknown"))


def test_a_calendar_is_asked_for_when_it_is_linked(ask: Ask, stage: Stage) -> None:
    path = f"/portals/{made(ask)['id']}/calendars"
    doctors = stage.practice.doctors
    got = ask("POST", path, name="Sprechstude", schedule=doctors[0])
    assert refused(got) == (422, "portals.calendar_unknown")
    assert "Prophylaxe, Sprechstunde" in got.text and "„“" not in got.text
    one = ask("POST", path, name="Sprechstunde", schedule=doctors[0]).json()
    assert refused(ask("POST", path, name="Sprechstunde", schedule=doctors[1])) == (
        409,
        "portals.calendar_taken",
    )
    assert refused(ask("POST", path, name="Prophylaxe", schedule=doctors[0])) == (
        409,
        "portals.schedule_taken",
    )
    assert refused(ask("POST", path, name="Prophylaxe", schedule="nowhere")) == (
        422,
        "portals.schedule_unknown",
    )
    stage.world.fails["*"] = Problem(UNREACHABLE, 502, retry=True)
    other = ask("POST", path, name="Egal", schedule=doctors[1])
    assert (other.status_code, other.json()["checked"]) == (201, False)
    stage.world.fails.clear()
    link = f"/portals/calendars/{one['id']}"
    got = ask("PUT", link, match=1, name="Prophylaxe", schedule=doctors[0])
    assert (got.status_code, got.json()["name"], got.json()["version"]) == (200, "Prophylaxe", 2)
    assert ask("DELETE", link, match=2).status_code == 204
    assert ask("DELETE", link).status_code == 404


def test_any_number_of_calendars(ask: Ask, stage: Stage) -> None:
    stage.world.names = tuple(f"Kalender {n}" for n in range(4))
    one = made(ask)
    for n, column in enumerate((*stage.practice.doctors, *stage.practice.chairs)):
        got = ask("POST", f"/portals/{one['id']}/calendars", name=f"Kalender {n}", schedule=column)
        assert got.status_code == 201
    got = ask("POST", f"/portals/{one['id']}/sync").json()
    assert [row["uploaded"] for row in got["calendars"]] == [0] * 4
    assert set(stage.world.taken) == set(stage.world.names)


def test_the_connection_is_tested_saved_or_not(ask: Ask, stage: Stage) -> None:
    got = ask("POST", "/portals/test", **given()).json()
    assert got == {"ok": True, "calendars": ["Prophylaxe", "Sprechstunde"], "problem": None}
    wrong = ask("POST", "/portals/test", **given(secrets={"key": "falsch"})).json()
    assert (wrong["ok"], wrong["problem"]["code"]) == (False, KEY_REFUSED)
    assert "Zugangsdaten" in wrong["problem"]["solution"] and "{" not in str(wrong["problem"]["cause"])
    one = made(ask)
    assert ask("POST", f"/portals/{one['id']}/test").json()["ok"] is True
    assert stage.contact(stage.portal("Zweites")).contacted_at is None
    assert ask("GET", f"/portals/{one['id']}").json()["state"]["contactedAt"] is not None


def test_by_hand_the_answer_says_what_went_out_or_why_not(ask: Ask, stage: Stage) -> None:
    portal = stage.portal()
    link = stage.link(portal)
    stage.book(START + 3_600)
    got = ask("POST", f"/portals/{portal.id}/sync", role="desk").json()
    assert got["problem"] is None
    assert [(row["name"], row["uploaded"], row["code"]) for row in got["calendars"]] == [
        ("Sprechstunde", 1, None)
    ]
    stage.world.fails["*"] = Problem(KEY_REFUSED, 502)
    got = ask("POST", f"/portals/calendars/{link.id}/resync").json()
    assert (got["problem"]["code"], got["calendars"][0]["code"]) == (KEY_REFUSED, KEY_REFUSED)
    rows = ask("GET", f"/portals/calendars/{link.id}/uploads").json()["uploads"]
    assert [(row["count"], row["code"]) for row in rows] == [(None, KEY_REFUSED), (1, None)]
    page = ask("GET", f"/portals/calendars/{link.id}/uploads?limit=1").json()
    rest = ask("GET", f"/portals/calendars/{link.id}/uploads?limit=1&cursor={page['next']}").json()
    assert (rest["uploads"][0]["count"], rest["next"]) == (1, None)
    stage.world.fails.clear()
    assert ask("POST", f"/portals/calendars/{link.id}/resync").json()["problem"] is None


def test_unknown_times_are_shown_and_settled_at_once(ask: Ask, stage: Stage) -> None:
    portal = stage.portal()
    stage.link(portal)
    stage.world.unknown = [Unknown("s1", "Sprechstunde", START + DAY, START + DAY + 900)]
    stage.cycle(portal)
    (one,) = ask("GET", "/portals/unknown").json()["unknown"]
    assert (one["portalName"], one["remote"], one["choice"]) == ("Portal", "s1", None)
    path = f"/portals/unknown/{portal.id}/s1/settle"
    assert ask("POST", path, choice="again").json() == {"settled": True, "problem": None}
    assert stage.world.settled == [("s1", "again")]
    assert ask("POST", path, choice="again").status_code == 404


def test_times_are_offered_where_the_portal_takes_them(ask: Ask, stage: Stage) -> None:
    portal = stage.portal()
    link = stage.link(portal)
    times = {"start": "2026-11-24T09:00:00+01:00", "end": "2026-11-24T11:00:00+01:00", "minutes": 30}
    got = ask("POST", f"/portals/{portal.id}/offers", calendar=link.id, **times).json()
    assert (got["offered"], [one["start"] for one in got["refused"]]) == (3, ["2026-11-24T09:30:00+01:00"])
    back = times | {"end": times["start"]}
    assert ask("POST", f"/portals/{portal.id}/offers", calendar=link.id, **back).status_code == 400
    assert ask("POST", f"/portals/{portal.id}/offers", calendar=new_id(), **times).status_code == 404


def test_what_is_deleted_leaves_nothing_behind(ask: Ask, stage: Stage) -> None:
    portal = stage.portal()
    link = stage.link(portal)
    stage.cycle(portal)
    assert ask("DELETE", f"/portals/{portal.id}", match=1).status_code == 204
    assert ask("GET", "/portals").json()["portals"] == []
    assert stage.state(link) is None and stage.contact(portal) is None
    assert stage.read(lambda tx: cycle_store.sealed(tx, f"Portal/{portal.id}")) == ""
    assert made(ask)["name"] == "Portal"


def test_the_table_of_calendars_says_how_fresh_they_are(ask: Ask, stage: Stage) -> None:
    portal = stage.portal()
    stage.link(portal)
    stage.cycle(portal)
    (row,) = ask("POST", "/listings/portals.calendars").json()["rows"]
    assert (row["cells"]["portal"], row["cells"]["name"], row["cells"]["uploaded"]) == (
        "Portal",
        "Sprechstunde",
        0,
    )
    assert row["cells"]["goodAt"] == "2026-11-23T09:00:00+01:00"
