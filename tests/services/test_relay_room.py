"""The room: when there is a link, what is told of it, what counts on nodes that do not hold it, what the checks find."""

import dataclasses
from typing import Any

import msgspec
import pytest

from praxisd.kernel import events, leases
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.services.relay import certificates, checks, identity, probe, settings, state, store, words
from praxisd.services.relay.linking import LEASE, Snapshot
from praxisd.services.relay.room import Room
from praxisd.services.relay.words import CODES, code_of
from praxisd.testing.houses import Houses
from praxisd_relay.dial import CODES as DIAL
from praxisd_relay.identity import Identity

from .relay_cast import NAME, Script, scripted, until

WHO = system("test")
HUB = identity.Hub(host="link.localhost")


def enrol(house: House, host: str = NAME, on: bool = True, **more: Any) -> identity.Enrolled:
    """As if a hub had said yes."""
    given = {"state": identity.ENROLLED, "since": 0, **more}
    made = identity.Enrolled(Identity.new(), (HUB,), host, 443, **given)
    with house.store.write(WHO) as tx:
        identity.save(house, tx, made)
        house.settings.put(tx, settings.ENABLED, on)
    return made


def set_(house: House, key: str, value: Any) -> None:
    with house.store.write(WHO) as tx:
        house.settings.put(tx, key, value)


def happened(house: House) -> list[str]:
    with house.store.read(WHO) as tx:
        return [one.type for one in events.after(tx, 0, 500) if one.type.startswith("relay.")]


def found(house: House) -> list[str]:
    return [one.code for one in checks.link(house)]


# --- when there is a link -------------------------------------------------------------------------------------------


def test_nothing_is_started_until_the_relay_is_on_and_somebody_enrolled(house: House) -> None:
    room, script = scripted(house)
    room.step()
    set_(house, settings.ENABLED, True)
    room.step()
    assert (script.calls, room.running, state.now(house).phase) == ([], False, "absent")
    enrol(house, on=False)
    room.step()
    assert (script.calls, room.running, state.now(house).phase) == ([], False, "off")
    set_(house, settings.ENABLED, True)
    room.step()
    assert (script.calls, room.running, state.now(house).phase) == (["start"], True, "up")


def test_the_runner_is_told_of_changes_and_ended_when_the_relay_is_off(house: House) -> None:
    enrol(house)
    room, script = scripted(house)
    room.step()
    room.step()
    assert script.calls == ["start"]
    set_(house, settings.PROXY, "http://proxy:3128")
    room.step()
    enrol(house)
    room.step()
    assert script.calls == ["start", "look", "look"]
    set_(house, settings.ENABLED, False)
    room.step()
    until(lambda: script.calls[-1] == "close")
    assert not room.running


def test_the_console_is_open_to_guests_only_while_it_is_set(house: House) -> None:
    room, _ = scripted(house)
    room.step()
    assert not house.visitors.people
    set_(house, settings.CONSOLE, True)
    room.step()
    assert house.visitors.people
    set_(house, settings.CONSOLE, False)
    room.step()
    assert not house.visitors.people


def test_the_runner_takes_leave_when_the_house_stops(house: House) -> None:
    enrol(house)
    room, script = scripted(house)
    room.step()
    room.close()
    room.close()
    assert script.calls == ["start", "close"]


# --- what is told ---------------------------------------------------------------------------------------------------


def test_events_tell_of_a_link_that_came_and_one_that_was_lost(house: House, clock: FrozenClock) -> None:
    enrol(house)
    room, script = scripted(house)
    room.step()
    room.step()
    script.down("silent")
    room.step()
    clock.advance(10)
    room.step()
    script.up()
    room.step()  # back in time: nothing was lost
    assert happened(house) == ["relay.connected"]
    script.down()
    room.step()
    clock.advance(16)
    room.step()
    room.step()
    script.up()
    room.step()
    assert happened(house) == ["relay.connected", "relay.lost", "relay.connected"]


def test_a_foreign_key_is_told_once_until_it_is_ours_again(house: House) -> None:
    enrol(house)
    room, script = scripted(house)
    script.up(words.FOREIGN)
    room.step()
    room.step()
    script.down()
    room.step()
    script.up(words.FOREIGN)
    room.step()
    script.up(None)
    room.step()
    script.up(words.FOREIGN)
    room.step()
    assert happened(house).count("relay.foreign_key") == 2


