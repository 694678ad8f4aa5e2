"""Answers that lie in a file: sent piece by piece, whole and with their length, and the file is gone afterwards."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel.service import Filed
from praxisd.web.answers import PIECE, SentFile, deliver, finish


class Asked:
    """As much of a request as an answer looks at."""

    method, id = "POST", "r1"


def filed(tmp_path: Path, size: int) -> Filed:
    file = tempfile.TemporaryFile(dir=tmp_path)  # noqa: SIM115
    file.write(b"head" + bytes(range(256)) * (size // 256))
    file.seek(4)
    return Filed(file, "text/csv", {"X-Praxisd-Records": "7"})  # type: ignore[arg-type]


def test_it_comes_in_pieces_with_its_length(tmp_path: Path) -> None:
    size = 3 * PIECE + 512
    told = filed(tmp_path, size)
    messages: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    sent = finish(told, 200)
    assert isinstance(sent, SentFile)
    assert asyncio.run(deliver(Asked(), sent, send)) == 200  # type: ignore[arg-type]
    head, *pieces = messages
    headers = dict(head["headers"])
    assert (headers[b"content-length"], headers[b"content-type"]) == (b"%d" % size, b"text/csv")
    assert headers[b"x-praxisd-records"] == b"7" and headers[b"cache-control"] == b"no-store"
    assert b"".join(one["body"] for one in pieces) == bytes(range(256)) * (size // 256)
    assert max(len(one["body"]) for one in pieces) == PIECE
    assert [one.get("more_body", False) for one in pieces] == [True] * 4 + [False]
    assert told.file.closed and list(tmp_path.iterdir()) == []


def test_who_hangs_up_leaves_no_file_behind(tmp_path: Path) -> None:
    told = filed(tmp_path, 2 * PIECE)
    count = 0

    async def send(_: dict[str, Any]) -> None:
        nonlocal count
        count += 1
        if count == 2:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        asyncio.run(deliver(Asked(), finish(told, 200), send))  # type: ignore[arg-type]
    assert told.file.closed and list(tmp_path.iterdir()) == []
