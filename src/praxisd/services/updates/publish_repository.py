"""A TUF repository as its publisher has it: what is published, what waits for signatures, and the step from one to the other.

`metadata/` and `targets/` are what practices fetch. `staged/<role>.json` is the next version of a role; it is published
only when it, and all that leans on it, carries enough signatures: a practice never meets anything half signed. Of all
files `timestamp.json` is written last, so a publisher who is cut off has published either all or nothing.
"""

import io
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from praxisd.kernel.errors import Problem
from praxisd.services.updates import publish_files as files
from praxisd.services.updates.publish_keys import ONLINE, Keyring, role_of
from praxisd.services.updates.publish_standing import Standing, standing

LIFE_DAYS = {"root": 365, "targets": 180, "snapshot": 14, "timestamp": 7}
DELEGATED_DAYS = 180
CATALOG = "catalog.json"


@dataclass(frozen=True)
class Published:
    """What a call of `publish` did: (role, version) of what is out now, and what still waits for signatures."""

    roles: tuple[tuple[str, int], ...]
    waiting: tuple[Standing, ...]


def role_for(path: str) -> str:
    """Which role signs a target. Problem `updates.publish_path_invalid` where none does."""
    parts = path.split("/")
    if path == CATALOG:
        return "targets"
    if len(parts) == 3 and all(re.fullmatch(r"[a-z0-9][A-Za-z0-9._+-]*", one) for one in parts):
        if parts[0] == "software":
            return "software"
        if parts[0] in ("plugins", "data"):
            return f"{parts[0]}-{parts[1]}"
    raise Problem("updates.publish_path_invalid", 400, path=path)


