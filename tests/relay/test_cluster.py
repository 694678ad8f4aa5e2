"""Two hubs and more with a real NATS: guests at the wrong hub, hubs and buses that die, registries that agree."""

import asyncio
import base64
import contextlib
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

import pytest

from praxisd_relay.cluster_homes import homes
from praxisd_relay.cluster_settings import NatsSettings
from praxisd_relay.directory import BusAway
from praxisd_relay.directory_nats import NatsBus
from praxisd_relay.hub import Hub
from praxisd_relay.records import key_of

from .cluster_cast import Practice, Town, served, visit
from .nats_cast import NatsServer
from .peers_cast import until

MIB = 1024 * 1024


def run(
    folder: Path,
    story: Callable[[Town], Awaitable[None]],
    nats: NatsServer | None = None,
    bytes_: Literal["tls", "plain"] = "tls",
) -> None:
    async def all_of_it() -> None:
        async with Town(folder, nats, bytes_) as town:
            await story(town)

    asyncio.run(all_of_it())


def same(one: Hub, other: Hub) -> bool:
    """Do they know the same?"""
    return {key_of(record): record for record in one.registry.records()} == {
        key_of(record): record for record in other.registry.records()
    }


@pytest.mark.parametrize("bytes_", ["tls", "plain"])
def test_at_the_wrong_hub_8_mb_both_ways_and_half_close(
    tmp_path: Path, bytes_: Literal["tls", "plain"]
) -> None:
    async def story(town: Town) -> None:
        one, two = await town.hub("hub1"), await town.hub("hub2")
        await town.joined()
        practice = await town.practice(two)
        link = one.cluster.peers.link("hub2")  # type: ignore[union-attr]
        body = os.urandom(8 * MIB)
        answers = await asyncio.gather(visit(one, practice.host, body), visit(two, practice.host, body))
        assert answers[0][: len(body)] == answers[1][: len(body)] == body[::-1]
        await asyncio.gather(*(visit(one, practice.host, b"%d" % number) for number in range(50)))
        assert practice.guests == 52
        assert one.counts.elsewhere == 51
        with pytest.raises(ConnectionRefusedError):  # known, but linked nowhere
            await practice.stop()
            await visit(one, practice.host)
        assert one.cluster is not None
        assert one.cluster.figures()["hubs_linked"] == 1
        await until(lambda: link.streams == 1)  # the questions
        assert (link.received > 8 * MIB) == (bytes_ == "tls"), "where the bytes went"

    with NatsServer() as nats:
        run(tmp_path, story, nats, bytes_)


