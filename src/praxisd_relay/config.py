"""The configuration of a hub: `relay-hub.toml`, or what is good for trying out where there is none.

    domain = "relay.example"            practices are reachable as <id>.relay.example
    link_name = "link.relay.example"    where practices dial in; the only name whose TLS ends in the hub
    listen = "0.0.0.0:443"              or a list of addresses
    certificate = "…/fullchain.pem"     of the link name; without one the hub makes its own, and invitations carry its pin
    key = "…/privkey.pem"

Everything else has a value that is meant to be left as it is. Paths count from the file's folder. Unknown words are
errors: a limit that is misspelt would be no limit.
"""

import ipaddress
import socket
import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from praxisd_relay.cluster_settings import NatsSettings, PeersSettings, SettingsError, check_nats, check_peers
from praxisd_relay.identity import is_host

FILE = "relay-hub.toml"
_Count = Annotated[int, Meta(ge=0, le=1_000_000)]
_Rate = Annotated[float, Meta(ge=0, le=1e12)]
_Seconds = Annotated[float, Meta(gt=0, le=86_400)]


class ConfigError(Exception):
    """The configuration cannot be used. `code` is a word of the texts (`config.<code>`), `what` says where."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(f"{code}: {what}")
        self.code, self.what = code, what


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The table `[limits]`. 0 means no limit, where nothing else is said. Source: notes/relay.md § 7."""

    hello_s: _Seconds = 10.0
    """Until a connection has said whom it wants, and until a link is proved."""
    half_open: _Count = 20_000
    """Connections that have not said it yet, of all addresses."""
    half_open_per_address: _Count = 64
    """Of them, those of one address."""
    per_address: _Rate = 20.0
    """New connections a second of one address (IPv6: of one /64)."""
    per_address_burst: _Count = 60
    """And so many at once."""
    handshakes: _Count = 400
    """Links that are proving themselves at the same time; more wait for their turn, for twice `hello_s`. Who comes from an
    address with few of them is let in for one of the address with most."""
    failures_per_minute: _Rate = 5.0
    """Failed proofs and codes of one address."""
    streams: Annotated[int, Meta(ge=1, le=65_536)] = 256
    """Connections of guests that one practice has at the same time."""
    streams_per_address: _Count = 0
    """Of them, those of one address; 0: half of them, so that one alone cannot take all."""
    streams_per_second: _Rate = 50.0
    """New connections a second of one practice."""
    streams_burst: _Count = 200
    """And so many at once."""
    rate: _Rate = 33_554_432.0
    """Bytes a second of one practice, both directions together."""
    burst_s: _Seconds = 4.0
    """How many seconds' worth of `rate` may come at once."""
    idle_s: _Seconds = 900.0
    """A guest's connection on which nothing moved that long is ended."""
    memory: Annotated[int, Meta(ge=16 * 1024 * 1024)] = 1 << 30
    """Bytes that all streams together may have in the hub."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of it, checked."""

    data: Path
    """Folder of the hub: practices, codes, counters, its own certificate."""
    domain: str = "relay.localhost"
    """Practices are reachable as `<id>.<domain>`."""
    link_name: str = ""
    """Where practices dial in, the only name whose TLS ends in the hub; left out: `link.<domain>`."""
    listen: tuple[str, ...] = ("127.0.0.1:8443",)
    """Public addresses, `host:port` or `[v6]:port`; one alone may stand without a list."""
    public_port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    """The port that others see, where something stands before the hub; 0: that of `listen`."""
    certificate: Path | None = None
    """Of the link name; without one the hub makes its own, and invitations carry its pin."""
    key: Path | None = None
    """Of the certificate."""
    pin: str = "auto"
    """Do invitations carry the pin of the certificate? "always", "never", or where it is self-signed."""
    node: str = ""
    """The name of this hub in what links are told and sign; that of `[peers]`, else the machine's."""
    metrics_listen: str = "127.0.0.1:0"
    """Loopback address of `/metrics` and `/health` (port 0: a free one); nothing listens where it is empty."""
    log: str = "info"
    """What is told on standard error: "warning", "info" or "debug"."""
    balancers: tuple[str, ...] = ()
    """Networks of balancers before the hub; they must send the PROXY protocol, and what they say is believed."""
    reuse_port: bool = False
    """Share the port with other hubs of this machine (Linux): one for each core."""
    backlog: Annotated[int, Meta(ge=16, le=65_535)] = 4096
    """Connections that the system keeps waiting until they are taken."""
    ping_s: Annotated[float, Meta(ge=0.2, le=60)] = 4.0
    """Seconds between two signs of life on a link."""
    spread_s: Annotated[float, Meta(ge=0, le=3600)] = 10.0
    """Over how many seconds links come back that were lost or sent away."""
    drain_s: Annotated[float, Meta(ge=0, le=3600)] = 60.0
    """How long running connections may take to end when the hub is stopped."""
    usage_days: Annotated[int, Meta(ge=1, le=366)] = 7
    """How long the counters per practice and hour are kept."""
    limits: Limits = Limits()
    """How much of everything: the table `[limits]`."""
    nats: NatsSettings | None = None
    """The bus between hubs: the table `[nats]`."""
    peers: PeersSettings | None = None
    """The other hubs: the table `[peers]`."""

    @property
    def balancer_networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """`balancers` as networks. Raises ValueError."""
        return tuple(ipaddress.ip_network(one) for one in self.balancers)

    @property
    def registry(self) -> Path:
        """Where practices and codes are."""
        return self.data / "hub.sqlite"


