"""One look at a repository: python-tuf works in a copy of the trusted metadata, and only what was accepted comes back.

So a refusal changes nothing on disk, except that newer roots of an unbroken chain are kept, as TUF wants.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.api.metadata import Metadata, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient import Updater

from praxisd_guard.durable import sync_file, sync_folder
from praxisd_guard.resume import clear
from praxisd_guard.sources import Source
from praxisd_guard.trust_fetcher import BASE, Fetcher
from praxisd_guard.trust_reasons import TOP, reason

HISTORY = "root_history"
_ORDER = (Timestamp.type, Snapshot.type, Targets.type)
OLD_KEPT = 5
"""Versions of a role that stay in the copy for the guard: it may be reading while the next one comes."""


class Stage:
    """The copy, python-tuf's updater over it, and the way back."""

    def __init__(self, live: Path, root: bytes, source: Source, now: float) -> None:
        """`live` holds the trusted metadata. Raises TrustFault where `root` is no root."""
        self.live = live
        self.fetcher = Fetcher(source)
        self.path = live
        with self._explained():
            self._copy = tempfile.TemporaryDirectory(prefix="praxisd-trust-")
            self.path = Path(self._copy.name)
            for file in _files(live):
                goal = self.path / file.relative_to(live)
                goal.parent.mkdir(exist_ok=True)
                shutil.copyfile(file, goal)
            self.updater = Updater(str(self.path), f"{BASE}metadata/", fetcher=self.fetcher, bootstrap=root)
        # The one place where python-tuf takes no clock; its own tests set the time the same way.
        self.updater._trusted_set.reference_time = datetime.fromtimestamp(now, UTC)

    def refresh(self) -> None:
        """Top-level metadata. Raises TrustFault."""
        try:
            with self._explained():
                self.updater.refresh()
        except BaseException:
            with contextlib.suppress(
                OSError
            ):  # then they are fetched again; why it was refused is more important
                self.keep(roots_only=True)
            raise

    def target(self, path: str) -> TargetFile | None:
        """What the signed metadata say about a target; none if nobody who may lists it. Raises TrustFault."""
        with self._explained():
            return self.updater.get_targetinfo(path)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except Exception as fault:
            found = reason(fault, self.fetcher, self.path)
            if found is None:
                raise
            raise found from fault

    def keep(self, *, roots_only: bool = False) -> None:
        """Bring what was accepted into `live`, oldest link of the chain first. Raises OSError.

        All of it is on the disk before the first name changes: a full disk changes nothing.
        """
        drafts: list[tuple[Path, Path]] = []
        try:
            for file in _files(self.path):
                name = file.relative_to(self.path)
                goal, data = self.live / name, file.read_bytes()
                if roots_only and name.parts[0] != HISTORY:
                    continue
                if not goal.is_file() or goal.read_bytes() != data:
                    goal.parent.mkdir(parents=True, exist_ok=True)
                    drafts.append((goal.with_name(f".{goal.name}.new"), goal))
                    drafts[-1][0].write_bytes(data)
                    sync_file(drafts[-1][0])
        except OSError:
            clear(*(draft for draft, _ in drafts))
            raise
        for draft, goal in drafts:
            draft.replace(goal)
        for folder in {goal.parent for _, goal in drafts}:
            sync_folder(folder)

    @property
    def root(self) -> Root:
        """The root in force."""
        return Metadata[Root].from_file(str(self.path / "root.json")).signed

    def roles(self) -> dict[str, list[str]]:
        """Delegated roles of the top-level targets and the paths they may sign."""
        targets = Metadata[Targets].from_file(str(self.path / "targets.json")).signed
        given = targets.delegations.roles if targets.delegations and targets.delegations.roles else {}
        return {name: list(role.paths or ()) for name, role in given.items()}

    def visit(self, role: str) -> None:
        """Load a delegated role if that works: by asking for a path that only it could sign."""
        for pattern in self.roles().get(role, ())[:1]:
            with contextlib.suppress(RepositoryError, DownloadError):
                self.updater.get_targetinfo(pattern.replace("*", "-"))

    def visit_all(self) -> None:
        """Load all delegated roles that can be: for a copy that is complete."""
        for role in self.roles():
            self.visit(role)

    def claims(self, path: str) -> str | None:
        """A role that lists this target without having a right to it."""
        self.visit_all()
        for role in self.roles():
            file = self.path / f"{role}.json"
            if file.is_file() and path in Metadata[Targets].from_file(str(file)).signed.targets:
                return role
        return None

    def export(self, folder: Path) -> None:
        """Write the accepted metadata as a repository, for the guard's own look; timestamp last. Raises OSError.

        Not flushed to the disk: after a power cut it is made anew with the next refresh.
        """
        goal = folder / "metadata"
        goal.mkdir(parents=True, exist_ok=True)
        consistent = self.root.consistent_snapshot
        for file in reversed(_files(self.path)):
            name = file.name
            if consistent and file.parent == self.path and name != "timestamp.json":
                role, version = file.stem, Metadata.from_file(str(file)).signed.version
                name = f"{version}.{name}"
                for old in goal.glob(f"*.{role}.json"):
                    if 0 < _version(old) <= version - OLD_KEPT:
                        old.unlink(missing_ok=True)
            data = file.read_bytes()
            if not (goal / name).is_file() or (goal / name).read_bytes() != data:
                draft = goal / f".{name}.new"
                draft.write_bytes(data)
                draft.replace(goal / name)

        self._older_roots(goal)

    def _older_roots(self, goal: Path) -> None:
        """Roots before the shipped one, for a guard that was founded with an older one; it checks the chain itself."""
        for version in range(min(_version(file) for file in goal.glob("*.root.json")) - 1, 0, -1):
            try:
                data = self.fetcher.download_bytes(
                    f"{BASE}metadata/{version}.root.json", self.updater.config.root_max_length
                )
            except DownloadError:
                return
            (goal / f"{version}.root.json").write_bytes(data)

    def close(self) -> None:
        """Remove the copy."""
        self._copy.cleanup()


def _files(folder: Path) -> list[Path]:
    """Metadata in the order in which they are accepted: roots, timestamp, snapshot, targets, delegated roles."""
    roots = sorted((folder / HISTORY).glob("*.root.json"), key=_version)
    top = [folder / f"{role}.json" for role in _ORDER]
    others = sorted(f for f in folder.glob("*.json") if f.stem not in TOP and not f.name.startswith("."))
    return [*roots, *(f for f in top if f.is_file()), *others]


def _version(file: Path) -> int:
    number = file.name.partition(".")[0]
    return int(number) if number.isdigit() else 0