def test_every_word_of_the_link_has_a_code_with_words_in_both_languages(house: House) -> None:
    hub = {"unknown", "revoked", "code_used", "code_wrong", "busy", "version", "lost", "replaced", "limit"}
    for word in (DIAL | hub) - {"same"}:
        code = code_of(word)
        assert code is not None and (word in CODES or word == "internal"), word
        for lang in ("de", "en"):
            said = words.said(house.texts, code, lang, hub="link.localhost", host=NAME)
            assert said.title and "{" not in said.cause + said.solution
    assert [code_of(word) for word in ("same", "drain", None, "")] == [None] * 4
    assert code_of("relay.probe_dns") == "relay.probe_dns"


def test_the_state_says_what_must_be_healed_first(house: House) -> None:
    made = enrol(house)
    room, script = scripted(house)
    room.step()
    assert (state.now(house).code, state.now(house).snapshot.reachable) == (None, None)
    script.up(None)
    assert state.shown(house, INSTALLATION, "de").reachable is True
    script.up("relay.probe_timeout")
    shown = state.shown(house, INSTALLATION, "de")
    assert (shown.connected, shown.reachable, shown.code) == (True, False, "relay.probe_timeout")
    assert shown.title == "Der Aufruf von außen dauert zu lange" and NAME in (shown.cause or "")
    script.down("silent", None)
    shown = state.shown(house, INSTALLATION, "en")
    assert (shown.phase, shown.connected, shown.reachable) == ("silent", False, False)
    assert shown.code == "relay.hub_silent"
    script.down("waiting", "proxy_password")
    assert state.now(house).code == "relay.proxy_password"
    script.down("refused", "unknown")
    assert state.now(house).code == "relay.refused"
    with house.store.write(WHO) as tx:
        store.set_identity_state(tx, made.id, identity.REVOKED)
    assert state.now(house).code == "relay.revoked"
    script.up(None)
    shown = state.shown(house, INSTALLATION, "de")
    assert (shown.hub, shown.host, shown.url, shown.id) == (
        "link.localhost",
        NAME,
        f"https://{NAME}",
        made.id,
    )
    held = certificates.current(house)
    assert shown.pins == list(held.pins)
    assert shown.certificate is not None and shown.certificate.source == "own"
    assert shown.certificate.chain == held.chain and "BEGIN CERTIFICATE" in held.chain
    set_(house, settings.OWN_NAME, "termine.praxis-muster.de")
    assert state.shown(house, INSTALLATION, "de").url == "https://termine.praxis-muster.de"


# --- checks ---------------------------------------------------------------------------------------------------------


def test_a_link_that_is_away_for_a_minute_is_an_issue(house: House, clock: FrozenClock) -> None:
    enrol(house)
    room, script = scripted(house)
    script.down()
    room.step()
    clock.advance(59)
    room.step()
    assert found(house) == []
    clock.advance(1)
    (one,) = checks.link(house)
    assert (one.code, one.params["code"]) == ("relay.not_connected", "relay.hub_unreachable")
    script.up()
    room.step()
    script.down()
    room.step()
    assert found(house) == []


def test_what_the_hub_and_the_probe_say_is_an_issue_at_once(house: House) -> None:
    made = enrol(house)
    room, script = scripted(house)
    room.step()
    for code, expected in (
        ("relay.probe_offline", "relay.not_reachable"),
        (words.FOREIGN, "relay.foreign_key"),
        (None, None),
    ):
        script.up(code)
        assert found(house) == ([] if expected is None else [expected])
    script.down("refused", "unknown")
    assert found(house) == ["relay.refused"]
    script.down("refused", "revoked")
    assert found(house) == ["relay.revoked"]
    script.down("waiting", "dns")
    with house.store.write(WHO) as tx:
        store.set_identity_state(tx, made.id, identity.REVOKED)
    assert found(house) == ["relay.revoked"]
    set_(house, settings.ENABLED, False)
    assert found(house) == []


