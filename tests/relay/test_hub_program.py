"""The hub as a program: commands, signals, certificate, what it writes down, what it can reach."""

import asyncio
import contextlib
import json
import re
import signal
import ssl
import tomllib
import urllib.request
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner

from praxisd_relay import words
from praxisd_relay.cli import relay_hub
from praxisd_relay.config import load
from praxisd_relay.frames import Type
from praxisd_relay.hello import alert
from praxisd_relay.identity import Identity, Invitation, spki_pin

from .agent_cast import go
from .hub_cast import DOMAIN, LINK, Caller, Guest, answer, client_hello, until
from .program_cast import answered, program, run


async def certificate(port: int) -> bytes:
    """The link certificate that is shown now, DER."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["praxis-relay/1"])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=LINK)
    found: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return found


@pytest.mark.parametrize("loops", ["uvloop", "asyncio"])
def test_from_invitation_to_revocation(loops: str, tmp_path: Path) -> None:
    data = tmp_path / "hub"

    async def work() -> None:
        with program(data, PRAXIS_RELAY_LOOP=loops) as one:
            made = answered("code", "Dr. Muster", "--hours", "1", "--data", str(data))
            invitation = Invitation.parse(made["invitation"])
            assert (invitation.host, invitation.port, made["label"]) == (LINK, one.port, "Dr. Muster")
            assert invitation.pin == spki_pin(await certificate(one.port))
            assert answered("list", "--codes", "--data", str(data))["codes"][0]["state"] == "open"
            practice = await Caller().up(one.port, invitation.code)
            guest = await Guest.visit(one.port, practice.host)
            assert await guest.say(b"x") == b"X"
            (row,) = answered("list", "--data", str(data))["practices"]
            assert (row["id"], row["label"], row["state"]) == (practice.key.id, "Dr. Muster", "active")
            (used,) = answered("list", "--codes", "--data", str(data))["codes"]
            assert (used["state"], used["usedBy"]) == ("used", practice.key.id)
            state = answered("status", "--data", str(data))
            assert (state["status"], state["practices"], state["links"], state["streams"]) == ("ok", 1, 1, 1)
            named = answered(
                "names", practice.key.id[:6], "--add", "Termine.Praxis.example", "--data", str(data)
            )
            assert named["names"] == [practice.host, "termine.praxis.example"]
            async with asyncio.timeout(30):
                while await answer(one.port, client_hello("termine.praxis.example"), eof=True) == alert(112):
                    await asyncio.sleep(0.05)
            assert answered("revoke", practice.host, "--data", str(data))["revoked"] == [practice.key.id]
            await until(lambda: practice.lost)
            assert practice.said[Type.GOAWAY].reason == "revoked" and await guest.gone()
            assert answered("restore", "termine.praxis.example", "--data", str(data))["restored"] == [
                practice.key.id
            ]
            async with asyncio.timeout(30):
                while True:
                    again = await Caller(practice.key).dial(one.port)
                    if (await again.ask(again.proof())) is again.said.get(Type.WELCOME):
                        break
            assert one.term() == 0
            assert not (data / "run.json").exists()

    go("uvloop", work())


@pytest.mark.parametrize("lang", words.LANGUAGES)
def test_what_goes_wrong_is_said(lang: str, tmp_path: Path) -> None:
    data = str(tmp_path / "hub")
    cases = (
        (("status", "--data", data), 3, "away"),
        (("list", "--data", data), 2, "config"),
        (("serve",), 2, "config"),
        (("serve", "--data", data, "--domain", "x"), 2, "config"),
        (("code", "--data", data), 2, None),
        (("code", "Praxis", "--data", data), 0, None),
        (("revoke", "unknown", "--data", data), 1, "unknown"),
        (("names", "unknown", "--data", data), 1, "unknown"),
    )
    here = CliRunner(env={"PRAXISD_LANG": lang})
    for args, code, word in cases:
        done = here.invoke(relay_hub, args)
        assert done.exit_code == code, (args, done.output)
        if word:
            assert done.stdout == "" and f"(relay-hub.{word})" in done.stderr
            assert words.say(f"problem.{word}.title", lang) in done.stderr
    taken = run("serve", "--data", data, "--listen", "192.0.2.1:1", lang=lang)
    assert taken.returncode == 1 and words.say("problem.address.title", lang) in taken.stderr
    (tmp_path / "hub" / "hub.sqlite").write_bytes(b"no database" * 1000)
    broken = here.invoke(relay_hub, ("list", "--data", data))
    assert broken.exit_code == 1 and words.say("problem.registry.title", lang) in broken.stderr
    away = here.invoke(relay_hub, ("status", "--data", data, "--json"))
    assert away.exit_code == 3 and json.loads(away.stdout) == {"status": "away"}


def test_people_read_a_table(tmp_path: Path) -> None:
    data = str(tmp_path / "hub")
    code = run("code", "--label", "Dr. Muster", "--data", data)
    assert Invitation.parse(code.stdout).port == 8443 and "Dr. Muster" in code.stderr
    assert "No practice yet" in run("list", "--data", data).stderr
    head, row = run("list", "--codes", "--data", data, lang="de").stdout.splitlines()
    assert head.split()[:2] == ["Praxis", "Zustand"] and row.startswith("Dr. Muster  offen")


def test_a_certificate_of_a_ca_and_its_renewal(tmp_path: Path) -> None:
    authority = trustme.CA()
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"

    def renew() -> bytes:
        made = authority.issue_cert(LINK)
        made.private_key_pem.write_to_path(key)
        chain.write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))
        return ssl.PEM_cert_to_DER_cert(made.cert_chain_pems[0].bytes().decode())

    async def work() -> None:
        data = tmp_path / "hub"
        data.mkdir()
        (data / "relay-hub.toml").write_text(f'certificate = "{chain}"\nkey = "{key}"\npublic_port = 443\n')
        first = renew()
        with program(data) as one:
            line = answered("code", "x", "--data", str(data))["invitation"]
            assert Invitation.parse(line).pin is None and line.startswith(f"{LINK}/")
            assert await certificate(one.port) == first
            practice = await Caller().up(one.port, Invitation.parse(line).code)
            assert practice.said[Type.WELCOME].port == 443
            second = renew()
            one.process.send_signal(signal.SIGHUP)
            async with asyncio.timeout(30):
                while await certificate(one.port) != second:
                    await asyncio.sleep(0.05)
            key.write_text("no key")
            one.process.send_signal(signal.SIGHUP)
            await until(lambda: "the certificate stays as it was" in one.log)
            assert await certificate(one.port) == second and practice.lost is None
            practice.close()
            await Caller(practice.key).up(one.port)
        done = run("serve", "--data", str(data))
        assert done.returncode == 2 and "chain.pem" in done.stderr

    go("uvloop", work())


def test_the_own_key_stays_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    data = tmp_path / "hub"
    pins = {Invitation.parse(answered("code", "x", "--data", str(data))["invitation"]).pin for _ in range(2)}
    (data / "link-cert.pem").unlink()
    with program(data, "--domain", "relay.example") as one:
        line = answered("code", "x", "--data", str(data))["invitation"]
        assert Invitation.parse(line).pin in pins and len(pins) == 1
        assert line.startswith(f"link.relay.example:{one.port}/")  # as the running hub is called
        for file in data.iterdir():
            assert file.name == "link-cert.pem" or file.stat().st_mode & 0o077 == 0, file


def test_sigterm_sends_practices_elsewhere_and_lets_guests_end(tmp_path: Path) -> None:
    async def work() -> None:
        data = tmp_path / "hub"
        with program(data) as one:
            practice = await Caller().up(
                one.port, Invitation.parse(answered("code", "x", "--data", str(data))["invitation"]).code
            )
            guest = await Guest.visit(one.port, practice.host)
            assert await guest.say(b"x") == b"X"
            one.process.send_signal(signal.SIGTERM)
            await until(lambda: Type.GOAWAY in practice.said)
            assert practice.said[Type.GOAWAY].reason == "drain"
            assert await guest.say(b"still") == b"STILL"
            with pytest.raises(OSError):
                await Caller().dial(one.port)
            guest.close()
            assert await asyncio.to_thread(one.process.wait, 60) == 0
            await until(lambda: practice.lost)
        with program(data) as one:  # a second signal does not wait
            practice = await Caller(practice.key).up(one.port)
            guest = await Guest.visit(one.port, practice.host)
            one.process.send_signal(signal.SIGTERM)
            await until(lambda: Type.GOAWAY in practice.said)
            one.process.send_signal(signal.SIGTERM)
            while one.process.poll() is None:
                with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                    await guest.say(b"busy")
                await asyncio.sleep(0.01)
            assert one.process.wait() == 0

    go("uvloop", work())


async def patient(caller: Caller, port: int) -> Caller:
    """Dials until there is room, as an agent does: those who went are taken out one by one."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await caller.dial(port)
            except ConnectionError:
                await asyncio.sleep(0.1)


