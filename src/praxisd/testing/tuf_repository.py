"""A TUF repository in memory that can be made to lie: each role has its keys, and any file can be forged or withheld.

It is a `Source` of the guard; nothing is served that was not published, and old files stay, as at an attacker's.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

from praxisd_guard.faults import Missing, OffsetRefused, Unreachable

WHEN = datetime(2026, 11, 20, 9, tzinfo=UTC)
"""The repository's present, if not told otherwise: tests give the client the same clock."""
ROLES = {"software": (["software/*/*"], 2, 2), "plugins-acme": (["plugins/acme/*"], 1, 1)}
ROLES |= {"data-drugs": (["data/drugs/*"], 1, 1)}
"""Delegated role → (paths, keys, threshold)."""
_LIFE = {"root": 365, "targets": 180, "snapshot": 14, "timestamp": 7}


def signer() -> CryptoSigner:
    """A new key."""
    return CryptoSigner.generate_ed25519()


@dataclass
class TufRepository:
    """`parts` are the present metadata, `keys` who signs them; `publish` makes files of what was changed."""

    when: datetime = WHEN
    roles: Mapping[str, tuple[list[str], int, int]] = field(default_factory=lambda: ROLES)
    keys: dict[str, list[CryptoSigner]] = field(default_factory=dict)
    parts: dict[str, Metadata] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)
    lies: dict[str, Callable[[int], Iterator[bytes]]] = field(default_factory=dict)
    """Path → what is sent instead, given the offset."""

    def __post_init__(self) -> None:
        for role, number in (("root", 3), ("targets", 3), ("snapshot", 1), ("timestamp", 1)):
            self.keys[role] = [signer() for _ in range(number)]
        root = Root(consistent_snapshot=True, expires=self.until("root"))
        self.parts["root"] = Metadata(root)
        for role in ("root", "targets", "snapshot", "timestamp"):
            for key in self.keys[role]:
                root.add_key(key.public_key, role)
        root.roles["root"].threshold = root.roles["targets"].threshold = 2
        self.parts["targets"] = Metadata(Targets(expires=self.until("targets")))
        for role, (paths, number, threshold) in self.roles.items():
            self.delegate("targets", role, paths, number, threshold)
        self.parts["snapshot"] = Metadata(Snapshot(expires=self.until("snapshot")))
        self.parts["timestamp"] = Metadata(Timestamp(expires=self.until("timestamp")))
        self.put_root()
        self.publish("targets", *self.roles, new=False)

    def delegate(
        self,
        parent: str,
        role: str,
        paths: list[str],
        number: int = 1,
        threshold: int = 1,
        *,
        terminating: bool = False,
    ) -> None:
        """Let a role sign paths of its parent; a role that exists keeps its keys."""
        signed = self.signed(parent)
        if signed.delegations is None:
            signed.delegations = Delegations({}, {})
        self.keys.setdefault(role, [signer() for _ in range(number)])
        self.parts.setdefault(role, Metadata(Targets(expires=self.until("targets"))))
        signed.delegations.roles[role] = DelegatedRole(role, [], threshold, terminating, paths)
        for key in self.keys[role]:
            signed.add_key(key.public_key, role)

    def until(self, role: str) -> datetime:
        """When metadata of a role made now end."""
        return self.when + timedelta(days=_LIFE.get(role, 180))

    def signed(self, role: str) -> Any:
        """The present content of a role, to be changed and published."""
        return self.parts[role].signed

    def bytes_of(self, role: str, keys: list[CryptoSigner] | None = None) -> bytes:
        """The role's metadata signed by these keys, else its own."""
        part = self.parts[role]
        part.signatures.clear()
        for key in self.keys[role] if keys is None else keys:
            part.sign(key, append=True)
        return part.to_bytes(JSONSerializer(compact=True))

    def put_root(self, keys: list[CryptoSigner] | None = None) -> None:
        """Publish the present root."""
        self.files[f"metadata/{self.signed('root').version}.root.json"] = self.bytes_of("root", keys)

    def publish(
        self, *roles: str, new: bool = True, keys: list[CryptoSigner] | None = None, hashes: bool = False
    ) -> None:
        """A new state: these roles of targets (signed by `keys` if given), then snapshot and timestamp."""
        snapshot, timestamp = self.signed("snapshot"), self.signed("timestamp")
        for role in roles:
            part = self.signed(role)
            part.version += 1 if new else 0
            data = self.bytes_of(role, keys)
            self.files[f"metadata/{part.version}.{quote(role, '')}.json"] = data
            said = {"sha256": hashlib.sha256(data).hexdigest()} if hashes else None
            snapshot.meta[f"{role}.json"] = MetaFile(part.version, len(data) if hashes else None, said)
        snapshot.version += 1 if new else 0
        self.put_snapshot()
        timestamp.version += 1 if new else 0
        timestamp.snapshot_meta = MetaFile(snapshot.version)
        self.put_timestamp()

    def put_snapshot(self) -> None:
        """Publish the present snapshot under its version."""
        self.files[f"metadata/{self.signed('snapshot').version}.snapshot.json"] = self.bytes_of("snapshot")

    def put_timestamp(self) -> None:
        """Publish the present timestamp."""
        self.files["metadata/timestamp.json"] = self.bytes_of("timestamp")

    def add(self, role: str, path: str, data: bytes, custom: dict[str, Any] | None = None) -> str:
        """List a target in a role (published with the role) and put its file there; its path at the source."""
        found = TargetFile.from_data(path, data, ["sha256"])
        if custom is not None:
            found.unrecognized_fields["custom"] = custom
        self.signed(role).targets[path] = found
        where = self.where(path, data)
        self.files[where] = data
        return where

    @staticmethod
    def where(path: str, data: bytes) -> str:
        """The path at the source of a target with this content."""
        folder, slash, name = path.rpartition("/")
        return f"targets/{folder}{slash}{hashlib.sha256(data).hexdigest()}.{name}"

    def catalog(self, *rows: tuple[str, str, str]) -> None:
        """List `catalog.json` with elements (name, kind, index)."""
        listed = [
            {"name": name, "kind": kind, "index": index, "title": {"de": name, "en": name}}
            for name, kind, index in rows
        ]
        self.add("targets", "catalog.json", json.dumps({"elements": listed}).encode())

    def index(self, role: str, path: str, *versions: dict[str, Any]) -> None:
        """List an element's index."""
        self.add(role, path, json.dumps({"versions": list(versions)}).encode())

    @contextmanager
    def open(self, path: str, offset: int = 0) -> Iterator[Iterator[bytes]]:
        """See `praxisd_guard.sources.Source`."""
        self.asked.append((path, offset))
        if path in self.lies:
            yield self.lies[path](offset)
            return
        if path not in self.files:
            raise Missing(path)
        if offset > len(self.files[path]):
            raise OffsetRefused(path)
        yield _pieces(self.files[path][offset:])


def _pieces(data: bytes, size: int = 65536) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def cut(data: bytes, after: int) -> Callable[[int], Iterator[bytes]]:
    """A lie: the connection ends after so many bytes, each time."""

    def sent(offset: int) -> Iterator[bytes]:
        yield from _pieces(data[offset : offset + after])
        if offset + after < len(data):
            raise Unreachable("cut")

    return sent


def instead(data: bytes) -> Callable[[int], Iterator[bytes]]:
    """A lie: other bytes."""
    return lambda offset: _pieces(data[offset:])


def endless(_offset: int) -> Iterator[bytes]:
    """A lie: bytes without an end."""
    while True:
        yield b"x" * 65536
