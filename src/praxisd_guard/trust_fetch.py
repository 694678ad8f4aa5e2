"""Brings one offer's file to disk: by a patch if one fits, else whole; nothing stays of what was refused."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from praxisd_guard import faults, patch
from praxisd_guard.durable import sync_folder
from praxisd_guard.faults import TrustFault
from praxisd_guard.resume import Wanted, clear, digest, pull, room
from praxisd_guard.sources import Source
from praxisd_guard.trust_offers import Offer
from praxisd_guard.trust_reasons import no_space


@dataclass(frozen=True, slots=True)
class Fetch:
    """What to fetch from where, and who is told."""

    source: Source
    offer: Offer
    full: Wanted
    into: Path
    progress: Callable[[int, int], None]
    stop: Callable[[], bool]

    def beside(self, ending: str) -> Path:
        """A file beside the goal."""
        return self.into.with_name(f"{self.into.name}.{ending}")


def fetch(job: Fetch, old: Path | None, wanted: Callable[[str], Wanted]) -> Path:
    """See `Trust.fetch`; `wanted` looks up a patch's target."""
    if job.into.is_file() and digest(job.into) == job.offer.plain_sha256:
        job.progress(job.offer.plain_size, job.offer.plain_size)
        return job.into
    job.into.parent.mkdir(parents=True, exist_ok=True)
    try:
        if old is not None and old.is_file() and _patched(job, old, wanted):
            return job.into
        _whole(job)
    except OSError as fault:
        clear(job.beside("new"))
        full = no_space(fault)
        if full is None:
            raise
        clear(job.beside("part"), job.beside("patch"))
        raise full from fault
    return job.into


def _patched(job: Fetch, old: Path, wanted: Callable[[str], Wanted]) -> bool:
    """True if a patch led to the signed file; a patch that does not is forgotten."""
    if not patch.fits(old.stat().st_size, job.offer.plain_size) or not job.offer.patches:
        return False
    have = digest(old)
    for one in job.offer.patches:
        if one.source != have:
            continue
        part, draft = job.beside("patch"), job.beside("new")
        try:
            target = wanted(one.target)
            if target.length >= job.full.length:
                continue
            pull(job.source, target, part, job.progress, job.stop)
            patch.apply(old, part, draft, job.offer.plain_size)
            _settle(job, draft)
        except TrustFault as fault:
            if fault.code == faults.NO_SPACE:
                raise
            clear(part, draft)
            continue
        clear(part, job.beside("part"))
        return True
    return False


def _whole(job: Fetch) -> None:
    part, draft = job.beside("part"), job.beside("new")
    packed = job.offer.unpacked_sha256 is not None
    if packed:
        room(job.into.parent, job.full.length + job.offer.plain_size)
    pull(job.source, job.full, part, job.progress, job.stop)
    if not packed:
        part.replace(job.into)
        sync_folder(job.into.parent)
        return
    try:
        patch.unpack(part, draft, job.offer.plain_size)
        _settle(job, draft)
    finally:
        clear(part, draft)


def _settle(job: Fetch, draft: Path) -> None:
    """The draft becomes the file, if it is the signed one."""
    if digest(draft) != job.offer.plain_sha256:
        draft.unlink(missing_ok=True)
        raise TrustFault(faults.TAMPERED, file=job.offer.target)
    draft.replace(job.into)
    sync_folder(job.into.parent)