def test_it_runs_out_of_descriptors_for_newcomers_only(tmp_path: Path) -> None:
    async def work() -> None:
        data = tmp_path / "hub"
        data.mkdir()
        (data / "relay-hub.toml").write_text(
            "[limits]\nper_address = 0\nhalf_open_per_address = 0\nrate = 0\n"
        )
        with program(data, files=100) as one:
            practice = await Caller().up(
                one.port, Invitation.parse(answered("code", "x", "--data", str(data))["invitation"]).code
            )
            guest = await Guest.visit(one.port, practice.host)
            crowd = [await asyncio.open_connection("127.0.0.1", one.port) for _ in range(200)]
            cut = await asyncio.gather(
                *(asyncio.wait_for(reader.read(), 30) for reader, _ in crowd[150:]), return_exceptions=True
            )
            assert all(found == b"" or isinstance(found, ConnectionError) for found in cut)
            assert await guest.say(b"still served") == b"STILL SERVED"
            assert answered("revoke", practice.key.id, "--data", str(data))
            await until(lambda: practice.lost)  # the registry can still be read
            for _, writer in crowd:
                writer.transport.abort()
            again = await patient(Caller(practice.key), one.port)
            assert (await again.ask(again.proof())).code == "revoked"
            assert "unexpected" not in one.log and one.process.poll() is None

    go("uvloop", work())