def address(text: str) -> tuple[str, int]:
    """`host:port`, `[v6]:port` or `:port` (all addresses) as a pair. Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65_535:
        raise ValueError(text)
    host = host.removeprefix("[").removesuffix("]")
    if host and host != "localhost":
        host = str(ipaddress.ip_address(host))
    return host, int(port)


def load(file: Path | None, data: Path | None, **given: Any) -> Config:
    """From `file`, else `relay-hub.toml` in the folder `data`, else what suits trying out; `given` counts most.

    Raises ConfigError.
    """
    if file is None and data is None:
        raise ConfigError("nothing", f"--config FILE / --data DIR ({FILE})")
    if file is None and data is not None and (data / FILE).exists():
        file = data / FILE
    table: dict[str, Any] = {}
    if file is not None:
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError("unreadable", f"{file}: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError("no_toml", f"{file}: {error}") from None
    table |= {name: value for name, value in given.items() if value is not None}
    if data is not None:
        table["data"] = str(data)
    if isinstance(table.get("listen"), str):
        table["listen"] = [table["listen"]]
    return read(table, file.absolute().parent if file else Path.cwd())


def read(table: dict[str, Any], folder: Path) -> Config:
    """A table as it stands in the file, with its paths counted from `folder`. Raises ConfigError."""
    if "data" not in table:
        raise ConfigError("no_data", "data")
    try:
        found = msgspec.convert(_placed(table, folder), Config, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise ConfigError("wrong_value", str(error)) from None
    try:
        if found.peers is not None:
            check_peers(found.peers)
        if found.nats is not None:
            check_nats(found.nats)
    except SettingsError as error:
        raise ConfigError("wrong_value", str(error)) from None
    return _checked(found)


def _path(wanted: type, value: Any) -> Any:
    """How msgspec makes a Path, which it does not know."""
    if wanted is Path and isinstance(value, str):
        return Path(value)
    raise ValueError(f"expected a path, got {value!r}")


def _placed(table: dict[str, Any], folder: Path) -> dict[str, Any]:
    """With all paths absolute."""
    placed = dict(table)
    for name in ("data", "certificate", "key"):
        if isinstance(placed.get(name), str):
            placed[name] = str(folder / placed[name])
    for part in ("nats", "peers"):
        if isinstance(placed.get(part), dict):
            inner = dict(placed[part])
            for name in ("certificate", "key", "ca", "password_file", "token_file"):
                if isinstance(inner.get(name), str):
                    inner[name] = str(folder / inner[name])
            placed[part] = inner
    return placed


def _checked(found: Config) -> Config:
    domain = found.domain.lower().rstrip(".")
    link_name = found.link_name.lower().rstrip(".") or f"link.{domain}"
    for name, host in (("domain", domain), ("link_name", link_name)):
        if not is_host(host) or "." not in host:
            raise ConfigError("no_host", f"{name} = {host!r}")
    if (found.certificate is None) is not (found.key is None):
        raise ConfigError("half_pair", "certificate, key")
    if not found.listen:
        raise ConfigError("no_address", "listen")
    for name, text in [*(("listen", one) for one in found.listen), ("metrics_listen", found.metrics_listen)]:
        if not text and name == "metrics_listen":
            continue
        try:
            host, _ = address(text)
        except ValueError:
            raise ConfigError("no_address", f"{name} = {text!r}") from None
        if (
            name == "metrics_listen"
            and host != "localhost"
            and not (host and ipaddress.ip_address(host).is_loopback)
        ):
            raise ConfigError("not_loopback", f"{name} = {text!r}")
    if found.log not in ("warning", "info", "debug"):
        raise ConfigError("wrong_value", f"log = {found.log!r}")
    if found.pin not in ("auto", "always", "never"):
        raise ConfigError("wrong_value", f"pin = {found.pin!r}")
    try:
        found.balancer_networks  # noqa: B018 - looked at for its error only
    except ValueError as error:
        raise ConfigError("wrong_value", f"balancers: {error}") from None
    node = found.peers.node if found.peers is not None else found.node or socket.gethostname().lower()
    if not node or len(node) > 253:
        raise ConfigError("wrong_value", "node")
    return msgspec.structs.replace(found, domain=domain, link_name=link_name, node=node)
