"""A repository that can be attacked, a client's folders and its clock, and what "refused" means: nothing new on disk."""

from collections.abc import Callable
from pathlib import Path

import pytest

from praxisd.testing.tuf_repository import WHEN
from praxisd.testing.tuf_stock import stocked
from praxisd_guard.faults import CODES, TrustFault
from praxisd_guard.trust import Trust
from praxisd_guard.trust_offers import Offer


class World:
    """A repository that has published state 1, the client's folders, and its clock."""

    def __init__(self, folder: Path) -> None:
        self.repository = stocked("1.0", "1.1")
        self.root = self.repository.files["metadata/1.root.json"]
        self.trusted, self.packages, self.kept = folder / "trust", folder / "packages", folder / "seen"
        self.work = folder / "work"
        self.packages.mkdir()
        self.work.mkdir()
        self.time = WHEN.timestamp()

    def trust(self) -> Trust:
        return Trust(self.trusted, self.root, self.repository, now=lambda: self.time, keep=self.kept)

    def warm(self) -> None:
        one = self.trust()
        one.refresh()
        assert [o.version for o in one.offers("praxisd")] == ["1.1", "1.0"]

    def disk(self) -> dict[str, bytes]:
        folders = (self.trusted, self.packages, self.kept)
        return {
            str(f): f.read_bytes() for folder in folders for f in sorted(folder.rglob("*")) if f.is_file()
        }

    def refused(self, code: str, act: Callable[[Trust], object], *, roots: int = 0) -> TrustFault:
        """`act` ends with this code; on disk nothing is new but so many roots of the trusted chain."""
        before = self.disk()
        with pytest.raises(TrustFault) as caught:
            act(self.trust())
        after = self.disk()
        new = {name for name in after if after[name] != before.get(name)}
        assert before.keys() <= after.keys()
        assert [name for name in new if "root_history" not in name] == [] and len(new) == roots
        assert caught.value.code == code and caught.value.text == f"updates.{code}"
        assert code in CODES
        return caught.value


def look(trust: Trust) -> None:
    trust.refresh()


def ask(trust: Trust) -> list[Offer]:
    return trust.offers("praxisd")
