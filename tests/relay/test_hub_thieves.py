"""Who has a practice's former key, or only many connections, takes nothing from anybody."""

import asyncio
from pathlib import Path

import pytest

from praxisd_relay import frames
from praxisd_relay.config import Limits
from praxisd_relay.frames import Type
from praxisd_relay.identity import Identity
from praxisd_relay.registry import ROTATIONS

from .agent_cast import go
from .hub_cast import OPEN, Caller, Guest, hub, until


def test_a_former_key_and_its_used_code_open_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            code = one.registry.invite("x")
            practice = await Caller().up(one, code)
            stolen, fresh = practice.key, Identity.new()
            practice.tell(Type.ROTATE, practice.rotation(fresh))
            await until(lambda: Type.ROTATE in practice.said)
            await Caller(fresh).up(one)
            thief = await Caller(stolen).dial(one)
            assert (await thief.ask(thief.enrolment(code))).code == "code_used"
            thief = await Caller(stolen).dial(one)
            assert (await thief.ask(thief.proof())).code == "revoked"
            assert one.registry.present(stolen.id) == one.registry.find(fresh.id)

    go("uvloop", work())


def test_a_former_key_changes_no_key(tmp_path: Path) -> None:
    """It still opens a link until the new one did, and its owner may only repeat what he asked for."""

    async def work() -> None:
        async with hub(tmp_path) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            stolen, fresh, thiefs = practice.key, Identity.new(), Identity.new()
            one.registry.rotate(stolen.id, fresh.public)
            thief = await Caller(stolen).up(one)
            thief.tell(Type.ROTATE, thief.rotation(thiefs))
            await until(lambda: Type.REFUSED in thief.said)
            assert thief.said[Type.REFUSED].code == "revoked"
            assert one.registry.find(thiefs.id) is None
            thief.tell(Type.ROTATE, thief.rotation(fresh))  # the answer was lost
            await until(lambda: Type.ROTATE in thief.said)
            assert thief.said[Type.ROTATE].id == fresh.id

    go("uvloop", work())


def test_a_practice_changes_its_key_so_often_a_day(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            for number in range(ROTATIONS + 1):
                fresh = Identity.new()
                practice.tell(Type.ROTATE, practice.rotation(fresh))
                await until(lambda: practice.said.keys() & {Type.ROTATE, Type.REFUSED})
                if number < ROTATIONS:
                    assert practice.said.pop(Type.ROTATE).id == fresh.id
                    practice.key = fresh
            assert practice.said[Type.REFUSED].code == "busy" and len(one.registry) == ROTATIONS + 1
            assert practice.lost is None and one.holds(practice.key.id)

    go("uvloop", work())


@pytest.mark.parametrize("guests", [False, True])
def test_a_link_of_a_former_key_ends_when_the_new_one_was_used_elsewhere(
    guests: bool, tmp_path: Path
) -> None:
    async def work() -> None:
        async with hub(tmp_path / "one", OPEN) as one, hub(tmp_path / "two", OPEN) as two:
            practice = await Caller().up(one, one.registry.invite("x"))
            stolen, fresh, thiefs = practice.key, Identity.new(), Identity.new()
            two.registry.apply(*one.registry.records())
            thief = await Caller(stolen).up(two)
            guest = await Guest.visit(two, thief.host) if guests else None
            one.registry.rotate(stolen.id, fresh.public)
            two.registry.apply(*one.registry.records())
            assert two.holds(fresh.id)
            one.registry.proved(fresh.id)
            two.registry.apply(*one.registry.records())
            assert not two.holds(fresh.id)
            await until(lambda: Type.GOAWAY in thief.said)
            assert thief.said[Type.GOAWAY].reason == "drain"  # its owner comes again, with the new key
            if guest is not None:
                thief.tell(Type.ROTATE, thief.rotation(thiefs))
                await until(lambda: Type.REFUSED in thief.said)
                assert thief.said[Type.REFUSED].code == "revoked"
                assert await guest.say(b"x") == b"X"
                guest.close()
            await until(lambda: thief.lost)
            await Caller(fresh).up(two)
            assert two.holds(fresh.id)

    go("uvloop", work())


def test_a_practice_revoked_at_one_hub_loses_the_link_of_its_new_key_at_another(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path / "one", OPEN) as one, hub(tmp_path / "two", OPEN) as two:
            key, fresh = Identity.new(), Identity.new()
            one.registry.enrol(one.registry.invite("x"), key.public)
            two.registry.apply(*one.registry.records())
            one.registry.revoke(key.id)
            two.registry.rotate(key.id, fresh.public)
            practice = await Caller(fresh).up(two)
            two.registry.apply(*one.registry.records())
            await until(lambda: practice.lost)
            again = await Caller(fresh).dial(two)
            assert isinstance(found := await again.ask(again.proof()), frames.Refused)
            assert found.code == "revoked"

    go("uvloop", work())


def test_few_addresses_cannot_take_all_places_of_links(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path, Limits(rate=0, handshakes=6)) as one:
            code = one.registry.invite("x")
            stalled = [await Caller().dial(one, f"127.0.0.{2 + number % 2}") for number in range(6)]
            practice = Caller()
            await practice.dial(one, "127.0.0.9")  # takes the place of the oldest of those who have most
            assert len(one.links.proving) == 6
            await until(lambda: stalled[0].lost or stalled[1].lost)
            await practice.ask(practice.enrolment(code))
            assert one.holds(practice.key.id) and len(one.links.proving) == 5
            stalled.append(await Caller().dial(one, "127.0.0.2"))
            waiting = asyncio.ensure_future(Caller().dial(one, "127.0.0.2"))
            await until(lambda: len(one.line) == 1)
            assert len(one.links.proving) == 6
            waiting.cancel()
            for each in stalled:
                each.close()
            await until(lambda: not one.links.proving)

    go("uvloop", work())


def test_a_rush_of_practices_ends_no_proof_that_was_begun(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path, Limits(rate=0, handshakes=4)) as one:
            begun = [await Caller().dial(one, f"127.0.0.{2 + number}") for number in range(4)]
            waiting = asyncio.ensure_future(Caller().dial(one, "127.0.0.9"))
            await until(lambda: len(one.line) == 1)
            assert not any(each.lost for each in begun)
            waiting.cancel()

    go("uvloop", work())


def test_without_a_limit_all_may_prove_themselves(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path, Limits(rate=0, handshakes=0)) as one:
            await Caller().up(one, one.registry.invite("x"))

    go("uvloop", work())
