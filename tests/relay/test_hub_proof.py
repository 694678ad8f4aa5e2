"""Who may link with the hub: proofs, codes, new keys, revocation."""

import sqlite3
import time
from pathlib import Path

import msgspec
import pytest

from praxisd_relay import frames, identity
from praxisd_relay.config import Limits
from praxisd_relay.frames import Type
from praxisd_relay.hub import Hub
from praxisd_relay.identity import Identity
from praxisd_relay.registry import Registry

from .agent_cast import LOOPS, go
from .hub_cast import DOMAIN, LINK, OPEN, Caller, Guest, hub, until


@LOOPS
def test_a_code_admits_and_the_key_proves_itself_from_then_on(loops: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path, ping_s=3.0) as one:
            code = one.registry.invite("Praxis")
            practice = await Caller().up(one, code)
            hello, welcome = practice.said[Type.HELLO], practice.said[Type.WELCOME]
            assert (hello.v, hello.node, hello.name, len(hello.nonce)) == (1, "hub-one", LINK, 32)
            assert abs(hello.time - time.time()) < 60
            assert welcome.id == practice.key.id and welcome.host == practice.host
            assert (welcome.domain, welcome.port, welcome.homes) == (DOMAIN, one.port, [])
            assert (welcome.limits.streams, welcome.limits.rate, welcome.ping_s) == (256, None, 3.0)
            assert one.holds(practice.key.id)
            practice.close()
            await until(lambda: not one.holds(practice.key.id))
            await practice.up(one)
            guest = await Guest.visit(one, practice.host)
            assert await guest.say(b"guten tag") == b"GUTEN TAG"
            guest.close()
            again = await Caller(practice.key).dial(one)
            assert again.said[Type.HELLO].nonce != hello.nonce

    go(loops, work())


