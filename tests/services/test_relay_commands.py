"""`praxisd relay`, from the words of the command line to the store and back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography import x509

from praxisd.cli import root
from praxisd.kernel import control
from praxisd.kernel.app import House
from praxisd.kernel.visitors import Entered
from praxisd.services.relay import certificates, identity, settings
from praxisd.services.relay.access import key_names
from praxisd.services.relay.linking import Snapshot
from praxisd.testing.houses import START, Houses
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd_relay.identity import Identity

from .relay_cast import NAME, OUTSIDE, scripted

Command = Callable[..., Result]


@pytest.fixture
def house(sqlite_houses: Houses) -> House:
    return sqlite_houses.open()


@pytest.fixture
def practice(house: House) -> Practice:
    return small_practice(house)


@pytest.fixture
def command(house: House, practice: Practice, monkeypatch: pytest.MonkeyPatch) -> Command:
    """A command line whose operations are performed in the house, as in a running server."""

    def perform(_folder: Path, operation: str, args: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            json.dumps(control.perform(house, operation, json.loads(json.dumps(args))))
        )
        return found

    monkeypatch.setattr("praxisd.cli.perform", perform)
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")

    def call(*words: str, exit_code: int = 0, typed: str | None = None) -> Result:
        done = CliRunner().invoke(root, ["relay", *words], input=typed)
        assert done.exit_code == exit_code, (words, done.output, done.exception)
        return done

    return call


def enrolled(house: House) -> None:
    made = identity.Enrolled(
        Identity.new(), (identity.Hub(host="link.localhost"),), NAME, 443, identity.ENROLLED, START
    )
    with house.store.write(control.actor(house, {})) as tx:
        identity.save(house, tx, made)
        house.settings.put(tx, settings.ENABLED, True)


def test_the_status_ends_with_one_unless_we_are_reachable(house: House, command: Command) -> None:
    room, script = scripted(house)
    assert "Nicht angemeldet" in command("status", exit_code=1).output
    enrolled(house)
    room.step()
    script.up(None)
    good = command("status").output
    assert (
        "Verbunden mit link.localhost." in good
        and f"https://{NAME}" in good
        and "Von außen erreichbar." in good
    )
    shown = json.loads(command("status", "--json").stdout)
    assert (shown["connected"], shown["reachable"], shown["phase"]) == (True, True, "up")
    script.up("relay.probe_offline")
    bad = command("status", exit_code=1)
    assert "Der Relay-Server reicht nicht weiter" in bad.stderr and "(relay.probe_offline)" in bad.stderr
    script.down("waiting", "dns")
    assert json.loads(command("status", "--json", exit_code=1).stdout)["code"] == "relay.hub_unknown"
    assert "Not connected to link.localhost" in command("status", "--lang", "en", exit_code=1).output
    script.up(None)
    assert "erreichbar" in command("probe").output


def test_enrolling_twice_is_refused_in_words(house: House, command: Command) -> None:
    scripted(house)
    enrolled(house)
    line = "link.localhost/ABCDE-FGHJK-MNPQR-STVWX-YZ0123"
    refused = command("enrol", line, exit_code=1)
    assert "Schon angemeldet" in refused.stderr and NAME in refused.stderr
    assert identity.current(house) is not None
    assert "Einladung nicht lesbar" in command("enrol", "quatsch", "--replace", exit_code=1).stderr


def test_without_a_server_nobody_is_said_to_be_connecting(house: House, command: Command) -> None:
    room, script = scripted(house)
    enrolled(house)
    script.now = Snapshot()
    assert "Die Verbindung wird aufgebaut, sobald der Server läuft." in command("status", exit_code=1).output
    room._started = True
    assert "Die Verbindung wird aufgebaut." in command("status", exit_code=1).output


def test_leaving_asks_first(house: House, command: Command) -> None:
    scripted(house)
    enrolled(house)
    command("revoke", exit_code=1, typed="n\n")
    assert identity.current(house) is not None
    assert "Nicht angemeldet" in command("revoke", typed="y\n").output
    assert identity.current(house) is None
    enrolled(house)
    command("revoke", "--yes")
    assert identity.current(house) is None


def test_the_log_per_key(house: House, practice: Practice, command: Command) -> None:
    room, _ = scripted(house)
    assert "Noch kein Zugriff" in command("log").stderr
    key_for(house, practice, "portal", "Portal Nord")
    with house.store.read(practice.desk()) as tx:
        (id_,) = key_names(tx)
    for key, status in ((id_, 200), ("another", 404)):
        room.log.entered(
            Entered(practice.organization, key, START, "GET", "slots.list", status, 12, 345, OUTSIDE)
        )
    room.write(at_once=True)
    line = command("log", "--key", "nord").output
    assert "Portal Nord: GET slots.list" in line and OUTSIDE in line and "404" not in line
    shown = json.loads(command("log", "--json").stdout)
    assert [one["status"] for one in shown["accesses"]] == [404, 200]


def test_the_certificate_as_a_file(house: House, command: Command) -> None:
    enrolled(house)
    printed = command("certificate", "--pem").stdout
    assert printed == certificates.current(house).chain
    assert x509.load_pem_x509_certificate(printed.encode()).issuer
    assert json.loads(command("certificate", "--json").stdout)["chain"] == printed
