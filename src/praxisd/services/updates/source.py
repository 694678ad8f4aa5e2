"""Where updates come from: a repository behind an address of the web, or a folder (a USB stick, a share)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from praxisd.kernel import http
from praxisd.kernel.outside import AnswerLost, NotSent
from praxisd.services.updates import settings
from praxisd_guard.faults import Missing, OffsetRefused, Unreachable
from praxisd_guard.sources import FolderSource, Source

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.http_stream import HttpStream

_GONE = (403, 404, 410)
_RANGE = re.compile(r"bytes ([0-9]{1,18})-")


class HttpSource:
    """A repository behind `address`; its files are asked for through the house's own way out (proxy, certificates)."""

    def __init__(
        self, client: http.Http, address: str, *, timeout_s: float = 20.0, patience_s: float = 30.0
    ) -> None:
        self._client = client
        self._address = address.rstrip("/")
        self._timeout_s = timeout_s
        self._patience_s = patience_s

    @contextmanager
    def open(self, path: str, offset: int = 0) -> Iterator[Iterator[bytes]]:
        """See `Source.open`."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        try:
            with self._client.stream(
                f"{self._address}/{quote(path, safe='/%')}",
                headers=headers,
                timeout_s=self._timeout_s,
                patience_s=self._patience_s,
            ) as answer:
                if answer.status in _GONE:
                    raise Missing(path)
                if offset and not _goes_on(answer, offset):
                    raise OffsetRefused(path)
                if answer.status not in (200, 206):
                    raise Unreachable(f"{answer.status}")
                yield _pieces(answer)
        except NotSent as error:
            raise Unreachable(error.why) from None
        except AnswerLost:
            raise Unreachable("lost") from None


def _goes_on(answer: "HttpStream", offset: int) -> bool:
    """Does the answer begin at `offset`? False for one that begins at 0 or refuses; a failure of the server is neither."""
    if answer.status in (200, 416):
        return False
    found = _RANGE.match(answer.headers.get("content-range", ""))
    return answer.status != 206 or (found is not None and int(found[1]) == offset)


def _pieces(answer: "HttpStream") -> Iterator[bytes]:
    try:
        yield from answer.pieces()
    except AnswerLost:
        raise Unreachable("lost") from None


def of(house: "House", address: str) -> Source:
    """The repository of the setting `updates.url`."""
    if settings.is_folder(address):
        return FolderSource(Path(address))
    return HttpSource(http.client(house), address)
