"""What a hub must know to be one of several: the tables `[nats]` and `[peers]` of its configuration.

Without `[peers]` a hub is alone, and nothing of the cluster is even imported. `[peers]` without `[nats]`: the hubs
named under `nodes` ask one another.
"""

import re
from pathlib import Path
from typing import Literal

import msgspec

NODE_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
PIN = re.compile(r"[A-Za-z0-9_-]{43}")
PREFIX = re.compile(r"[a-z0-9_-]{1,32}(\.[a-z0-9_-]{1,32}){0,3}")
MOST_NODES = 64


class SettingsError(ValueError):
    """A table of the configuration cannot be used; the message says which key and why."""


class Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hub of the cluster as the others know it."""

    name: str
    """A DNS name in its certificate."""
    peer: str
    """`host:port` where other hubs reach it."""
    public: str
    """`host:port` where practices reach it, with `/PIN` where no public authority vouches for the link's certificate."""


class PeersSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[peers]`: this hub among its neighbours."""

    node: str
    """Own name, a DNS name in `certificate`."""
    listen: str
    """`host:port` where neighbours connect."""
    certificate: Path
    """Of the own name, by `ca`."""
    key: Path
    """Of the certificate."""
    ca: Path
    """The authority of the hubs only; whoever it vouches for may ask which practices are here."""
    announce: str = ""
    """The `host:port` told to neighbours; left out: `listen`, or `node` with its port where that is all addresses."""
    public: str = ""
    """The `host:port` told to practices; left out: the link's name, which is right only for a hub that has it for itself."""
    nodes: tuple[Node, ...] = ()
    """Neighbours known beforehand, at most 64; with NATS the others announce themselves."""
    announce_s: float = 5.0
    """Seconds between two announcements. 0.05 to 300."""
    bytes: Literal["plain", "tls"] = "plain"
    """Guests' bytes are TLS between guest and practice anyway; "tls" encrypts them once more between hubs."""


class NatsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[nats]`: the message bus between hubs. One way to sign in; secrets stand in files, not in the configuration."""

    servers: tuple[str, ...]
    """`nats://host:4222` or `tls://host:4222`."""
    user: str = ""
    """Signs in with `password_file`."""
    password_file: Path | None = None
    """The password of `user`."""
    token_file: Path | None = None
    """The other way to sign in; the third is by `certificate` and `key` alone."""
    ca: Path | None = None
    """Whom the bus's certificate must come from; with it, or with `tls://`, nothing is ever said in clear text."""
    certificate: Path | None = None
    """Of this hub, for the bus."""
    key: Path | None = None
    """Of the certificate."""
    prefix: str = "relay"
    """Head of all subjects, so that two clusters can share a bus."""
    digest_s: float = 30.0
    """Seconds between two comparisons of registries. 0.1 to 3600."""


def split(address: str) -> tuple[str, int]:
    """`host:port` or `[v6]:port` as a pair; raises SettingsError."""
    host, colon, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise SettingsError(f"not an address host:port: {address!r}")
    return host, int(port)


def check_node(node: Node) -> Node:
    """The node itself if its name and addresses can be used; raises SettingsError. Announcements pass here too."""
    if len(node.name) > 253 or not NODE_NAME.fullmatch(node.name):
        raise SettingsError(f"not the name of a hub: {node.name[:80]!r}")
    public, slash, pin = node.public.partition("/")
    if slash and not PIN.fullmatch(pin):
        raise SettingsError(f"not the pin of a certificate: {pin[:80]!r}")
    for address in (node.peer, public):
        if len(address) > 260 or not split(address)[1]:
            raise SettingsError(f"not an address to dial: {address[:80]!r}")
    return node


def check_peers(peers: PeersSettings) -> PeersSettings:
    """The settings themselves; raises SettingsError naming the key."""
    if len(peers.node) > 253 or not NODE_NAME.fullmatch(peers.node):
        raise SettingsError(f"peers.node is not a DNS name in lower case: {peers.node[:80]!r}")
    split(peers.listen)
    for address in (peers.announce, peers.public.partition("/")[0]):
        if address and not split(address)[1]:
            raise SettingsError(f"peers: an address others can dial needs a port: {address!r}")
    if len(peers.nodes) > MOST_NODES:
        raise SettingsError(f"peers.nodes: at most {MOST_NODES} hubs")
    for node in peers.nodes:
        check_node(node)
    if len({node.name for node in peers.nodes}) < len(peers.nodes):
        raise SettingsError("peers.nodes: two hubs with one name")
    if not 0.05 <= peers.announce_s <= 300:
        raise SettingsError("peers.announce_s: 0.05 to 300 seconds")
    return peers


def check_nats(nats: NatsSettings) -> NatsSettings:
    """The settings themselves; raises SettingsError naming the key."""
    if not nats.servers:
        raise SettingsError("nats.servers is empty")
    for server in nats.servers:
        scheme, mark, rest = server.partition("://")
        if not mark or scheme not in ("nats", "tls") or "@" in rest:
            raise SettingsError("nats.servers: nats://host:port or tls://host:port, secrets in files")
        split(rest)
    if not PREFIX.fullmatch(nats.prefix):
        raise SettingsError("nats.prefix: small letters, digits, - and _ in parts joined by dots")
    if bool(nats.user) != bool(nats.password_file):
        raise SettingsError("nats.user and nats.password_file belong together")
    if bool(nats.certificate) != bool(nats.key):
        raise SettingsError("nats.certificate and nats.key belong together")
    if nats.user and nats.token_file:
        raise SettingsError("nats: one way to sign in: user with password_file, or token_file")
    if not 0.1 <= nats.digest_s <= 3600:
        raise SettingsError("nats.digest_s: 0.1 to 3600 seconds")
    return nats
