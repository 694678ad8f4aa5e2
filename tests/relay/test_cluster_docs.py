"""What docs/en/relay-cluster.md and docs/de/relay-verbund.md tell an operator to type works as it stands there."""

import asyncio
import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

from praxisd_relay.config import load
from praxisd_relay.directory import Directory
from praxisd_relay.directory_nats import NatsBus

from .nats_cast import NatsServer
from .peers_cast import Neighbour, until
from .test_cluster_nats import found

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / "en" / "relay-cluster.md", DOCS / "de" / "relay-verbund.md"]


def blocks(page: Path) -> list[str]:
    """The indented blocks of a page."""
    found = re.findall(r"(?:^ {4,}.*\n|^\n(?= {4}))+", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [textwrap.dedent(one).strip() for one in found]


def block(page: Path, word: str) -> str:
    (one,) = [text for text in blocks(page) if word in text]
    return one


def papers(page: Path, folder: Path) -> None:
    """Type the page's openssl lines, once for each hub and once for NATS."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl not found: install the package 'openssl'")
    authority, request, sign = [
        line.strip() for line in block(page, "openssl").replace("\\\n", " ").splitlines() if line.strip()
    ]
    subprocess.run(authority, shell=True, cwd=folder, check=True, capture_output=True)
    for name, stem in (
        ("hub2.relay.example", "hub2"),
        ("127.0.0.1", "nats"),
        ("hub1.relay.example", "peers"),
    ):
        for line in (request, sign):
            line = line.replace("hub1.relay.example", name).replace("peers.key", f"{stem}.key")
            line = line.replace("peers.csr", f"{stem}.csr").replace("peers.pem", f"{stem}.pem")
            subprocess.run(
                line.replace("DNS:127", "IP:127"), shell=True, cwd=folder, check=True, capture_output=True
            )


@pytest.mark.parametrize("page", PAGES, ids=["en", "de"])
def test_an_operator_who_types_what_the_page_says(page: Path, tmp_path: Path) -> None:
    papers(page, tmp_path)
    conf = block(page, "nats-server.conf").replace("/etc/nats/", f"{tmp_path}/")
    (tmp_path / "nats.conf").write_text(conf.replace("listen: 0.0.0.0:4222", ""))
    (tmp_path / "nats-password").write_text(re.search(r'password: "(.*?)"', conf).group(1))  # type: ignore[union-attr]
    table = block(page, "[peers]").replace("0.0.0.0:7443", "127.0.0.1:0")
    with NatsServer("-c", str(tmp_path / "nats.conf")) as server:
        address = f"tls://127.0.0.1:{server.port}"
        table = re.sub(r"servers = .*", f'servers = ["{address}"]', table)
        (tmp_path / "relay-hub.toml").write_text(f'domain = "relay.example"\ndata = "data"\n{table}\n')
        (tmp_path / "hub2.toml").write_text(
            f'domain = "relay.example"\ndata = "data2"\n{table}\n'.replace("peers.pem", "hub2.pem")
            .replace("peers.key", "hub2.key")
            .replace("hub1.", "hub2.")
        )
        asyncio.run(_joined(tmp_path))


async def _joined(folder: Path) -> None:
    """Two hubs with these files find each other, over both wires."""
    one, two = (load(folder / name, None) for name in ("relay-hub.toml", "hub2.toml"))
    assert one.peers is not None
    assert two.peers is not None
    assert one.nats is not None
    assert two.nats is not None
    assert one.peers.node == "hub1.relay.example"
    first, second = await Neighbour(one.peers).start(), await Neighbour(two.peers).start()
    second.peers.dial([first.node()])
    await until(lambda: first.peers.link("hub2.relay.example"))
    buses = [NatsBus(one.nats, "hub1"), NatsBus(two.nats, "hub2")]
    here, there = (Directory(bus, "relay", name) for bus, name in zip(buses, ("hub1", "hub2"), strict=True))
    here.hold("practice")
    for bus in buses:
        await bus.start()
    await found(there, "practice", "hub1")
    assert await there.find("nobody") is None
    for bus in buses:
        await bus.stop()
    await first.peers.stop()
    await second.peers.stop()


def test_both_pages_say_the_same() -> None:
    """What is typed is the same in both languages, but for comments and what follows a name in words."""
    english, german = ([re.sub(r"\s*#.*", "", one) for one in blocks(page)] for page in PAGES)
    assert english == german
    assert len(english) == 3