def test_it_reaches_nothing_and_tells_nothing(tmp_path: Path) -> None:
    """Everything a stranger may try makes the hub dial nobody; and no log or file has a guest's address or words."""

    async def work() -> None:
        data, secret = tmp_path / "hub", b"geheim-7f3a"
        (tmp_path / "hub").mkdir()
        (data / "relay-hub.toml").write_text(
            'log = "debug"\n[limits]\nhello_s = 1.5\nstreams = 2\nstreams_per_address = 2\n'
        )
        with program(data, watched=True, PRAXIS_RELAY_LOOP="asyncio") as one:
            practice = await Caller().up(
                one.port, Invitation.parse(answered("code", "x", "--data", str(data))["invitation"]).code
            )
            guests = [await Guest.visit(one.port, practice.host) for _ in range(2)]
            for guest in guests:
                assert await guest.say(secret) == secret.upper()
            name = f"{Identity.new().id}.{DOMAIN}"
            for said in (
                client_hello(practice.host),
                client_hello(name),
                client_hello("localhost"),
                client_hello("example.com"),
                b"CONNECT example.com:80 HTTP/1.1\r\n\r\n",
                b"GET http://example.com/ HTTP/1.1\r\n\r\n",
                b"\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x16",
                secret,
                b"",
            ):
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", one.port, local_addr=("127.77.66.55", 0)
                )
                writer.write(said)
                found = await asyncio.wait_for(reader.read(), 30)
                assert len(found) in (0, 7)
                writer.transport.abort()
            stranger = await Caller().dial(one.port)
            await stranger.ask(stranger.proof())
            practice.tell(Type.ROTATE, practice.rotation(Identity.new()))
            await until(lambda: Type.ROTATE in practice.said)
            guests[0].close()
            with urllib.request.urlopen(f"http://{one.run['metrics']}/metrics") as page:
                metrics = page.read().decode()
            with urllib.request.urlopen(f"http://{one.run['metrics']}/health") as page:
                assert page.status == 200
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(f"http://{one.run['metrics']}/links")
            practice.close()
            guests[1].close()
            assert one.term() == 0
            log = one.log
        assert "outside" not in log, log
        assert "enrolled" in log and "127.0.0.0/24" in log and "link refused: unknown" in log
        (abuse,) = data.glob("abuse-*.log")
        assert "unknown_name 127.77.66.0/24 3\n" in abuse.read_text()
        assert "too_many_streams 127.77.66.0/24 1\n" in abuse.read_text()
        texts = [log, metrics, *(file.read_bytes().decode("latin-1") for file in data.iterdir())]
        for text in texts:
            for word in ("127.77.66.55", "example.com", name, "geheim", "GEHEIM"):
                assert word not in text
            assert "127.0.0.1" not in text.replace(f"127.0.0.1:{one.port}", "")
        assert practice.key.id not in metrics

    go("uvloop", work())


def test_what_is_delivered_with_it_fits_together() -> None:
    deploy = Path(__file__).parents[2] / "deploy"
    unit = (deploy / "praxisd-relay-hub.service").read_text()
    for line in (
        "relay-hub serve --config /etc/praxisd/relay-hub.toml",
        "kill -HUP $MAINPID",
        "LimitNOFILE=1048576",
    ):
        assert line in unit
    example = deploy / "relay-hub.toml"
    found = load(example, None)
    assert f"StateDirectory={found.data.name}" in unit
    # What stands behind # is what holds without the line.
    bare = load(None, Path("/nowhere"), domain=found.domain, listen=[":443"])
    fields = (("", bare), ("limits", bare.limits))
    for part, values in fields:
        section = example.read_text().partition("[limits]")[2 if part else 0]
        for name, value in re.findall(r"^# (\w+) = (\S+)", section, re.MULTILINE):
            if name not in ("public_port", "balancers"):
                assert tomllib.loads(f"x = {value}")["x"] == getattr(values, name), name