def test_a_certificate_is_reported_three_weeks_before_its_end(
    house: House, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(house)
    scripted(house)
    assert list(checks.certificate(house)) == []
    held = certificates.current(house)
    day = 86_400

    def ending(days: int) -> list[tuple[str, str]]:
        one = dataclasses.replace(held, not_after=house.clock.now() + days * day)
        monkeypatch.setattr(certificates, "current", lambda _house: one)
        return [(f.code, f.severity.value) for f in checks.certificate(house)]

    assert ending(22) == []
    assert ending(20) == [("relay.certificate_ends", "warning")]
    assert ending(6) == [("relay.certificate_ends", "error")]


# --- several nodes --------------------------------------------------------------------------------------------------


def hold(house: House, seconds: int = 30) -> leases.Lease:
    with house.store.write(system("relay")) as tx:
        lease = leases.acquire(tx, LEASE, house.node, seconds)
    assert lease is not None
    return lease


def test_other_nodes_show_what_the_holder_says_and_not_a_moment_longer(
    postgres_houses: Houses, clock: FrozenClock
) -> None:
    one = postgres_houses.open(clock=clock)
    two = postgres_houses.twin(one)
    enrol(one)
    room, script = scripted(one)
    other, idle = scripted(two)
    idle.now = Snapshot()
    hold(one)
    script.up(None)
    room.step()
    other.step()
    seen, node = other.snapshot()
    assert (seen.connected, seen.reachable, node, seen.holds) == (True, True, one.node, False)
    shown = state.shown(two, INSTALLATION, "de")
    assert (shown.phase, shown.connected, shown.reachable, shown.node) == ("up", True, True, one.node)
    assert happened(two) == ["relay.connected"]  # the other node noted nothing of its own
    clock.advance(8)
    assert other.snapshot()[0].connected
    clock.advance(1)
    assert not other.snapshot()[0].connected  # the holder has not said it again
    assert state.shown(two, INSTALLATION, "de").reachable is False
    room.step()
    assert other.snapshot()[0].connected
    with one.store.write(system("relay")) as tx:
        lease = leases.current(tx, LEASE)
        assert lease is not None
        leases.release(tx, lease)
    assert other.snapshot() == (Snapshot(), "")  # the lease's end makes it untrue by itself


def test_a_change_is_told_to_other_nodes_at_once_else_every_three_seconds(
    postgres_houses: Houses, clock: FrozenClock
) -> None:
    one = postgres_houses.open(clock=clock)
    enrol(one)
    room, script = scripted(one)
    hold(one)

    def told() -> tuple[int, bool]:
        with one.store.read(WHO) as tx:
            row = store.state(tx)
        assert row is not None
        return row.seen_at, msgspec.json.decode(row.state, type=Snapshot).connected

    room.step()
    first = told()
    clock.advance(2)
    room.step()
    assert told() == first
    script.down()
    room.step()
    assert told() == (first[0] + 2, False)
    clock.advance(3)
    room.step()
    assert told() == (first[0] + 5, False)


def test_a_node_that_does_not_hold_the_link_looks_for_itself(
    postgres_houses: Houses, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = postgres_houses.open(clock=clock)
    two = postgres_houses.twin(one)
    enrol(one)
    room, script = scripted(one)
    other, idle = scripted(two)
    idle.now = Snapshot()
    hold(one)
    script.up("relay.probe_timeout")
    room.step()
    other.step()
    calls: list[House] = []

    def fetch(house: House, *_args: Any) -> probe.Fetched:
        calls.append(house)
        return probe.Fetched(None, 200, 5)

    monkeypatch.setattr(probe, "fetch", fetch)
    assert other.snapshot()[0].reachable is False
    other.read()  # the holder's look is fresh
    assert calls == []
    clock.advance(6)
    room.step()
    other.probe(5)
    assert (calls, other.snapshot()[0].reachable) == ([two], True)
    assert "probe" not in idle.calls
    clock.advance(9)
    room.step()
    other.read()
    until(lambda: len(calls) == 2)
    script.down()
    room.step()
    assert other.snapshot()[0].reachable is False
    script.up()  # a link that came up after the look, which says nothing of it
    link = msgspec.structs.replace(script.now.links[0], since=clock.now() + 1)
    script.now = msgspec.structs.replace(script.now, links=(link,))
    room.step()
    assert other.snapshot()[0].reachable is None


def test_on_a_single_node_nothing_is_written_down(sqlite_houses: Houses) -> None:
    house = sqlite_houses.open()
    enrol(house)
    room, _ = scripted(house)
    room.step()
    with house.store.read(WHO) as tx:
        assert store.state(tx) is None


def test_a_runner_that_cannot_be_made_does_not_end_the_room(house: House) -> None:
    enrol(house)
    script = Script()
    script.up()
    tries: list[int] = []

    def make(_house: House) -> Script:
        tries.append(1)
        if len(tries) == 1:
            raise OSError
        return script

    room = Room(house, make)
    with pytest.raises(OSError):
        room.step()
    room.step()
    assert room.running