class Repository:
    """The repository of a folder. `now` gives epoch seconds. Not safe for two programs at once."""

    def __init__(self, folder: Path, now: Callable[[], float] = time.time) -> None:
        self.folder, self.now = folder, now
        self.metadata, self.targets, self._staged = (folder / n for n in ("metadata", "targets", "staged"))

    # --- reading ---------------------------------------------------------------------------------------------------

    @property
    def exists(self) -> bool:
        """True once `init` was called, published or not."""
        return (self.metadata / "1.root.json").exists() or (self._staged / "root.json").exists()

    def require(self) -> None:
        """Problem `updates.publish_no_repository` if there is none."""
        if not self.exists:
            raise Problem("updates.publish_no_repository", 404, path=str(self.folder))

    def read(self, path: Path) -> Metadata[Any] | None:
        """A metadata file; None if it is not there. Problem `updates.publish_malformed`."""
        if not path.exists():
            return None
        try:
            return Metadata.from_bytes(files.read(path))
        except Problem:
            raise
        except Exception:
            raise Problem("updates.publish_malformed", 400, path=str(path)) from None

    def published(self, role: str) -> Metadata[Any] | None:
        """What practices have of a role now; None if nothing yet."""
        if role == "root":
            numbers = [int(one.name.split(".")[0]) for one in self.metadata.glob("[0-9]*.root.json")]
            return self.read(self.metadata / f"{max(numbers)}.root.json") if numbers else None
        stamp = self.read(self.metadata / "timestamp.json")
        if role == "timestamp" or stamp is None:
            return stamp
        shot = self.read(self.metadata / f"{stamp.signed.snapshot_meta.version}.snapshot.json")
        if role == "snapshot" or shot is None:
            return shot
        known = shot.signed.meta.get(f"{role}.json")
        return self.read(self.metadata / f"{known.version}.{role}.json") if known else None

    def staged(self, role: str) -> Metadata[Any] | None:
        """What waits for signatures, if anything. What is out already does not wait (a publisher was cut off there)."""
        found = self.read(self._staged / f"{role}.json")
        done = None if found is None else self.published(role)
        return found if done is None or (found and found.signed.version > done.signed.version) else None

    def staged_roles(self) -> list[str]:
        """Roles something waits for, root first, then targets."""
        names = [one.name.removesuffix(".json") for one in self._staged.glob("*.json")]
        found = [role for role in names if self.staged(role) is not None]
        return sorted(found, key=lambda role: (role != "root", role != "targets", role))

    def next(self, role: str) -> Metadata[Any]:
        """The staged version, else the published one. Problem `updates.publish_role_missing` if there is neither."""
        found = self.staged(role) or self.published(role)
        if found is None:
            raise Problem("updates.publish_role_missing", 404, role=role)
        return found

    def roles(self) -> list[str]:
        """The delegated roles."""
        delegations = self.next("targets").signed.delegations
        return list(delegations.roles) if delegations and delegations.roles else []

    def content(self, path: str) -> bytes | None:
        """The bytes of a target of the next version; None if it is none."""
        entry = self.next(role_for(path)).signed.targets.get(path)
        return None if entry is None else files.read(self.file(entry))

    def file(self, entry: TargetFile) -> Path:
        """Where a target lies: its hash stands before its name."""
        folder, _, name = entry.path.rpartition("/")
        return self.targets / folder / f"{entry.hashes['sha256']}.{name}"

    # --- changing --------------------------------------------------------------------------------------------------

    def expiry(self, role: str) -> datetime:
        """When something signed now runs out."""
        now = datetime.fromtimestamp(self.now(), UTC).replace(microsecond=0)
        return now + timedelta(days=LIFE_DAYS.get(role, DELEGATED_DAYS))

    def draft(self, role: str) -> Metadata[Any]:
        """A copy of the next version to change: what is staged, else what is published with the number after it."""
        waiting = self.staged(role)
        if waiting is not None:
            return waiting
        found = self.next(role)
        found.signed.version += 1
        return found

    def stage(self, role: str, draft: Metadata[Any]) -> None:
        """Let a changed role wait for signatures; those of before do not count any more."""
        draft.signed.expires = self.expiry(role)
        draft.signatures.clear()
        files.write(self._staged / f"{role}.json", draft.to_bytes())

    def put(self, path: str, data: bytes | Path, custom: dict[str, Any] | None = None) -> TargetFile:
        """Add or replace a target in the next version of its role."""
        role = role_for(path)
        draft = self.draft(role)
        source = io.BytesIO(data) if isinstance(data, bytes) else None
        try:
            if source is not None:
                entry = TargetFile.from_data(path, source, ["sha256"])
            else:
                entry = TargetFile.from_file(path, str(data), ["sha256"])
        except OSError as error:
            why = error.strerror or "-"
            raise Problem("updates.publish_unreadable", 400, path=str(data), why=why) from None
        if custom is not None:
            entry.unrecognized_fields["custom"] = custom
        place = self.file(entry)
        if not place.exists():
            files.write(place, data if isinstance(data, bytes) else files.blocks(data))
        draft.signed.targets[path] = entry
        self.stage(role, draft)
        return entry

    def drop(self, path: str) -> None:
        """Leave a target out of the next version of its role."""
        role = role_for(path)
        draft = self.draft(role)
        if draft.signed.targets.pop(path, None) is not None:
            self.stage(role, draft)

    # --- signing ---------------------------------------------------------------------------------------------------

    def standing(self, role: str) -> Standing:
        """How far the next version of an offline role is with its signatures."""
        one = self.next(role)
        waits = self.staged(role) is not None
        if role == "root":
            return standing(role, one, one.signed, self.published("root") if waits else None, waits)
        delegator = self.next("root" if role in ("targets", *ONLINE) else "targets")
        return standing(role, one, delegator.signed, None, waits)

    def sign(self, keys: Keyring, roles: Iterable[str] | None = None) -> list[Standing]:
        """Add the signatures of all keys that are here to what waits (`roles`: only to these); how far each is then.

        Problem `updates.publish_no_key_here` if there is no key here for any of them; nothing is changed then.
        """
        wanted = self.staged_roles() if roles is None else list(roles)
        signed = []
        for role in wanted:
            waiting = self.staged(role_of(role))
            if waiting is None:
                raise Problem("updates.publish_nothing_waits", 409, role=role)
            signers = [s for keyid in self._may(role) if (s := keys.signer(keyid)) is not None]
            for signer in signers:
                waiting.sign(signer, append=True)
            if signers:
                signed.append((role, waiting))
        if not signed:
            self._refuse_to_sign(wanted)
        for role, waiting in signed:  # only now: a passphrase that was wrong has stopped us before
            files.write(self._staged / f"{role}.json", waiting.to_bytes())
        return [self.standing(role) for role in wanted]

    def _refuse_to_sign(self, wanted: list[str]) -> None:
        found = [self.standing(role) for role in wanted]
        if not wanted:
            raise Problem("updates.publish_nothing_waits", 409, role="–")
        if not all(one.enough for one in found):
            names = sorted({name for one in found for name in one.missing})
            shown = ", ".join(names) or "–"
            raise Problem("updates.publish_no_key_here", 400, role=", ".join(wanted), names=shown)

    def has_online(self, keys: Keyring) -> bool:
        """True if the keys are here with which complete roles can be published."""
        roles = self.next("root").signed.roles
        return all(
            sum(keys.has(keyid) for keyid in roles[role].keyids) >= roles[role].threshold for role in ONLINE
        )

    def _may(self, role: str) -> list[str]:
        """Ids of keys whose signature counts for the next version."""
        if role == "root":
            before = self.published("root")
            both = [self.next("root"), *([before] if before is not None else [])]
            return list(dict.fromkeys(k for one in both for k in one.signed.roles["root"].keyids))
        delegator = self.next("root" if role in ("targets", *ONLINE) else "targets")
        return list(delegator.signed.get_delegated_role(role).keyids)

    # --- publishing ------------------------------------------------------------------------------------------------

    def publish(self, keys: Keyring, *, anyway: bool = False) -> Published:
        """Put out all that carries enough signatures, under a new snapshot and timestamp.

        With `anyway` these two are renewed even if nothing else is new. Problems: `updates.publish_online_keys_missing`,
        and with `anyway` `…_not_complete` where nothing was published yet and signatures are missing.
        """
        chosen = self._choose()
        if chosen is None:
            if anyway:
                self._refuse_to_publish()
            return Published((), tuple(self.standing(role) for role in self.staged_roles()))
        news = [role for role in chosen if self._is_new(role, chosen[role])]
        if not news and not anyway:
            return Published((), tuple(self.standing(role) for role in self.staged_roles()))
        root: Root = chosen["root"].signed
        signers = {role: self._online(keys, root, role) for role in ONLINE}
        out: list[tuple[Path, bytes]] = []
        shot = self._snapshot(chosen, out, bool(news), root)
        if shot is not None:
            _sign(shot, signers["snapshot"])
        before = self.published("snapshot")
        kept = shot if shot is not None else before
        assert kept is not None  # noqa: S101 - `_snapshot` makes one where there was none
        name = f"{kept.signed.version}.snapshot.json"
        body = kept.to_bytes() if shot is not None else files.read(self.metadata / name)
        if shot is not None:
            out.append((self.metadata / name, body))
        stamp = self._timestamp(kept.signed.version, body)
        _sign(stamp, signers["timestamp"])
        out.append((self.metadata / "timestamp.json", stamp.to_bytes()))
        for path, data in out:
            files.write(path, data)
        for role in news:
            (self._staged / f"{role}.json").unlink(missing_ok=True)
        made = [(role, chosen[role].signed.version) for role in news]
        made += [("snapshot", shot.signed.version)] if shot is not None else []
        made += [("timestamp", stamp.signed.version)]
        return Published(tuple(made), tuple(self.standing(role) for role in self.staged_roles()))

    def _refuse_to_publish(self) -> None:
        for role in (*self.staged_roles(), "root"):
            one = self.standing(role)
            if not one.enough:
                names = ", ".join(one.missing) or "–"
                raise Problem(
                    "updates.publish_not_complete", 409, role=role, have=one.have, need=one.need, names=names
                )

    def _is_new(self, role: str, one: Metadata[Any]) -> bool:
        waiting = self.staged(role)
        return waiting is not None and waiting.signed.version == one.signed.version

    def _choose(self) -> dict[str, Metadata[Any]] | None:
        """The newest state in which every role carries enough signatures; None if there is no such state."""
        before = self.published("root")
        for root in filter(None, (self.staged("root"), before)):
            is_next = before is None or root.signed.version != before.signed.version
            if not standing("root", root, root.signed, before if is_next else None, is_next).enough:
                continue
            for targets in filter(None, (self.staged("targets"), self.published("targets"))):
                if not standing("targets", targets, root.signed, None, False).enough:
                    continue
                found = self._choose_delegated(targets)
                if found is not None:
                    return {"root": root, "targets": targets, **found}
        return None

    def _choose_delegated(self, targets: Metadata[Any]) -> dict[str, Metadata[Any]] | None:
        delegations = targets.signed.delegations
        chosen: dict[str, Metadata[Any]] = {}
        for role in delegations.roles if delegations and delegations.roles else ():
            for one in filter(None, (self.staged(role), self.published(role))):
                if standing(role, one, targets.signed, None, False).enough:
                    chosen[role] = one
                    break
            else:
                return None
        return chosen

    def _online(self, keys: Keyring, root: Root, role: str) -> list[Any]:
        wanted = root.roles[role]
        found = [one for keyid in wanted.keyids if (one := keys.signer(keyid)) is not None]
        if len(found) < wanted.threshold:
            raise Problem("updates.publish_online_keys_missing", 400, role=role)
        return found

    def _snapshot(
        self, chosen: dict[str, Metadata[Any]], out: list[tuple[Path, bytes]], news: bool, root: Root
    ) -> Metadata[Any] | None:
        """The next snapshot; None if that of now still does. `out` gets the files it names, in the order of writing."""
        before = self.published("snapshot")
        half = timedelta(days=LIFE_DAYS["snapshot"] / 2)
        if before is not None and not news:
            left = before.signed.expires - datetime.fromtimestamp(self.now(), UTC)
            if left > half and standing("snapshot", before, root, None, False).enough:
                return None
        meta = (
            {} if before is None else dict(before.signed.meta)
        )  # what was named once must be named for ever
        for role, one in chosen.items():
            if not self._is_new(role, one):
                continue
            data = files.read(self._staged / f"{role}.json")
            out.append((self.metadata / f"{one.signed.version}.{role}.json", data))
            if role != "root":
                meta[f"{role}.json"] = _described(one.signed.version, data)
        version = 1 if before is None else before.signed.version + 1
        return Metadata(Snapshot(version=version, expires=self.expiry("snapshot"), meta=meta))

    def _timestamp(self, version: int, snapshot: bytes) -> Metadata[Any]:
        before = self.published("timestamp")
        number = 1 if before is None else before.signed.version + 1
        meta = _described(version, snapshot)
        return Metadata(Timestamp(version=number, expires=self.expiry("timestamp"), snapshot_meta=meta))


def _described(version: int, data: bytes) -> MetaFile:
    return MetaFile(version, len(data), {"sha256": sha256(data).hexdigest()})


def _sign(one: Metadata[Any], signers: Iterable[Any]) -> None:
    for signer in signers:
        one.sign(signer, append=True)


def empty(repository: Repository, role: str) -> Metadata[Any]:
    """A role without any target."""
    return Metadata(Targets(version=1, expires=repository.expiry(role)))
