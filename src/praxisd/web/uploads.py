"""Bodies that are files: written to disk piece by piece as they come, never held in memory (`Route.upload`)."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.kernel.errors import Problem
from praxisd.web import writes
from praxisd.web.answers import Sent
from praxisd.web.request import Request, too_large

if TYPE_CHECKING:
    from praxisd.kernel.service import Call, Route
    from praxisd.web.door import Door

FOLDER = "uploads"
"""Below the data folder. What a killed server left in it goes when it starts again, at the latest with the next upload."""
TYPES = ("application/zip", "application/octet-stream")
LONGEST_S = 3_600.0
"""A file has to be here after so long; between two pieces it is `request.BODY_PATIENCE_S`. Seconds."""
_WRITE = 1 << 20
_mine: set[Path] = set()


async def receive(door: "Door", route: "Route", request: Request, call: "Call") -> Sent:
    """Take the body into a file, run the operation with its path as `call.body`, delete the file.

    Raises 413 beyond what the operation allows, 415 for another media type, 408 when it comes too slowly.
    """
    if route.upload is None:
        raise RuntimeError("this operation takes no file")
    allowed = route.upload
    media = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
    if media not in TYPES or (request.header(b"content-encoding") or "identity").lower() != "identity":
        raise Problem("http.unsupported_media_type", 415, headers={"Connection": "close"})
    limit = await door.in_thread(lambda: allowed(call))
    announced = request.header(b"content-length") or "0"
    if announced.isdigit() and int(announced[:18]) > limit:
        raise too_large(limit, close=True)
    file = await door.in_thread(lambda: _place(door.house.folder, request.id))
    try:
        async with asyncio.timeout(LONGEST_S):
            await _into(request, file, limit)
        whole = replace(call, body=file)
        return await door.in_thread(lambda: writes.perform(route, whole, None, _raised))
    except TimeoutError:
        raise Problem("http.body_timeout", 408, headers={"Connection": "close"}) from None
    finally:
        _mine.discard(file)
        await asyncio.get_running_loop().run_in_executor(None, lambda: file.unlink(missing_ok=True))


def _raised(problem: Problem) -> Sent:
    raise problem


def tidy(data: Path) -> None:
    """Delete what was left: whole files of patients may be among it. OSError as the disk says."""
    folder = data / FOLDER
    for left in folder.iterdir() if folder.is_dir() else ():
        if left not in _mine:
            left.unlink(missing_ok=True)


def _place(data: Path, id_: str) -> Path:
    folder = data / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    tidy(data)
    file = folder / id_
    _mine.add(file)
    file.touch(mode=0o600)
    return file


async def _into(request: Request, file: Path, limit: int) -> None:
    loop, size, waiting = asyncio.get_running_loop(), 0, bytearray()
    with file.open("wb") as out:
        async for piece in request.pieces():
            size += len(piece)
            if size > limit:
                raise too_large(limit, close=True)
            waiting += piece
            if len(waiting) >= _WRITE:
                await loop.run_in_executor(None, out.write, bytes(waiting))
                waiting.clear()
        await loop.run_in_executor(None, out.write, bytes(waiting))
