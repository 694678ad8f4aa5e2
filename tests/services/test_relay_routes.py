"""The relay's operations at the door, with a real hub: enrolment, state, change of key, leaving, commands."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.log import Log
from praxisd.services.relay import api, checks, enrolling, identity, operations, probe, settings, store
from praxisd.services.relay.linking import Snapshot
from praxisd.testing.practice import Practice, key_for, small_practice

from .relay_cast import Guest, RunningHub, inside, running_hub, scripted


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RunningHub]:
    with running_hub(tmp_path / "hub") as found:
        yield found


@pytest.fixture
def practice(house: House) -> Practice:
    return small_practice(house)


class Desk:
    """Somebody with a key of a role."""

    def __init__(self, house: House, practice: Practice, role: str = "owner") -> None:
        self.key = key_for(house, practice, role, f"Zugang {role}")
        self._guest: Guest = inside(house)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.key}", "Accept-Language": "de"}
        answer = self._guest.ask(method, f"/api/v1{path}", json=body, headers=headers)
        return answer.status_code, answer.json()


def test_enrolment_through_the_door(house: House, practice: Practice, hub: RunningHub) -> None:
    owner = Desk(house, practice)
    room, script = scripted(house)
    before = owner.ask("GET", "/relay")[1]
    assert (before["phase"], before["certificate"], before["pins"], api.pins(house)) == (
        "absent",
        None,
        [],
        (),
    )
    status, shown = owner.ask("POST", "/relay/enrol", {"invitation": hub.invitation()})
    assert status == 200, shown
    assert shown["enrolled"] and shown["enabled"]
    assert shown["host"] == f"{shown['id']}.relay.localhost"
    assert shown["url"] == f"https://{shown['host']}:{hub.hub.port}"
    assert shown["hub"] == f"link.localhost:{hub.hub.port}"
    assert len(shown["pins"][0]) == 43
    room.step()
    script.up(None)
    status, seen = owner.ask("GET", "/relay")
    assert (status, seen["phase"], seen["connected"], seen["reachable"]) == (200, "up", True, True)
    assert script.calls[-1] == "read"
    assert (api.host(house), api.public_url(house)) == (shown["host"], shown["url"])
    assert list(api.pins(house)) == shown["pins"]


def test_access_data_of_the_relay_are_never_overwritten_by_accident(
    house: House, practice: Practice, hub: RunningHub
) -> None:
    owner = Desk(house, practice)
    scripted(house)
    _, first = owner.ask("POST", "/relay/enrol", {"invitation": hub.invitation()})
    status, problem = owner.ask("POST", "/relay/enrol", {"invitation": hub.invitation()})
    assert (status, problem["code"]) == (409, "relay.enrolled")
    assert problem["params"]["host"] == first["host"]
    assert first["host"] in problem["cause"]
    for body in ({"invitation": hub.invitation(), "replace": "ja"}, {"invitation": ""}, {}):
        assert owner.ask("POST", "/relay/enrol", body)[0] == 400
    assert owner.ask("GET", "/relay")[1]["id"] == first["id"]
    status, second = owner.ask("POST", "/relay/enrol", {"invitation": hub.invitation(), "replace": True})
    assert status == 200 and second["id"] != first["id"]


def test_refusals_name_what_is_wrong(house: House, practice: Practice, hub: RunningHub) -> None:
    owner = Desk(house, practice)
    scripted(house)
    line = hub.invitation()
    for text, code in (
        ("unsinn", "relay.invitation_wrong"),
        (hub.invitation("0" * 26), "relay.code_refused"),
        (line.replace(f":{hub.hub.port}", ":9"), "relay.hub_unreachable"),
    ):
        status, problem = owner.ask("POST", "/relay/enrol", {"invitation": text})
        assert (status, problem["code"]) == (422, code)
        assert problem["title"] and problem["solution"]
    assert owner.ask("POST", "/relay/rotate")[1]["code"] == "relay.not_enrolled"
    assert owner.ask("POST", "/relay/probe")[1]["code"] == "relay.not_enrolled"
    assert owner.ask("POST", "/relay/leave", {"confirm": True})[1]["code"] == "relay.not_enrolled"
    assert owner.ask("POST", "/relay/leave", {"confirm": False})[0] == 400
    assert owner.ask("POST", "/relay/leave", {})[0] == 400


def test_switching_off_changing_the_key_and_leaving(
    house: House, practice: Practice, hub: RunningHub
) -> None:
    owner = Desk(house, practice)
    room, script = scripted(house)
    _, first = owner.ask("POST", "/relay/enrol", {"invitation": hub.invitation()})
    room.step()
    script.up(None)
    assert owner.ask("POST", "/relay/probe")[0] == 200
    assert "probe" in script.calls
    status, changed = owner.ask("POST", "/relay/rotate")
    assert status == 200 and changed["id"] != first["id"] and changed["previous"] == [first["host"]]
    status, off = owner.ask("PUT", "/relay/enabled", {"enabled": False})
    assert (status, off["phase"], off["enabled"], off["reachable"]) == (200, "off", False, None)
    room.step()
    assert owner.ask("POST", "/relay/probe")[1]["code"] == "relay.not_enabled"
    assert api.public_url(house) is None
    assert api.host(house) == changed["host"]
    status, gone = owner.ask("POST", "/relay/leave", {"confirm": True})
    assert (status, gone["phase"], gone["host"]) == (200, "absent", None)
    assert api.host(house) is None


def test_who_may_do_what(house: House, practice: Practice) -> None:
    scripted(house)
    for role, reads, writes in (("desk", 200, 403), ("partner", 200, 200), ("portal", 403, 403)):
        one = Desk(house, practice, role)
        assert one.ask("GET", "/relay")[0] == reads
        assert one.ask("PUT", "/relay/enabled", {"enabled": False})[0] == writes


def test_the_step_of_the_set_up_is_done_once_it_is_in_use(
    house: House, practice: Practice, hub: RunningHub
) -> None:
    owner = Desk(house, practice)
    scripted(house)

    def step() -> str:
        steps = owner.ask("GET", "/setup/steps")[1]["steps"]
        return str(next(one["state"] for one in steps if one["name"] == "relay"))

    assert step() == "open"
    owner.ask("POST", "/relay/enrol", {"invitation": hub.invitation()})
    assert step() == "done"


def test_a_trial_call_goes_out_with_the_key_and_says_what_came_back(
    house: House, practice: Practice, hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = Desk(house, practice)
    room, script = scripted(house)
    key = key_for(house, practice, "portal", "Portal")
    assert owner.ask("POST", "/relay/try", {"key": key})[1]["code"] == "relay.not_enrolled"
    owner.ask("POST", "/relay/enrol", {"invitation": hub.invitation()})
    room.step()
    script.down("waiting", "timeout")
    assert owner.ask("POST", "/relay/try", {"key": key})[1]["code"] == "relay.hub_timeout"
    script.up(None)
    asked: list[Any] = []
    answers: list[Any] = [
        probe.Fetched(None, 200, 31),
        probe.Fetched(None, 401, 30),
        probe.Fetched(None, 418, 30),
        probe.Fetched("relay.probe_foreign_key", None, 12),
    ]

    def fetch(_house: House, path: str, headers: dict[str, str], _within_s: float) -> Any:
        asked.append((path, headers))
        return answers.pop(0)

    monkeypatch.setattr(probe, "fetch", fetch)
    status, good = owner.ask("POST", "/relay/try", {"key": key})
    assert (status, good["ok"], good["status"], good["ms"], good["code"]) == (200, True, 200, 31, None)
    assert asked == [("/api/v1/me", {"Authorization": f"Bearer {key}"})]
    codes = [owner.ask("POST", "/relay/try", {"key": key})[1]["code"] for _ in range(3)]
    assert codes == ["relay.try_key", "relay.try_answer", "relay.probe_foreign_key"]
    assert (
        owner.ask("POST", "/relay/try", {"key": "ein Schlüssel\r\nX: y"})[1]["code"] == "relay.key_malformed"
    )


def test_secrets_are_in_no_answer_event_log_or_setting(
    house: House, practice: Practice, hub: RunningHub
) -> None:
    written = io.BytesIO()
    house.log = Log("debug", written)
    owner = Desk(house, practice)
    room, script = scripted(house)
    key = key_for(house, practice, "portal", "Portal")
    line = hub.invitation()
    said = [owner.ask("POST", "/relay/enrol", {"invitation": line})]
    room.step()
    script.up(None)
    said += [
        owner.ask("GET", "/relay"),
        owner.ask("POST", "/relay/enrol", {"invitation": line}),
        owner.ask("POST", "/relay/try", {"key": "pk_geheim0_undnichtrichtig"}),
        owner.ask("POST", "/relay/rotate"),
        owner.ask("GET", "/settings"),
        owner.ask("POST", "/listings/kernel.events", {}),
    ]
    found = identity.current(house)
    assert found is not None
    private = found.key.private
    with house.store.read(system("test")) as tx:
        values = [one.value for one in house.settings.all(tx)]
        row = store.identity(tx)
    everything = repr(said) + written.getvalue().decode() + repr(values) + repr(row)
    encoded = {private.hex(), repr(private)[2:-1], base64.b64encode(private).decode()}
    encoded |= {base64.urlsafe_b64encode(private).decode().rstrip("=")}
    assert not [one for one in encoded if one in everything]
    for secret in (key, "undnichtrichtig", line.split("/")[1]):
        assert secret not in everything


def test_a_look_from_outside_counts_for_seconds_only_and_who_asks_once_gets_a_new_one(
    house: House, practice: Practice, hub: RunningHub, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = Desk(house, practice)
    room, script = scripted(house)
    enrolling.enrol(house, system("test"), hub.invitation())
    script.up(None)
    room.step()
    clock.advance(7)
    script.calls.clear()
    assert owner.ask("GET", "/relay")[1]["reachable"] is True
    assert operations.status(house, {})["reachable"] is True
    assert list(checks.link(house)) == []
    assert "probe" not in script.calls
    clock.advance(4)  # the script's look stays as old as it is: as if the new one took too long
    script.calls.clear()
    assert owner.ask("GET", "/relay")[1]["reachable"] is None
    assert operations.status(house, {})["reachable"] is None
    assert script.calls.count("probe") == 2
    monkeypatch.setattr(script, "probe", lambda _within: script.up("relay.probe_offline"))
    assert [one.code for one in checks.link(house)] == [checks.NOT_REACHABLE]
    assert owner.ask("GET", "/relay")[1]["reachable"] is False


# --- commands -------------------------------------------------------------------------------------------------------


def test_what_the_commands_do(house: House, practice: Practice, hub: RunningHub) -> None:
    room, script = scripted(house)
    script.now = Snapshot()
    answer = operations.status(house, {"lang": "de"})
    assert (answer["connected"], answer["reachable"], answer["phase"]) == (False, None, "absent")
    made = operations.enrol(house, {"invitation": hub.invitation()})
    assert made["enrolled"] and made["host"]
    script.up()
    room.step()
    script.calls.clear()
    assert operations.status(house, {})["connected"] is True
    assert script.calls == ["read", "probe"]  # nobody had looked yet: a command waits for the first look
    script.up(None)
    assert operations.probe(house, {})["reachable"] is True
    changed = operations.rotate(house, {})
    assert changed["previous"] == [made["host"]]
    gone = operations.revoke(house, {})
    assert (gone["phase"], gone["enabled"]) == ("absent", False)
    assert not settings.chosen(house).enabled
