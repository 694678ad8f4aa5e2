"""Enrolment with a real hub: what is in force is replaced only by a yes, and a crash at any moment leaves what works."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel import events
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.services.relay import asking, enrolling, identity, settings, store
from praxisd_relay.identity import Identity

from .relay_cast import RunningHub, running_hub, scripted

WHO = system("test")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RunningHub]:
    with running_hub(tmp_path / "hub") as found:
        yield found


def current(house: House) -> identity.Enrolled | None:
    return identity.current(house)


def pending(house: House) -> identity.Enrolled | None:
    with house.store.read(WHO) as tx:
        return identity.load(house, tx, store.NEXT)


def happened(house: House) -> list[str]:
    with house.store.read(WHO) as tx:
        found = events.after(tx, 0, 200)
    return [one.type for one in found if one.type.startswith("relay.")]


def code(call: Any, *args: Any, **more: Any) -> str:
    with pytest.raises(Problem) as refused:
        call(*args, **more)
    return refused.value.code


def test_an_invitation_makes_us_known_and_gives_us_a_name(house: House, hub: RunningHub) -> None:
    enrolling.enrol(house, WHO, hub.invitation())
    found = current(house)
    assert found is not None
    assert found.host == f"{found.id}.relay.localhost"
    assert found.port == hub.hub.port
    assert found.state == identity.ENROLLED
    assert hub.practices == [found.id]
    assert pending(house) is None
    assert settings.chosen(house).enabled
    assert happened(house) == ["relay.enrolled"]


def test_enrolling_again_changes_nothing_without_an_explicit_yes(house: House, hub: RunningHub) -> None:
    enrolling.enrol(house, WHO, hub.invitation())
    before, line = current(house), hub.invitation()
    with pytest.raises(Problem) as refused:
        enrolling.enrol(house, WHO, line)
    assert before is not None
    assert (refused.value.code, refused.value.status) == ("relay.enrolled", 409)
    assert refused.value.params["host"] == before.host
    assert current(house) == before
    assert len(hub.practices) == 1
    enrolling.enrol(house, WHO, line, replace_=True)  # the invitation was not used up by the refusal
    after = current(house)
    assert after is not None and after.id != before.id
    assert happened(house) == ["relay.enrolled", "relay.enrolled"]


def test_a_refused_replacement_leaves_the_old_in_force(house: House, hub: RunningHub) -> None:
    used = hub.invitation()
    enrolling.enrol(house, WHO, used)
    before = current(house)
    assert code(enrolling.enrol, house, WHO, used, replace_=True) == "relay.code_used"
    wrong = hub.invitation("0" * 26)
    assert code(enrolling.enrol, house, WHO, wrong, replace_=True) == "relay.code_refused"
    host, words, _ = hub.invitation().split("/")
    foreign = f"{host}/{words}/{'A' * 43}"
    assert code(enrolling.enrol, house, WHO, foreign, replace_=True) == "relay.hub_foreign"
    unpinned = f"{host}/{words}"
    assert code(enrolling.enrol, house, WHO, unpinned, replace_=True) == "relay.hub_certificate"
    nobody = f"link.localhost:9/{words}"
    assert code(enrolling.enrol, house, WHO, nobody, replace_=True) == "relay.hub_unreachable"
    assert code(enrolling.enrol, house, WHO, "Guten Tag", replace_=True) == "relay.invitation_wrong"
    assert current(house) == before
    assert pending(house) is None
    assert happened(house) == ["relay.enrolled"]


def test_a_hub_that_falls_silent_leaves_the_question_open_and_the_same_invitation_settles_it(
    house: House, hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = hub.invitation()
    real = asking.ask

    def lost(*args: Any) -> asking.Welcomed:
        real(*args)  # the hub has said yes, and nobody hears it
        raise asking.NoYes(Problem("relay.hub_silent", 422), certain=False)

    monkeypatch.setattr(asking, "ask", lost)
    assert code(enrolling.enrol, house, WHO, line) == "relay.hub_silent"
    monkeypatch.undo()
    offered = pending(house)
    assert current(house) is None
    assert offered is not None and hub.practices == [offered.id]
    enrolling.enrol(house, WHO, line)
    found = current(house)
    assert found is not None and found.id == offered.id
    assert hub.practices == [offered.id]


class Crash(BaseException):
    """The program ends here."""


def test_a_crash_between_the_yes_and_our_writing_is_settled_at_the_next_start(
    house: House, hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolling.enrol(house, WHO, hub.invitation())
    before = current(house)

    def crash(*_args: Any) -> None:
        raise Crash

    monkeypatch.setattr(enrolling, "_adopt", crash)
    with pytest.raises(Crash):
        enrolling.enrol(house, WHO, hub.invitation(), replace_=True)
    monkeypatch.undo()
    assert current(house) == before  # what was in force is what a start finds
    offered = pending(house)
    enrolling.resume(house)
    found = current(house)
    assert found is not None and offered is not None and found.id == offered.id
    assert pending(house) is None


def test_a_crash_before_the_hub_heard_of_it_is_forgotten_at_the_next_start(
    house: House, hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolling.enrol(house, WHO, hub.invitation())
    before = current(house)

    def crash(*_args: Any) -> None:
        raise Crash

    monkeypatch.setattr(asking, "ask", crash)
    with pytest.raises(Crash):
        enrolling.enrol(house, WHO, hub.invitation(), replace_=True)
    monkeypatch.undo()
    assert pending(house) is not None
    enrolling.resume(house)
    assert (current(house), pending(house)) == (before, None)


def test_a_hub_that_is_away_keeps_the_question_open(house: House, hub: RunningHub) -> None:
    line = hub.invitation().replace(f":{hub.hub.port}/", ":9/")
    with house.store.write(WHO) as tx:
        enrolling._offer(house, tx, enrolling.parse(line), False)
    enrolling.resume(house)
    assert pending(house) is None  # nothing was ever said to it: nothing can be admitted there


def test_a_fresh_key_takes_the_place_of_the_old_one_and_the_old_name_is_kept(
    house: House, hub: RunningHub
) -> None:
    enrolling.enrol(house, WHO, hub.invitation())
    before = current(house)
    assert before is not None
    enrolling.rotate(house, WHO)
    found = current(house)
    assert found is not None and found.id != before.id
    assert found.host == f"{found.id}.relay.localhost"
    assert found.names == (found.host, before.host)
    assert set(hub.practices) == {found.id, before.id}
    assert asking.ask(house, found, None, 10).host == found.host
    assert happened(house) == ["relay.enrolled", "relay.rotated"]


def test_over_a_running_link_the_runner_is_asked(house: House, hub: RunningHub) -> None:
    enrolling.enrol(house, WHO, hub.invitation())
    before = current(house)
    room, script = scripted(house)
    room.step()
    enrolling.rotate(house, WHO)
    found = current(house)
    assert "rotate" in script.calls
    assert before is not None and found is not None
    assert found.host == f"{found.id}.relay.localhost" and found.previous[0].host == before.host


def test_a_crash_while_the_key_is_changed_leaves_one_that_works(
    house: House, hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolling.enrol(house, WHO, hub.invitation())
    before = current(house)

    def crash(*_args: Any) -> None:
        raise Crash

    monkeypatch.setattr(enrolling, "_adopt", crash)
    with pytest.raises(Crash):
        enrolling.rotate(house, WHO)
    monkeypatch.undo()
    assert before is not None and current(house) == before
    assert asking.ask(house, before, None, 10).port == before.port  # the old one still opens the door
    enrolling.resume(house)
    found = current(house)
    assert found is not None and found.id != before.id and found.previous[0].id == before.id
    assert happened(house) == ["relay.enrolled", "relay.rotated"]


def test_leaving_forgets_the_key_and_switches_the_relay_off(house: House, hub: RunningHub) -> None:
    assert enrolling.leave(house, WHO) is False
    enrolling.enrol(house, WHO, hub.invitation())
    assert enrolling.leave(house, WHO) is True
    assert (current(house), pending(house)) == (None, None)
    assert not settings.chosen(house).enabled
    assert happened(house) == ["relay.enrolled", "relay.left"]
    assert code(enrolling.rotate, house, WHO) == "relay.not_enrolled"


def test_what_is_under_way_is_not_begun_twice(house: House, hub: RunningHub) -> None:
    with enrolling._alone(house, WHO):
        assert code(enrolling.enrol, house, WHO, hub.invitation()) == "relay.busy"
        assert code(enrolling.leave, house, WHO) == "relay.busy"
    enrolling.enrol(house, WHO, hub.invitation())


def test_the_key_is_sealed_and_shown_nowhere(house: House, hub: RunningHub) -> None:
    enrolling.enrol(house, WHO, hub.invitation())
    found = current(house)
    assert found is not None
    with house.store.read(WHO) as tx:
        row = store.identity(tx)
        facts = identity.facts(tx)
    assert row is not None
    private = found.key.private
    for text in (repr(found), repr(found.key), repr(facts), str(row)):
        assert private.hex() not in text and repr(private) not in text
    assert house.vault.open(identity.SEALED, INSTALLATION, row.key_sealed) == private
    with pytest.raises(Problem):
        house.vault.open("relay.certificate", INSTALLATION, row.key_sealed)
    assert Identity.load(private).id == found.id
