"""A long answer read in pieces: downloads that are larger than memory, and that go on where they were cut.

Used through `Http.stream`. Whoever reads decides how much is enough; a server that goes silent, or brings next to nothing
for minutes, is given up, so that nobody can hold a job for ever.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from praxisd.kernel.outside import AnswerLate, AnswerLost, Outside

PIECE = 262_144
"""A piece is so long at most. Bytes."""
PATIENCE_S = 30.0
"""So long a server may be silent between two pieces. Seconds."""
LEAST_RATE, LEAST_AFTER_S = 100, 60.0
"""After so many seconds a server must have brought this much on average. Bytes per second."""


@dataclass(frozen=True, slots=True)
class HttpStream:
    """An answer whose body has yet to be read. Names of headers are lower case; of repeated ones the last counts."""

    status: int
    headers: Mapping[str, str]
    _answer: Any
    _outside: Outside
    _broken: tuple[type[Exception], ...]
    _patience_s: float = PATIENCE_S

    def pieces(self) -> Iterator[bytes]:
        """The body, piece by piece. `AnswerLost` where it breaks off; `AnswerLate`, one of them, where it comes too slowly."""
        begun, read = time.monotonic(), 0
        while True:
            try:
                piece = self._outside.run(self._answer.content.read(PIECE), self._patience_s)
            except TimeoutError:
                raise AnswerLate from None
            except self._broken:
                raise AnswerLost from None
            if not piece:
                return
            read += len(piece)
            took = time.monotonic() - begun
            if took > LEAST_AFTER_S and read < took * LEAST_RATE:
                raise AnswerLate
            yield piece

    def close(self) -> None:
        """Let go of the connection, read to its end or not."""
        self._outside.loop.call_soon_threadsafe(self._answer.close)
