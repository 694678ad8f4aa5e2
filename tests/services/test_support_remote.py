"""Remote support: let in by the practice, with a code, masked, recorded, ended at once or by the clock (SPEC 7.13)."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from praxisd import main
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.sessions import NOBODY
from praxisd.services.support import api as support
from praxisd.services.support import remote, remote_room
from praxisd.services.support import remote_rules as rules
from praxisd.testing.houses import Houses
from praxisd.testing.practice import key_for
from praxisd.web import live

from .live_cast import listening
from .relay_cast import Guest, inside, outside
from .session_cast import Browser, Scene, code
from .web_sample.serving import running

ASKED = {"name": "Frau Weber, Systemhaus Nord", "purpose": "Drucker einrichten", "minutes": 60}
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes in a moment."""
    monkeypatch.setitem(rules._COST, "n", 2)


@pytest.fixture(name="house")
def sqlite_house(sqlite_houses: Houses) -> House:
    return sqlite_houses.open()


@pytest.fixture(params=["sqlite_houses", "postgres_houses"])
def both(request: pytest.FixtureRequest) -> House:
    """A house on each engine in turn."""
    made: House = request.getfixturevalue(request.param).open()
    return made


@pytest.fixture
def scene(house: House) -> Scene:
    made = Scene(house)
    made.add()
    made.add("bernd", "desk")
    return made


@pytest.fixture
def owner(scene: Scene) -> Iterator[Browser]:
    with scene.browser() as browser:
        browser.sign_in()
        yield browser


def allow(owner: Browser, **given: Any) -> dict[str, Any]:
    answer = owner.post("/support/remote", {**ASKED, **given})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


class Partner:
    """The service partner's browser, at one end of a connection."""

    def __init__(self, guest: Guest) -> None:
        self.guest, self.cookie, self.csrf = guest, "", ""

    def enter(self, typed: str, **headers: str) -> httpx.Response:
        answer = self.guest.ask("POST", "/support", content=f"code={typed}", headers={**FORM, **headers})
        if answer.status_code == 303:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
            me = self.get("/session")
            self.csrf = me.json()["csrf"]
        return answer

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Cookie": self.cookie, "X-Praxisd-Csrf": self.csrf, "Sec-Fetch-Site": "same-origin"}
        return self.guest.ask(method, path, headers=headers, **more)

    def get(self, path: str) -> httpx.Response:
        return self.ask("GET", f"/api/v1{path}")

    def post(self, path: str, body: Any = None) -> httpx.Response:
        return self.ask("POST", f"/api/v1{path}", json=body or {})


def test_from_outside_nothing_is_there_but_for_who_was_let_in_and_only_so_long(
    house: House, scene: Scene, owner: Browser
) -> None:
    guest = outside(house)
    closed = guest.get("/support")
    assert closed.status_code == 404 and "keine Fernwartung" in closed.text
    assert guest.ask("POST", "/support", content="code=K7QM3XRD", headers=FORM).status_code == 404
    made = allow(owner)
    with house.store.read(scene.owner) as tx:
        kept = str(remote.find(tx, made["grant"]["id"]))
    assert made["code"] not in kept and made["code"].replace("-", "") not in kept
    assert guest.get("/support").status_code == 200
    assert guest.get("/").status_code == 404  # an open grant alone opens nothing
    partner = Partner(guest)
    entered = partner.enter(made["code"].lower().replace("-", " "))
    assert entered.status_code == 303 and entered.headers["location"] == "/"
    assert (
        "__Host-praxisd=guest-" in entered.headers["set-cookie"] and "Secure" in entered.headers["set-cookie"]
    )
    assert partner.ask("GET", "/").status_code in (200, 302)
    assert partner.ask("GET", "/console/texts/de.json").status_code in (200, 404)
    me = partner.get("/session").json()
    assert (me["masked"], me["guest"], me["user"]["role"], me["user"]["name"]) == (
        True,
        True,
        "partner",
        ASKED["name"],
    )
    for method, path in (
        ("POST", "/api/v1/session"),
        ("GET", "/recovery"),
        ("POST", "/recovery/sign-in"),
        ("POST", "/api/v1/setup"),
    ):
        assert partner.ask(method, path, json={}).status_code == 404, path
    stranger = guest.ask("GET", "/api/v1/session", headers={"Cookie": "__Host-praxisd=guest-" + "x" * 43})
    assert stranger.status_code == 404
    assert owner.post(f"/support/remote/{made['grant']['id']}/end", {}).json()["state"] == "over"
    assert partner.ask("GET", "/").status_code == 404
    assert partner.get("/session").status_code == 404
    assert guest.get("/support").status_code == 404


