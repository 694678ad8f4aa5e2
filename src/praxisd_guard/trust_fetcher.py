"""python-tuf's fetcher over a `Source`; it remembers what came last, so that a refusal can be explained."""

import time
from collections.abc import Iterator
from urllib.parse import unquote

from tuf.api.exceptions import DownloadHTTPError, SlowRetrievalError
from tuf.ngclient.fetcher import FetcherInterface

from praxisd_guard.faults import Missing, Unreachable
from praxisd_guard.sources import Source

BASE = "repository:/"
METADATA_S = 120
"""A metadata file (at most 5 MB) that takes longer than this many seconds is given up."""


class Fetcher(FetcherInterface):
    """Addresses are `repository:/metadata/…`: what follows BASE is the source's path."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.path = ""
        self.data = b""
        self.count = 0

    def _fetch(self, url: str) -> Iterator[bytes]:
        self.path, self.data = url.removeprefix(BASE), b""
        self.count += 1
        return self._pieces(self.path)

    def _pieces(self, path: str) -> Iterator[bytes]:
        until = time.monotonic() + METADATA_S
        try:
            with self.source.open(path) as pieces:
                for piece in pieces:
                    yield piece
                    if path.startswith("metadata/") and time.monotonic() > until:
                        raise SlowRetrievalError(path)
        except Missing as fault:
            raise DownloadHTTPError(path, 404) from fault
        except Unreachable as fault:
            raise SlowRetrievalError(path) from fault

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """As python-tuf's, and keep the bytes for `role` and `data`."""
        self.data = super().download_bytes(url, max_length)
        return self.data

    @property
    def role(self) -> str:
        """The role whose file was asked for last: `metadata/7.data-drugs.json` is of `data-drugs`."""
        name = self.path.rpartition("/")[2].removesuffix(".json")
        version, dot, rest = name.partition(".")
        return unquote(rest if dot and version.isdigit() else name)
