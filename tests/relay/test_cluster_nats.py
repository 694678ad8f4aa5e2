"""The directory over a real nats-server: interest is the directory, and it comes back by itself."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from praxisd_relay.cluster_settings import NatsSettings
from praxisd_relay.directory import BusAway, Directory
from praxisd_relay.directory_nats import NatsBus

from .nats_cast import NatsServer


async def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait for it."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def found(directory: Directory, practice: str, wanted: str | None) -> None:
    """Wait until `practice` is found at `wanted`."""
    async with asyncio.timeout(60):
        while True:
            try:
                if await directory.find(practice) == wanted:
                    return
            except BusAway:
                pass
            await asyncio.sleep(0.01)


def hub(server: NatsServer, name: str, **options: object) -> tuple[NatsBus, Directory]:
    bus = NatsBus(NatsSettings(servers=(server.url,), **options), name)  # type: ignore[arg-type]
    return bus, Directory(bus, "relay", name)


def test_found_where_it_is_held_and_nowhere_else() -> None:
    async def story(server: NatsServer) -> None:
        one, here = hub(server, "hub1")
        two, there = hub(server, "hub2")
        here.hold("early")  # before there is any connection
        await one.start()
        await two.start()
        await found(there, "early", "hub1")
        await found(there, "nobody", None)
        there.hold("moves")
        await found(here, "moves", "hub2")
        here.hold("moves")
        there.release("moves")
        await found(there, "moves", "hub1")
        here.only(["late"])
        await found(there, "moves", None)
        await found(there, "late", "hub1")
        assert here.held == {"late"}
        await one.stop()
        await found(there, "late", None)
        await two.stop()

    with NatsServer() as server:
        asyncio.run(story(server))


def test_thousands_of_practices_and_no_task_for_each() -> None:
    async def story(server: NatsServer) -> None:
        one, here = hub(server, "hub1")
        two, there = hub(server, "hub2")
        await one.start()
        await two.start()
        for number in range(5_000):
            here.hold(f"practice{number}")
        await found(there, "practice4999", "hub1")
        await found(there, "practice0", "hub1")
        assert len(asyncio.all_tasks()) < 40
        here.only([])
        await found(there, "practice4999", None)
        await found(there, "practice0", None)
        await one.stop()
        await two.stop()

    with NatsServer() as server:
        asyncio.run(story(server))


def test_the_bus_goes_and_comes_back() -> None:
    async def story(server: NatsServer) -> None:
        changes: list[bool] = []
        one = NatsBus(NatsSettings(servers=(server.url,)), "hub1", on_change=changes.append)
        here = Directory(one, "relay", "hub1")
        two, there = hub(server, "hub2")
        heard: list[bytes] = []
        two.listen("relay.record", heard.append)  # type: ignore[arg-type]
        here.hold("kept")
        await one.start()
        await two.start()
        with pytest.raises(BusAway):
            await here.find("kept")  # the server is not even running
        one.say("relay.record", b"lost")
        server.start()
        await found(there, "kept", "hub1")
        server.stop()
        await until(lambda: not one.up and not two.up)
        with pytest.raises(BusAway):
            await there.find("kept")
        here.hold("meanwhile")
        one.say("relay.record", b"lost too")
        server.start()
        await found(there, "meanwhile", "hub1")
        await found(there, "kept", "hub1")
        one.say("relay.record", b"heard")
        await until(lambda: heard)
        assert heard == [b"heard"], "what was said to nobody is not said late"
        assert changes[:3] == [True, False, True]
        await one.stop()
        await two.stop()

    server = NatsServer()
    try:
        asyncio.run(story(server))
    finally:
        server.stop()


def test_a_handler_that_fails_harms_nobody() -> None:
    async def story(server: NatsServer) -> None:
        notes: list[str] = []
        one = NatsBus(NatsSettings(servers=(server.url,)), "hub1", note=notes.append)
        two, _ = hub(server, "hub2")

        def broken(_: bytes) -> bytes:
            raise ValueError("patient name")

        one.listen("bad", broken)
        one.listen("good", lambda data: data[::-1])
        await one.start()
        await two.start()
        await until(lambda: one.up and two.up)
        while True:
            try:
                if await two.ask("good", b"abc") == b"cba":
                    break
            except BusAway:
                pass
        with pytest.raises(BusAway):
            await two.ask("bad", b"", seconds=0.2)
        assert await two.ask("good", b"xyz") == b"zyx"
        assert notes == ["nats message not understood: ValueError"]
        await one.stop()
        await two.stop()

    with NatsServer() as server:
        asyncio.run(story(server))


def test_password(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("s3cret\n")
    wrong.write_text("guess")

    async def story(server: NatsServer) -> None:
        one, here = hub(server, "hub1", user="hub", password_file=right)
        two, _ = hub(server, "hub2", user="hub", password_file=wrong)
        here.hold("p")
        await one.start()
        await two.start()
        await found(here, "p", "hub1")
        await asyncio.sleep(0.5)
        assert not two.up
        await one.stop()
        await two.stop()

    with NatsServer("--user", "hub", "--pass", "s3cret") as server:
        asyncio.run(story(server))


def test_tls_with_certificates_and_never_in_clear(tmp_path: Path) -> None:
    authority, other = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    other.cert_pem.write_to_path(tmp_path / "other.pem")
    for name in ("bus", "hub1"):
        made = authority.issue_cert("127.0.0.1" if name == "bus" else name)
        made.private_key_pem.write_to_path(tmp_path / f"{name}.key")
        made.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.pem")
    (tmp_path / "token").write_text("s3cret")
    mutual = {"ca": tmp_path / "ca.pem", "certificate": tmp_path / "hub1.pem", "key": tmp_path / "hub1.key"}
    encrypted = ["--tls", "--tlscert", str(tmp_path / "bus.pem"), "--tlskey", str(tmp_path / "bus.key")]
    checked = ["--tlsverify", "--tlscacert", str(tmp_path / "ca.pem")]

    async def good(server: NatsServer) -> None:
        one, here = hub(server, "hub1", **mutual)
        bare, _ = hub(server, "hub2", ca=tmp_path / "ca.pem")
        fooled, _ = hub(server, "hub3", **(mutual | {"ca": tmp_path / "other.pem"}))
        here.hold("p")
        for bus in (one, bare, fooled):
            await bus.start()
        await found(here, "p", "hub1")
        await asyncio.sleep(0.5)
        assert not bare.up, "no certificate"
        assert not fooled.up, "a bus of another authority"
        for bus in (one, bare, fooled):
            await bus.stop()

    async def clear(server: NatsServer) -> None:
        notes: list[str] = []
        settings = NatsSettings(servers=(server.url,), ca=tmp_path / "ca.pem", token_file=tmp_path / "token")
        bus = NatsBus(settings, "hub1", note=notes.append)
        await bus.start()
        await until(lambda: "nats: SecureConnRequiredError" in notes)
        assert not bus.up
        await bus.stop()

    with NatsServer(*encrypted, *checked) as server:
        asyncio.run(good(server))
    log = tmp_path / "trace"
    with NatsServer("-V", "-D", "-l", str(log)) as server:
        asyncio.run(clear(server))
    assert "s3cret" not in log.read_text()


def test_what_cannot_be_read_is_said_at_the_start(tmp_path: Path) -> None:
    async def story() -> None:
        bad = tmp_path / "bad.pem"
        bad.write_text("nothing")
        for settings, error in (
            (NatsSettings(servers=("nats://127.0.0.1:1",), token_file=tmp_path / "missing"), OSError),
            (NatsSettings(servers=("tls://127.0.0.1:1",), ca=bad), ssl.SSLError),
        ):
            with pytest.raises(error):
                await NatsBus(settings, "hub1").start()

    asyncio.run(story())