def test_nats_stopped_and_started_again(tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        assert town.nats is not None
        one, two = await town.hub("hub1"), await town.hub("hub2")
        await town.joined()
        before = await town.practice(two, "before")
        await served(one, before)
        town.nats.stop()
        await until(lambda: not one.cluster.bus.up and not two.cluster.bus.up)  # type: ignore[union-attr]
        await visit(one, before.host)
        await visit(two, before.host)
        meanwhile = Practice(town, "meanwhile")
        town.practices.append(meanwhile)
        await meanwhile.link(two)  # enrolled while nobody could be told
        await visit(two, meanwhile.host)
        with pytest.raises(ConnectionRefusedError):
            await visit(one, meanwhile.host)
        town.nats.start()
        await served(one, meanwhile)
        await served(one, before)
        assert one.cluster.bus.up  # type: ignore[union-attr]
        assert await one.cluster._directory.find(meanwhile.identity.id) == "hub2"  # type: ignore[union-attr]

    with NatsServer() as nats:
        run(tmp_path, story, nats)


def test_without_nats_hubs_of_the_configuration_serve_each_other(tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        hubs = await town.static("hub1", "hub2", "hub3")
        practice = await town.practice(hubs[1])
        for hub in hubs:
            await visit(hub, practice.host, b"hello")
        await practice.stop()
        for hub in hubs:
            with pytest.raises(ConnectionRefusedError):
                await visit(hub, practice.host)

    run(tmp_path, story)


def test_a_hub_dies_and_its_practices_are_found_elsewhere(tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        hubs = [await town.hub(f"hub{number}") for number in (1, 2, 3)]
        await town.joined()
        practice = await town.practice(hubs[1])
        await served(hubs[0], practice)
        await town.end("hub2")
        await until(lambda: not practice.agent.state.connected)  # type: ignore[union-attr]
        with pytest.raises(ConnectionRefusedError):
            await visit(hubs[0], practice.host)
        await practice.stop()
        await practice.link(hubs[2])
        await visit(hubs[0], practice.host)
        await until(lambda: "hub2" not in hubs[0].cluster._nodes.names())  # type: ignore[union-attr]

    with NatsServer() as nats:
        run(tmp_path, story, nats)


def test_an_agent_that_lands_anywhere_finds_a_home_and_survives_its_loss(tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        hubs = [await town.hub(f"hub{number}", homes=True) for number in (1, 2, 3)]
        await town.joined()
        practice = Practice(town, "practice")
        town.practices.append(practice)
        chosen = homes(practice.identity.id, town.hubs)
        (stranger,) = town.hubs.keys() - chosen
        await practice.link(town.hubs[stranger])
        await town.known(practice)

        def at_home() -> list[str]:
            return [
                name for name in chosen if name in town.hubs and town.hubs[name].holds(practice.identity.id)
            ]

        await until(at_home)
        for hub in hubs:
            await visit(hub, practice.host)
        await town.end(at_home()[0])
        for hub in town.hubs.values():
            await served(hub, practice)
        await until(at_home)  # the other one

    with NatsServer() as nats:
        run(tmp_path, story, nats)


def test_what_one_hub_is_told_all_know(tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        one, two = await town.hub("hub1"), await town.hub("hub2")
        await town.joined()
        code = one.registry.invite("Praxis")
        await until(lambda: two.registry.codes())
        practice = Practice(town, "practice")
        town.practices.append(practice)
        await practice.link(two, code)  # the code of hub 1 at hub 2
        await until(lambda: one.registry.codes()[0].used_by == practice.identity.id)
        await served(one, practice)
        began = time.monotonic()
        one.registry.revoke(practice.identity.id)
        await until(lambda: not two.holds(practice.identity.id))
        assert time.monotonic() - began < 20
        with pytest.raises(ConnectionRefusedError):
            await visit(two, practice.host)
        three = await town.hub("hub3")  # new, and empty
        await until(lambda: three.registry.find(practice.identity.id))
        assert three.registry.present(practice.identity.id) is None
        await until(lambda: same(one, three))

    with NatsServer() as nats:
        run(tmp_path, story, nats)


def test_a_hub_that_was_away_neither_keeps_nor_brings_back_who_was_revoked(tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        one, two = await town.hub("hub1"), await town.hub("hub2")
        await town.joined()
        practice = await town.practice(two)
        await practice.stop()
        await town.end("hub2")
        one.registry.revoke(practice.identity.id)
        two = await town.hub("hub2")  # with its registry of before
        assert two.registry.present(practice.identity.id) is not None
        two.registry.rename(practice.identity.id, label="written later")
        await until(lambda: two.registry.present(practice.identity.id) is None)
        await until(lambda: same(one, two))
        assert one.registry.present(practice.identity.id) is None
        found = one.registry.find(practice.identity.id)
        assert found is not None
        assert found.label == "written later"

    with NatsServer() as nats:
        run(tmp_path, story, nats)


def test_a_draining_hub_serves_until_its_practices_have_gone(tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        one, two = await town.hub("hub1"), await town.hub("hub2")
        await town.joined()
        practice = await town.practice(two)
        two.cluster.leave()  # type: ignore[union-attr]
        await until(lambda: one.cluster._nodes.names() == ["hub1"])  # type: ignore[union-attr]
        await visit(one, practice.host, b"still")
        await until(lambda: two.cluster.peers.linked == {"hub1"})  # type: ignore[union-attr]

    with NatsServer() as nats:
        run(tmp_path, story, nats)


def test_nonsense_on_the_bus_harms_nobody(tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        assert town.nats is not None
        one, two = await town.hub("hub1"), await town.hub("hub2")
        await town.joined()
        practice = await town.practice(two)
        stranger = NatsBus(NatsSettings(servers=(town.nats.url,)), "stranger")
        await stranger.start()
        await until(lambda: stranger.up)
        node = b'{"name":"%s","peer":"127.0.0.1:9","public":"127.0.0.1:9"}'
        sums = b'{"node":"%s","sums":"' + base64.b64encode(bytes(2048)) + b'","answer":true}'
        said = [
            b"", b"\xff", b"[]", b"{}", b"null", b'{"node":1}', b"x" * 100_000, b'{"node":' + node % b"../../a" + b"}",
            b'{"node":' + node % b"hub1" + b',"leaving":true}', b'{"node":' + node % b"" + b"}", sums % b"no such hub",
            sums % b"relay.>", b'{"node":"a","sums":"AAAA"}', b'{"bucket":-1}', b'{"bucket":99999,"after":"\\u0000"}',
            b'{"type":"practice","id":"a","key":"AAAA"}', b'{"type":"code","hash":"x"}', b"[" * 5000,
        ]  # fmt: skip
        before = one.registry.records()
        for subject in (
            "node",
            "record",
            "digest",
            "bucket.hub1",
            "bucket.hub2",
            f"open.{practice.identity.id}",
        ):
            for data in said:
                stranger.say(f"relay.{subject}", data)
        with contextlib.suppress(BusAway):
            await stranger.ask("relay.bucket.hub1", b'{"bucket":99999}', 1)
        await visit(one, practice.host, b"hello")
        await town.practice(one, "another")
        assert [one_ for one_ in before if one_ in one.registry.records()] == before
        assert one.cluster.bus.up  # type: ignore[union-attr]
        assert set(one.cluster._nodes.names()) == {"hub1", "hub2"}  # type: ignore[union-attr]
        await stranger.stop()

    with NatsServer() as nats:
        run(tmp_path, story, nats)