def test_a_proof_is_good_once(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            old = practice.proof()
            thief = await Caller(practice.key).dial(one)
            assert (await thief.ask(old)).code == "unknown"

    go("uvloop", work())


@pytest.mark.parametrize(
    "fault", ["signature", "other_key", "other_id", "unknown", "caps", "garbage", "enrolled_caps"]
)
def test_a_proof_that_is_none_is_unknown(fault: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            known = await Caller().up(one, one.registry.invite("x"))
            other = Identity.new()
            caller = await Caller(known.key if fault != "unknown" else other).dial(one)
            wrong = {
                "signature": {"sig": bytes(64)},
                "other_key": {"key": other.public},
                "other_id": {"id": other.id},
                "unknown": {},
                "caps": {"caps": ["y"]},
                "garbage": {"key": b"k", "sig": b"s", "id": "?" * 1000},
                "enrolled_caps": {"caps": []},
            }[fault]
            found = await caller.ask(caller.proof(**wrong))
            assert isinstance(found, frames.Refused) and found.code == "unknown" and found.retry_s
            assert one.holds(known.key.id) and known.lost is None
            assert one.counts.proofs_failed == 1

    go("uvloop", work())


def test_codes_that_do_not_admit(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            code = one.registry.invite("x")
            await Caller().up(one, code)
            second = await Caller().dial(one)
            assert (await second.ask(second.enrolment(code))).code == "code_used"
            late = one.registry.invite("x", 0)
            third = await Caller().dial(one)
            assert (await third.ask(third.enrolment(late))).code == "code_wrong"
            unsigned, fresh = await Caller().dial(one), one.registry.invite("x")
            assert (await unsigned.ask(unsigned.enrolment(fresh, sig=bytes(64)))).code == "code_wrong"
            shapeless = await Caller().dial(one)
            assert (await shapeless.ask(shapeless.enrolment(fresh, code="?"))).code == "code_wrong"
            assert len(one.links.running) == 1 and len(one.registry) == 1
            await Caller().up(one, fresh)  # the right proof is still good

    go("uvloop", work())


def test_wrong_five_times_and_a_code_has_to_wait_but_a_proof_has_not(tmp_path: Path) -> None:
    async def work() -> None:
        limits = Limits(rate=0, failures_per_minute=5)
        async with hub(tmp_path, limits) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            for _ in range(5):
                guess = await Caller().dial(one)
                assert (await guess.ask(guess.enrolment(identity.new_code()))).code == "code_wrong"
            late = await Caller().dial(one)
            found = await late.ask(late.enrolment(one.registry.invite("y")))
            assert (found.code, found.retry_s) == ("busy", 60)
            stranger = await Caller().dial(one)
            assert (await stranger.ask(stranger.proof())).code == "busy"
            await Caller(practice.key).up(one)

    go("uvloop", work())


def test_an_answer_that_was_lost_is_given_again(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            code = one.registry.invite("x")
            practice = await Caller().up(one, code)
            await Caller(practice.key).up(one, code)

    go("uvloop", work())


def test_a_command_revokes_and_the_link_ends_soon(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            spared = await Caller().up(one, one.registry.invite("y"))
            guest = await Guest.visit(one, practice.host)
            assert await guest.say(b"a") == b"A"
            command = Registry(one.config.registry)
            command.revoke(practice.key.id)
            command.close()
            began = time.monotonic()
            await until(lambda: practice.lost)
            assert time.monotonic() - began < 20  # the hub looks three times a second, not once a minute
            assert practice.said[Type.GOAWAY].reason == "revoked"
            assert await guest.gone() and not one.holds(practice.key.id)
            again = await Caller(practice.key).dial(one)
            assert (await again.ask(again.proof())).code == "revoked"
            stranger = await Caller(practice.key).dial(one)
            assert (await stranger.ask(stranger.proof(sig=bytes(64)))).code == "unknown"
            assert spared.lost is None
            one.registry.restore(practice.key.id)
            await practice.up(one)

    go("uvloop", work())


@LOOPS
def test_a_new_key_on_a_running_link(loops: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            old, new = practice.key, Identity.new()
            guest = await Guest.visit(one, f"{old.id}.{DOMAIN}")
            practice.tell(Type.ROTATE, practice.rotation(new))
            await until(lambda: Type.ROTATE in practice.said)
            assert practice.said.pop(Type.ROTATE).id == new.id
            assert one.holds(new.id) and not one.holds(old.id)
            assert await guest.say(b"still here") == b"STILL HERE"
            for key in (old, new):
                each = await Guest.visit(one, f"{key.id}.{DOMAIN}")
                assert await each.say(b"x") == b"X"
            practice.tell(Type.ROTATE, practice.rotation(new))  # the answer was lost: the same again
            await until(lambda: Type.ROTATE in practice.said)
            assert practice.said[Type.ROTATE].id == new.id
            practice.close()
            await until(lambda: not one.holds(new.id))
            lost = await Caller(old).up(one)  # it has not heard of it, and is let in under its new name
            assert lost.said[Type.WELCOME].id == new.id
            lost.close()
            await Caller(new).up(one)
            late = await Caller(old).dial(one)
            assert (await late.ask(late.proof())).code == "revoked"
            each = await Guest.visit(one, f"{old.id}.{DOMAIN}")
            each.close()
            one.registry.revoke(old.id)
            assert one.resolve(f"{old.id}.{DOMAIN}") is None and one.holds(new.id)

    go(loops, work())


@pytest.mark.parametrize("part", ["sig_old", "sig_new", "key"])
def test_a_new_key_needs_both_signatures(part: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            practice.tell(Type.ROTATE, practice.rotation(Identity.new(), **{part: b"x"}))
            await until(lambda: Type.REFUSED in practice.said)
            assert practice.said[Type.REFUSED].code == "unknown"
            assert practice.lost is None and len(one.registry) == 1

    go("uvloop", work())


def test_the_practice_changed_its_key_at_another_hub(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            new = Identity.new()
            seen: list[tuple[str, str]] = []
            one.links.on_linked = lambda id_: seen.append(("linked", id_))
            one.links.on_unlinked = lambda id_: seen.append(("unlinked", id_))
            one.registry.rotate(practice.key.id, new.public)
            assert one.holds(new.id) and practice.lost is None
            assert seen == [("unlinked", practice.key.id), ("linked", new.id)]
            guest = await Guest.visit(one, practice.host)
            assert await guest.say(b"x") == b"X"
            one.registry.revoke(new.id)
            await until(lambda: practice.lost)

    go("uvloop", work())


def test_nothing_but_a_proof_comes_first(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            for kind, said in (
                (Type.ROTATE, frames.Rotate()),
                (Type.WELCOME, frames.Goaway("x")),
                (99, frames.Limit()),
            ):
                caller = await Caller().dial(one)
                caller.tell(kind, said)
                await until(lambda caller=caller: caller.lost)
            caller = await Caller().dial(one)
            caller.tell(Type.AUTH, frames.Goaway("no proof"))
            await until(lambda: caller.lost)
            await until(lambda: not one.links.proving)

    go("uvloop", work())


def test_a_link_that_proves_nothing_ends(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path, Limits(hello_s=1.5, rate=0)) as one:
            caller = await Caller().dial(one)
            await until(lambda: caller.lost)
            assert not one.links.proving

    go("uvloop", work())


@LOOPS
def test_a_new_link_takes_the_place_of_the_old_at_once(loops: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            first = await Caller().up(one, one.registry.invite("x"))
            idle = first
            guest = None
            for number in range(4):
                if number:
                    guest = await Guest.visit(one, first.host)
                    assert await guest.say(b"a") == b"A"
                second = await Caller(idle.key).up(one)
                await until(lambda first=first: Type.GOAWAY in first.said or first.lost)
                assert number == 0 or first.said[Type.GOAWAY].reason == "replaced"
                if guest is None:
                    await until(lambda first=first: first.lost)
                else:
                    assert await guest.say(b"old") == b"OLD"  # what runs goes on
                newer = await Guest.visit(one, second.host)
                assert await newer.say(b"new") == b"NEW"
                newer.close()
                first = second
            kept = one.links.retired[idle.key.id]
            assert len(kept) == 2  # of more than two old links the oldest went
            assert guest is not None
            guest.close()
            await until(lambda: len(one.links.retired[idle.key.id]) == 1)

    go(loops, work())


def test_an_old_link_that_is_dead_holds_nobody(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path, OPEN, ping_s=0.2) as one:
            first = await Caller().up(one, one.registry.invite("x"))
            guest = await Guest.visit(one, first.host)
            assert first.carrier is not None and first.carrier._transport is not None
            first.carrier._transport.pause_reading()  # it hears nothing and says nothing any more
            if first.carrier._timer is not None:
                first.carrier._timer.cancel()
            link = one.links.running[first.key.id]
            await until(lambda: link.carrier.silent)
            await Caller(first.key).up(one)
            assert link.carrier.lost == "replaced"
            assert await guest.gone()
            assert not one.links.retired
            first.carrier._transport.abort()

    go("uvloop", work())


def test_a_practice_that_leaves_gets_no_guests_any_more(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            guest = await Guest.visit(one, practice.host)
            practice.tell(Type.GOAWAY, frames.Goaway("drain"))
            await until(lambda: not one.holds(practice.key.id))
            assert await guest.say(b"last words") == b"LAST WORDS"
            guest.close()
            await until(lambda: practice.lost)
            assert not one.links.retired

    go("uvloop", work())


def test_a_command_that_hangs_while_it_writes_holds_up_nobody(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            code = one.registry.invite("y")
            command = sqlite3.connect(one.config.registry, isolation_level=None)
            command.execute("BEGIN IMMEDIATE")
            caller = await Caller().dial(one)
            found = await caller.ask(caller.enrolment(code))
            assert (found.code, found.retry_s) == ("busy", 60)
            await Caller(practice.key).up(one)  # a proof writes nothing
            command.execute("ROLLBACK")
            command.close()
            again = await Caller(caller.key).dial(one)
            assert isinstance(await again.ask(again.enrolment(code)), frames.Welcome)

    go("uvloop", work())


def test_two_hubs_of_one_machine_share_port_and_registry(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path, reuse_port=True) as one:
            code = one.registry.invite("x")
            other = Hub(msgspec.structs.replace(one.config, listen=(f"127.0.0.1:{one.port}",)))
            await other.start()
            seen = set()
            practice = Caller()
            for number in range(200):
                await practice.up(one, None if number else code)  # the kernel chooses
                seen.add("other" if other.holds(practice.key.id) else "one")
                practice.close()
                await until(lambda: not (one.holds(practice.key.id) or other.holds(practice.key.id)))
                if len(seen) == 2:
                    break
            assert len(seen) == 2
            other.registry.revoke(practice.key.id)
            await until(lambda: one.registry.present(practice.key.id) is None)
            await other.stop()

    go("stdlib", work())
