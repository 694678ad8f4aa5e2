"""What every source of the backups must keep (promises 1-4 of `backups/source.py`), whatever it copies.

A test module makes a `Case` (a source with something in it, and how to look at it) and inherits the suite:

class TestSqlite(SourceSuite):
    @pytest.fixture
    def case(self, tmp_path: Path) -> Case: ...
"""

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import xxhash

from praxisd.services.backups import source as codes
from praxisd.services.backups.engine import Progress, Stop
from praxisd.services.backups.source import Source, SourceFault, Staged
from praxisd.services.backups.sources.places import restored
from praxisd.testing.engine_suite import never, picture, quiet

STOP_S = 10.0
"""A run that is asked to end has ended by then, also on a slow machine. Seconds."""


@dataclass
class Case:
    """A source and what stands behind it.

    `look()`: all that stands there, to compare before and after. `gone()` takes it away. `secret` must be seen nowhere.
    """

    source: Source
    folder: Path
    look: Callable[[], object]
    gone: Callable[[], None]
    secret: str = ""

    def staging(self) -> Path:
        """A new, empty folder of ours."""
        top = self.folder / f"staging-{time.monotonic_ns()}"
        top.mkdir(mode=0o700)
        return top

    def stage(self, *, progress: Progress = quiet, stop: Stop = never) -> Staged:
        """Bring it."""
        return self.source.stage(self.staging(), progress=progress, stop=stop)


def give_back(staged: Staged, into: Path) -> Path:
    """Lay what was staged below `into` as an engine's restore does: under its whole paths."""
    for path in staged.paths:
        there = restored(into, path)
        there.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, there, symlinks=True, ignore=_special, dirs_exist_ok=True)
        else:
            shutil.copy2(path, there, follow_symlinks=False)
    return into


def digest_of(data: bytes, like: str) -> str:
    """As a manifest has it, of the kind of `like`, by other calls than those that are tried."""
    fast = like.startswith("xxh3:")
    return f"xxh3:{xxhash.xxh3_128_hexdigest(data)}" if fast else hashlib.sha256(data).hexdigest()


def _special(folder: str, names: list[str]) -> set[str]:
    """No copy holds a pipe or a socket."""
    whole = {name: os.path.join(folder, name) for name in names}
    return {n for n, p in whole.items() if not (os.path.isfile(p) or os.path.isdir(p) or os.path.islink(p))}


def fault(work: Callable[[], object], *expected: str) -> SourceFault:
    """The fault that this raises, with one of these codes."""
    with pytest.raises(SourceFault) as caught:
        work()
    assert caught.value.code in expected, (caught.value.code, caught.value.detail)
    assert caught.value.code in codes.CODES
    return caught.value


class SourceSuite:
    """The promises, one by one. Where every byte has a digest, counts need no proof of their own (`counts_are_proved`)."""

    counts_are_proved = True

    @pytest.fixture
    def case(self, tmp_path: Path) -> Case:
        """Made by the module that tries a source."""
        raise LookupError(f"no source for {tmp_path}")

    def test_what_it_brings_is_whole_and_can_be_proved(self, case: Case, tmp_path: Path) -> None:
        assert case.source.refuse() is None
        before = case.look()
        seen: list[tuple[int, int]] = []
        staged = case.stage(progress=lambda done, whole: seen.append((done, whole)))
        assert case.look() == before, "nothing of the source is changed"
        assert staged.named == () and case.source.since(staged) == ()
        assert seen and seen[-1][0] > 0 and all(done <= whole for done, whole in seen if whole)
        assert staged.paths and all(path.is_absolute() and path.exists() for path in staged.paths)
        assert staged.hashes and staged.counts and staged.facts
        for path, digest in staged.hashes.items():
            assert digest == digest_of(Path(path).read_bytes(), like=digest)
        assert case.source.proven(give_back(staged, tmp_path / "back"), staged) == []

    def test_a_copy_that_is_not_the_same_is_not_proved(self, case: Case, tmp_path: Path) -> None:
        staged = case.stage()
        path = max(staged.hashes, key=lambda one: os.stat(one).st_size)
        back = give_back(staged, tmp_path / "back")
        file = restored(back, path)
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
        assert case.source.proven(back, staged)
        file.unlink()
        assert case.source.proven(back, staged)

    def test_other_counts_are_named(self, case: Case, tmp_path: Path) -> None:
        staged = case.stage()
        most = max(staged.counts, key=lambda one: staged.counts[one])
        other = replace(staged, counts={**staged.counts, most: staged.counts[most] + 1})
        told = case.source.proven(give_back(staged, tmp_path / "back"), other)
        assert bool(told) == self.counts_are_proved

    def test_it_ends_when_it_is_asked_to(self, case: Case) -> None:
        began = time.monotonic()
        fault(lambda: case.stage(stop=lambda: True), codes.STOPPED)
        assert time.monotonic() - began < STOP_S

    def test_twice_the_same(self, case: Case) -> None:
        assert case.stage().counts == case.stage().counts

    def test_what_is_gone_is_named_and_no_secret_is_told(self, case: Case) -> None:
        case.gone()
        told = fault(case.stage, codes.NOT_THERE, codes.REFUSED, codes.PROGRAM)
        if case.secret:
            assert case.secret not in f"{told!r} {told.detail} {case.source!r} {told.__context__!r}"


__all__ = ["Case", "SourceSuite", "digest_of", "fault", "give_back", "picture"]
