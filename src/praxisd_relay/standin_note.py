"""What a stand-in must know to speak for a practice: `DIR/run/standin.json`, written by the server while it is linked.

The file holds two private keys (that of the link, that of the certificate) as they are: it lies beside the vault's own key,
readable by its owner only (0600), and is there only where a guard needs it. Its text form tells no key.
"""

import base64
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from praxisd_relay.dial import Address
from praxisd_relay.identity import Identity
from praxisd_relay.pem_file import as_file
from praxisd_relay.proxy import Proxy

FORMAT = 1


class NoteError(ValueError):
    """The file is missing, or is none of ours."""


class _Hub(msgspec.Struct, kw_only=True, frozen=True):
    host: str
    port: int
    pin: str | None = None
    proxy: tuple[str, int, str, str] | None = None


class _File(msgspec.Struct, kw_only=True, frozen=True):
    format: int
    key: str
    hubs: tuple[_Hub, ...]
    names: tuple[str, ...]
    chain: str
    chain_key: str
    version: str = ""


@dataclass(frozen=True)
class Note:
    """`hubs`: where to dial, best first, each with its proxy; `names`: guests may ask for these (lower case);
    `chain`, `chain_key`: PEM of the certificate they meet; `version`: what the hub is told."""

    key: Identity
    hubs: tuple[tuple[Address, Proxy | None], ...]
    names: frozenset[str]
    chain: str
    chain_key: bytes = field(repr=False)
    version: str = ""

    def encoded(self) -> bytes:
        """The file's bytes; the same for the same facts."""
        hubs = tuple(
            _Hub(
                host=one.host,
                port=one.port,
                pin=one.pin,
                proxy=None if proxy is None else (proxy.host, proxy.port, proxy.user, proxy.password),
            )
            for one, proxy in self.hubs
        )
        found = _File(
            format=FORMAT,
            key=base64.b64encode(self.key.private).decode(),
            hubs=hubs,
            names=tuple(sorted(self.names)),
            chain=self.chain,
            chain_key=self.chain_key.decode(),
            version=self.version,
        )
        return msgspec.json.format(msgspec.json.encode(found))

    def context(self) -> ssl.SSLContext:
        """TLS for guests, as the practice itself speaks it: 1.2 and newer, HTTP/1.1. Raises ssl.SSLError, OSError."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        made.set_alpn_protocols(["http/1.1"])
        with as_file(self.chain.encode() + b"\n" + self.chain_key) as path:
            made.load_cert_chain(path)
        return made


def read(file: Path) -> Note:
    """Raises NoteError."""
    try:
        found = msgspec.json.decode(file.read_bytes(), type=_File)
        if found.format != FORMAT or not found.hubs:
            raise NoteError(f"format {found.format}")
        hubs = tuple((Address(one.host, one.port, one.pin), _proxy(one.proxy)) for one in found.hubs)
        key = Identity.load(base64.b64decode(found.key, validate=True))
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise NoteError(type(error).__name__) from None
    return Note(key, hubs, frozenset(found.names), found.chain, found.chain_key.encode(), found.version)


def _proxy(said: Any) -> Proxy | None:
    return None if said is None else Proxy(*said)