def test_a_code_is_good_once_and_a_new_one_takes_the_session_over(both: House) -> None:
    scene = Scene(both)
    scene.add()
    with scene.browser() as owner:
        owner.sign_in()
        good_once(both, owner)


def good_once(house: House, owner: Browser) -> None:
    made = allow(owner)
    first, second, id_ = Partner(inside(house)), Partner(inside(house)), made["grant"]["id"]
    assert first.enter(made["code"]).status_code == 303
    again = second.enter(made["code"])
    assert again.status_code == 401 and "Dieser Code gilt nicht" in again.text
    fresh = owner.post(f"/support/remote/{id_}/code", {}).json()["code"]
    assert first.get("/session").status_code == 200  # until somebody comes with the new one
    assert second.enter(fresh).status_code == 303
    assert code(first.get("/session")) == (401, "accounts.session_ended")
    assert second.ask("DELETE", "/api/v1/session").status_code == 204
    assert code(second.get("/session")) == (401, "accounts.session_ended")
    now = owner.get("/support/remote/now").json()
    assert (now["grant"]["state"], now["mayEnd"]) == ("waiting", True)
    owner.post(f"/support/remote/{id_}/end", {})
    assert code(owner.post(f"/support/remote/{id_}/code", {})) == (409, "support.remote_over")
    assert owner.get("/support/remote/now").json()["grant"] is None


