"""Trust in a repository: what it offers, fetched and checked; everything refused is a `TrustFault`.

A thin wrap around python-tuf's `ngclient`, which does all of TUF's checking. Added here: a code per kind of refusal,
nothing kept of what was refused, a mark against a clock set back, resume, patches, and a copy for the guard.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from tuf.api.metadata import TargetFile

from praxisd_guard import faults, trust_fetch, trust_offers
from praxisd_guard.clockmark import ClockMark
from praxisd_guard.faults import TrustFault
from praxisd_guard.resume import Wanted, digest, never, nothing, small
from praxisd_guard.sources import Source
from praxisd_guard.trust_offers import CATALOG, Element, Offer
from praxisd_guard.trust_reasons import no_space
from praxisd_guard.trust_stage import Stage

LIST_MOST = 5_000_000
"""Bytes of a catalog or an index at most."""


class Trust:
    """The view of one repository; the methods may be called from several threads.

    `folder` keeps the trusted metadata and the clock mark, `root` is the shipped root.json, `source` the repository.
    `keep`: a folder in which the accepted metadata are also put as a repository of their own (`FolderSource`), so
    that the guard can check an order with its own eyes and without a network.
    """

    def __init__(
        self,
        folder: Path,
        root: bytes,
        source: Source,
        *,
        now: Callable[[], float] = time.time,
        keep: Path | None = None,
    ) -> None:
        self.folder = folder
        self.root = root
        self.source = source
        self.now = now
        self.copy = keep
        self.clock = ClockMark(folder)
        self._lock = threading.RLock()
        self._stage: Stage | None = None

    def refresh(self) -> None:
        """Look at the repository anew. Raises TrustFault; then nothing is kept but newer roots of an unbroken chain."""
        with self._lock:
            now = self.now()
            self.clock.check(now)
            if self._stage is not None:
                self._stage.close()
                self._stage = None
            stage = Stage(self.folder / "metadata", self.root, self.source, now)
            try:
                stage.refresh()
                if self.copy is not None:
                    stage.visit_all()
                self._accept(stage, now)
            except BaseException:
                stage.close()
                raise
            self._stage = stage

    def elements(self) -> list[Element]:
        """What can be subscribed to, from `catalog.json`. Raises TrustFault."""
        with self._lock:
            return trust_offers.elements(self._small(CATALOG))

    def offers(self, element: str) -> list[Offer]:
        """The versions of an element, newest first. Raises TrustFault: also if one line of the index is not true."""
        with self._lock:
            found = next((one for one in self.elements() if one.name == element), None)
            if found is None:
                raise TrustFault(faults.NOT_FOUND, element=element)
            lines = trust_offers.listed(found, self._small(found.index))
            return [
                trust_offers.agreed(found, line, trust_offers.offer(self._target(line.target), line.patches))
                for line in lines
            ]

    def fetch(
        self,
        offer: Offer,
        into: Path,
        *,
        old: Path | None = None,
        progress: Callable[[int, int], None] = nothing,
        stop: Callable[[], bool] = never,
    ) -> Path:
        """Bring the offer's plain file (unpacked where it is a `.zst`) to `into`, which is replaced at the end.

        `old` is the plain file of an older version: if a patch leads from it, only that is fetched, and the result
        must have the signed hash, else the full file is taken. `progress(done, total)` counts bytes of the download
        in course. Goes on with `<into>.part`. Raises TrustFault and `Stopped`.
        """
        with self._lock:
            signed = trust_offers.offer(self._target(offer.target), offer.patches)
            if signed != offer:
                raise TrustFault(faults.MIXED, retry=True, file=offer.target)
            full = self._wanted(self._target(offer.target))
        return trust_fetch.fetch(
            trust_fetch.Fetch(self.source, signed, full, into, progress, stop), old, self._patch_wanted
        )

    def check(self, target: str, file: Path) -> Offer:
        """The offer that this file is: the target itself, or what was unpacked from it. Raises TrustFault."""
        with self._lock:
            found = trust_offers.offer(self._target(target))
        try:
            same = digest(file) in (found.sha256, found.plain_sha256)
        except FileNotFoundError as fault:
            raise TrustFault(faults.NOT_FOUND, file=target) from fault
        if not same:
            raise TrustFault(faults.TAMPERED, file=target)
        return found

    def close(self) -> None:
        """Let go of the working copy (it also goes with the object)."""
        with self._lock:
            if self._stage is not None:
                self._stage.close()
                self._stage = None

    def _patch_wanted(self, target: str) -> Wanted:
        with self._lock:
            return self._wanted(self._target(target))

    def _target(self, path: str) -> TargetFile:
        if self._stage is None:
            self.refresh()
        stage = self._stage
        assert stage is not None  # noqa: S101
        before = stage.fetcher.count
        found = stage.target(path)
        if found is None:
            claimed = stage.claims(path)
            if claimed is not None:
                raise TrustFault(faults.WRONG_KEY, role=claimed, file=path)
            raise TrustFault(faults.NOT_FOUND, file=path)
        if stage.fetcher.count != before:
            self._accept(stage, None)
        return found

    def _accept(self, stage: Stage, now: float | None) -> None:
        """Keep what the stage accepted, in the folder and in the copy."""
        try:
            stage.keep()
            if now is not None:
                self.clock.raise_to(now)
            if self.copy is not None:
                stage.export(self.copy)
        except OSError as fault:
            full = no_space(fault)
            if full is None:
                raise
            raise full from fault

    def _wanted(self, target: TargetFile) -> Wanted:
        """Where the target lies and what it must be."""
        if "sha256" not in target.hashes:
            raise TrustFault(faults.MALFORMED, file=target.path)
        stage = self._stage
        assert stage is not None  # noqa: S101
        folder, slash, name = target.path.rpartition("/")
        if stage.root.consistent_snapshot:
            name = f"{next(iter(target.hashes.values()))}.{name}"
        return Wanted(f"targets/{folder}{slash}{name}", target.path, target.length, target.hashes["sha256"])

    def _small(self, path: str) -> bytes:
        target = self._target(path)
        if target.length > LIST_MOST:
            raise TrustFault(faults.ENDLESS, file=path, length=target.length)
        return small(self.source, self._wanted(target))
