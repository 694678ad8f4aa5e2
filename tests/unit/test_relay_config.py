"""The hub's configuration: what is taken, what is refused and how that is named."""

from pathlib import Path

import pytest

from praxisd_relay.config import Config, ConfigError, address, load

FULL = """
domain = "Relay.Example."
listen = ["0.0.0.0:443", "[::]:443"]
public_port = 443
certificate = "tls/chain.pem"
key = "/etc/relay/key.pem"
data = "data"
metrics_listen = "127.0.0.1:9464"
log = "warning"
drain_s = 30

[limits]
rate = 0
streams = 100
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "relay-hub.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_file(tmp_path: Path) -> None:
    found = load(written(tmp_path, FULL), None)
    assert (found.domain, found.link_name, found.listen) == (
        "relay.example",
        "link.relay.example",
        ("0.0.0.0:443", "[::]:443"),
    )
    assert (found.certificate, found.key) == (tmp_path / "tls/chain.pem", Path("/etc/relay/key.pem"))
    assert found.registry == tmp_path / "data" / "hub.sqlite"
    assert (found.limits.rate, found.limits.streams, found.limits.hello_s) == (0, 100, 10)
    assert (found.drain_s, found.ping_s, found.peers, found.nats) == (30, 4, None, None)
    assert found.node


def test_without_a_file_it_is_for_trying_out(tmp_path: Path) -> None:
    found = load(None, tmp_path)
    assert found.listen == ("127.0.0.1:8443",) and found.domain == "relay.localhost"
    assert found.certificate is None and found.metrics_listen == "127.0.0.1:0" and found.data == tmp_path


def test_the_file_of_the_folder_is_found_and_what_is_given_counts_most(tmp_path: Path) -> None:
    written(tmp_path, FULL)
    found = load(None, tmp_path, listen="127.0.0.1:0", domain=None)
    assert (found.listen, found.domain, found.data) == (("127.0.0.1:0",), "relay.example", tmp_path)


def test_the_node_of_a_cluster_is_that_of_its_certificate(tmp_path: Path) -> None:
    text = """
data = "."
node = "x"
[peers]
node = "hub1.relay.example"
listen = "10.0.0.1:7001"
certificate = "hub1.pem"
key = "hub1.key"
ca = "ca.pem"
[nats]
servers = ["tls://nats.relay.example:4222"]
token_file = "token"
"""
    found = load(written(tmp_path, text), None)
    assert found.node == "hub1.relay.example"
    assert found.peers is not None and found.peers.ca == tmp_path / "ca.pem"
    assert found.nats is not None and found.nats.token_file == tmp_path / "token"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "no_data"),
        ("domain = [", "no_toml"),
        ('data = "."\ndomian = "relay.example"', "wrong_value"),
        ('data = "."\n[limits]\nraet = 1', "wrong_value"),
        ('data = "."\n[limits]\nrate = -1', "wrong_value"),
        ('data = "."\n[limits]\nstreams = 0', "wrong_value"),
        ('data = "."\ndomain = "relay"', "no_host"),
        ('data = "."\nlink_name = "*.relay.example"', "no_host"),
        ('data = "."\ncertificate = "a.pem"', "half_pair"),
        ('data = "."\nlisten = []', "no_address"),
        ('data = "."\nlisten = "relay.example:443"', "no_address"),
        ('data = "."\nlisten = "443"', "no_address"),
        ('data = "."\nlisten = ":70000"', "no_address"),
        ('data = "."\nmetrics_listen = "0.0.0.0:9464"', "not_loopback"),
        ('data = "."\nmetrics_listen = ":9464"', "not_loopback"),
        ('data = "."\nlog = "loud"', "wrong_value"),
        ('data = "."\npin = "maybe"', "wrong_value"),
        ('data = "."\nbalancers = ["10.0.0.1/8"]', "wrong_value"),
        ('data = "."\n[peers]\nnode = "hub"', "wrong_value"),
        ('data = "."\n[nats]\nservers = ["nats://user:secret@bus:4222"]', "wrong_value"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text), None)
    assert caught.value.code == code and caught.value.what


def test_no_file_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, None)
    assert caught.value.code == "nothing"
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "gone.toml", None)
    assert caught.value.code == "unreadable"


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("127.0.0.1:443", ("127.0.0.1", 443)),
        ("[::1]:0", ("::1", 0)),
        (":443", ("", 443)),
        ("localhost:1", ("localhost", 1)),
    ],
)
def test_addresses(text: str, pair: tuple[str, int]) -> None:
    assert address(text) == pair


def test_the_values_that_the_notes_ask_for() -> None:
    limits = Config(data=Path()).limits
    assert (limits.hello_s, limits.per_address, limits.per_address_burst) == (10, 20, 60)
    assert (limits.half_open_per_address, limits.handshakes, limits.failures_per_minute) == (64, 400, 5)
    assert (limits.streams, limits.streams_per_second, limits.streams_burst, limits.idle_s) == (
        256,
        50,
        200,
        900,
    )