def test_wrong_codes_are_counted_noted_and_never_right_by_chance(
    house: House, scene: Scene, owner: Browser
) -> None:
    made = allow(owner)
    partner = Partner(inside(house))
    right = made["code"].replace("-", "")
    near = ("2" if right[0] != "2" else "3") + right[1:]
    for wrong in ("", "kurz", near, "É" * 8, right + "A"):
        assert partner.enter(wrong).status_code == 401, wrong
    foreign = partner.enter(right, **{"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403 and not partner.cookie
    scene.house.clock.advance(60)  # type: ignore[attr-defined]
    scene.set("accounts.failures_per_minute", 10)
    house.clock.advance(60)  # type: ignore[attr-defined]
    refused = [partner.enter(near) for _ in range(12)]
    assert refused[0].status_code == 401 and refused[-1].status_code == 429
    assert int(refused[-1].headers["Retry-After"]) >= 1
    notes = scene.notes("support.refused")
    assert len(notes) >= 15 and all(one.actor == "anonymous:anonymous" for one in notes)
    house.clock.advance(120)  # type: ignore[attr-defined]
    assert partner.enter(right).status_code == 303


def test_one_at_a_time_and_the_desk_only_where_the_practice_says_so(
    house: House, scene: Scene, owner: Browser
) -> None:
    allow(owner)
    assert code(owner.post("/support/remote", ASKED)) == (409, "support.remote_open")
    with scene.browser() as desk:
        desk.sign_in("bernd")
        now = desk.get("/support/remote/now").json()
        assert now["grant"]["grantedBy"] == "Anna" and now["mayGrant"] is False
        assert (
            desk.post(f"/support/remote/{now['grant']['id']}/end", {}).status_code == 200
        )  # anybody may end it
        assert code(desk.post("/support/remote", ASKED)) == (403, "support.remote_not_desk")
        scene.set(remote.DESK, True)
        allow(desk, minutes=5)
    for wrong in ({"minutes": 4}, {"minutes": 481}, {"name": " \n "}, {"purpose": ""}):
        assert owner.post("/support/remote", {**ASKED, **wrong}).status_code in (400, 422), wrong
    key = key_for(house, scene.practice, "pvs", "PVS")
    headers = {"Authorization": f"Bearer {key}"}
    assert inside(house).ask("POST", "/api/v1/support/remote", json=ASKED, headers=headers).status_code == 403


def test_the_clock_ends_it_and_a_restart_does_not(sqlite_houses: Houses) -> None:
    house = sqlite_houses.open()
    scene = Scene(house)
    scene.add()
    with scene.browser() as owner:
        owner.sign_in()
        made = allow(owner, minutes=30)
        partner = Partner(inside(house))
        partner.enter(made["code"])
        partner.get("/issues")
        twin = sqlite_houses.twin(house)
        after = Partner(inside(twin))
        after.cookie = partner.cookie
        assert after.get("/session").json()["expiresAt"] == made["grant"]["until"]
        house.clock.advance(30 * 60 - 1)  # type: ignore[attr-defined]
        assert partner.get("/issues").status_code == 200
        house.clock.advance(1)  # type: ignore[attr-defined]
        assert code(partner.get("/issues")) == (401, "accounts.session_ended")
        remote_room.turn(house)
        ended = [one for one in scene.notes("support.") if one.type == "support.ended"]
        assert [(one.codes["reason"], one.actor) for one in ended] == [("time", "system:support")]
        past = owner.get("/support/remote").json()["grants"]
        assert [(one["state"], one["endedBy"], one["endedAt"]) for one in past] == [
            ("over", None, made["grant"]["until"])
        ]
        allow(owner)


def test_the_stream_of_who_was_let_in_ends_at_once_and_when_the_time_is_over(
    house: House, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_S", 3600.0)  # nothing but the end itself may end it
    room = remote_room.room_of(house)

    def end(id_: str) -> None:
        remote.end(house, scene.owner, id_)

    def run_out(_id: str) -> None:
        house.clock.advance(3600)  # type: ignore[attr-defined]
        remote_room.turn(house)

    with running(house, main.doors(house)) as server:
        for over in (end, run_out):
            made = remote.grant(house, scene.owner, **ASKED)  # type: ignore[arg-type]
            token = remote.enter(house, NOBODY, made.code).token
            assert room.known(token)
            with listening(server.url, cookie=token) as stream:
                assert stream.next(60)[0] == "hello"
                over(made.grant.id)
                heard = [stream.next(60) for _ in range(2)]
                assert heard[-1] == ("bye", {"reason": "signed_out"}, None), heard
                assert stream.ended(60)


def test_everything_is_in_the_record_and_nothing_of_what_was_looked_at(
    house: House, scene: Scene, owner: Browser
) -> None:
    made = allow(owner)
    partner, id_ = Partner(outside(house)), made["grant"]["id"]
    partner.enter(made["code"])
    for _ in range(3):
        assert partner.get("/settings").status_code == 200
    assert partner.post("/issues/check").status_code == 200
    assert code(partner.post("/users", {"login": "x"})) == (403, "access.forbidden")
    assert code(partner.get("/users"))[0] == 403
    assert partner.post("/events/search", {"text": "Kanarienvogel"}).status_code in (200, 400)
    page = owner.get(f"/support/remote/{id_}/record").json()
    acts = {one["operation"]: one for one in page["acts"] if one["operation"]}
    assert (acts["settings.list"]["count"], acts["settings.list"]["kind"]) == (3, "look")
    # Whoever reads it is no programmer: what it was for, and where, is said in words.
    assert (acts["settings.list"]["about"], acts["settings.list"]["area"]) == (
        "Einstellungen ansehen",
        "Server",
    )
    assert acts["issues.check"]["kind"] == "do" and acts["issues.check"]["status"] == 200
    assert acts["users.create"]["status"] == 403 and acts["users.create"]["refusal"]
    assert "Kanarienvogel" not in str(page)
    kinds = [one["text"] for one in page["acts"] if one["kind"] == "grant"]
    assert kinds[-1] == "Fernwartung für 60 Minuten freigegeben" and len(kinds) == 2
    first = owner.get(f"/support/remote/{id_}/record?limit=2").json()
    rest = owner.get(f"/support/remote/{id_}/record?limit=200&cursor={first['next']}").json()
    assert first["acts"] + rest["acts"] == owner.get(f"/support/remote/{id_}/record?limit=200").json()["acts"]
    assert code(partner.get(f"/support/remote/{id_}/record"))[0] == 403
    for forbidden in (
        "accounts.self.write",
        "messaging.account.write",
        "support.remote.ask",
        "relay.link.write",
    ):
        assert forbidden not in partner.get("/session").json()["permissions"]
    with house.store.read(scene.owner) as tx:
        assert support.actor_names(tx, [f"support:{id_}", "user:x"]) == {f"support:{id_}": ASKED["name"]}


def test_what_cannot_be_noted_now_is_noted_later(
    house: House, scene: Scene, owner: Browser, monkeypatch: Any
) -> None:
    made = allow(owner)
    partner = Partner(inside(house))
    partner.enter(made["code"])
    partner.get("/issues")
    room = remote_room.room_of(house)
    with monkeypatch.context() as broken:
        broken.setattr(house.store, "run", lambda *_: (_ for _ in ()).throw(OSError("full")))
        with pytest.raises(OSError, match="full"):
            room.flush(everything=True)
    partner.get("/issues")
    room.flush(everything=True)
    noted = [one for one in scene.notes("support.acted") if one.codes["operation"] == "issues.list"]
    assert [one.codes["count"] for one in noted] == [2]


def test_in_safe_mode_it_is_granted_used_and_ended(house: House, scene: Scene, owner: Browser) -> None:
    house.safe = True
    made = allow(owner)
    assert made["outside"] is False
    partner = Partner(inside(house))
    assert partner.enter(made["code"]).status_code == 303
    assert partner.get("/issues").status_code == 200
    found = next(one for one in house.registry.checks if one.name == "support.remote")
    assert [one.code for one in found.call(house)] == ["support.remote_granted"]
    house.clock.advance(3600)  # type: ignore[attr-defined]
    assert list(found.call(house)) == []
    assert scene.notes("support.ended")[0].codes["reason"] == "time"


def test_on_the_server_itself_it_is_granted_listed_read_and_ended(house: House, scene: Scene) -> None:
    call = {
        one: house.registry.operations[f"support.remote_{one}"].call
        for one in ("grant", "list", "record", "end")
    }
    given = {**ASKED, "organization": scene.practice.organization}
    assert all(house.registry.operations[f"support.remote_{one}"].offline for one in call)
    with pytest.raises(Problem, match=r"support\.remote_none"):
        call["end"](house, {})
    made = call["grant"](house, given)
    assert made["address"] == "" and len(made["code"]) == 9 and made["grant"]["until"].endswith("+01:00")
    partner = Partner(inside(house))
    assert partner.enter(made["code"]).status_code == 303
    assert [one["state"] for one in call["list"](house, {"lang": "en"})["grants"]] == ["inside"]
    acts = call["record"](house, {"lang": "en"})["acts"]
    assert {"session.read"} <= {one["operation"] for one in acts}
    assert acts[-1]["text"] == "Remote support allowed for 60 minutes"
    ended = call["end"](house, {"lang": "en"})
    assert (ended["state"], ended["endedBy"]) == ("over", "Command line")
    assert code(partner.get("/issues")) == (401, "accounts.session_ended")
    for wrong in ({"minutes": "viel"}, {"name": None}, {"minutes": 3}):
        with pytest.raises(Problem, match=r"support\.remote_invalid"):
            call["grant"](house, {**given, **wrong})
