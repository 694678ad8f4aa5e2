"""zstd: patches between two files (the old one as prefix), and packing; streams, with limits on what comes out.

Memory: the library wants the whole old file as prefix and keeps a window in which both files fit; the new file and
the patch are streamed. Measured with two files of 100 MiB: `apply` 200 MiB, `make` 220 MiB, which is old + new.
Files over PATCH_MOST get no patch: they are fetched whole, and unpacking that needs at most FULL_WINDOW.
"""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from praxisd_guard.faults import ENDLESS, MALFORMED, TrustFault
from praxisd_guard.resume import room

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CHUNK = 256 * 1024
WINDOW_LEAST, WINDOW_MOST = 27, 29
"""log2 of bytes: 128 MiB hold two states of the drug data; two files of PATCH_MOST need 512 MiB."""
PATCH_MOST = 1 << (WINDOW_MOST - 1)
"""Bytes a file may have to be patched."""
FULL_WINDOW = 27
"""log2 of the window that a packed full file may ask for: 128 MiB of memory."""


def window(old: int, new: int) -> int:
    """log2 of a window in which two files of these sizes (bytes) fit."""
    return min(max(WINDOW_LEAST, (old + new).bit_length()), WINDOW_MOST)


def fits(*sizes: int) -> bool:
    """True if files of these sizes (bytes) may be patched."""
    return max(sizes) <= PATCH_MOST


def make(old: Path, new: Path, out: Path, level: int = 3) -> int:
    """Write the patch from `old` to `new`; its size in bytes. Raises ValueError for files over PATCH_MOST."""
    sizes = old.stat().st_size, new.stat().st_size
    if not fits(*sizes):
        raise ValueError(f"over {PATCH_MOST} bytes")
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: level,
        zstd.CompressionParameter.window_log: window(*sizes),
        zstd.CompressionParameter.enable_long_distance_matching: 1,
        zstd.CompressionParameter.checksum_flag: 1,
    }
    return _compress(new, out, zstd.ZstdCompressor(options=options, zstd_dict=_prefix(old)))


def _prefix(old: Path) -> "tuple[zstd.ZstdDict, int] | None":
    """The old file as the library wants it; one under 8 bytes is none."""
    data = old.read_bytes()
    return zstd.ZstdDict(data, is_raw=True).as_prefix if len(data) >= 8 else None


def pack(file: Path, out: Path, level: int = 19) -> int:
    """Write `file` compressed; its size in bytes."""
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: level,
        zstd.CompressionParameter.checksum_flag: 1,
    }
    return _compress(file, out, zstd.ZstdCompressor(options=options))


def _compress(file: Path, out: Path, compressor: "zstd.ZstdCompressor") -> int:
    with file.open("rb") as data, out.open("wb") as packed:
        while piece := data.read(CHUNK):
            packed.write(compressor.compress(piece))
        packed.write(compressor.flush())
        packed.flush()
        os.fsync(packed.fileno())
        return packed.tell()


def apply(old: Path, patch: Path, out: Path, limit: int) -> None:
    """Write to `out` what the patch makes of `old`: at most `limit` bytes, else `endless`; `malformed` if it is none."""
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: window(old.stat().st_size, limit)}
    _expand(patch, out, limit, zstd.ZstdDecompressor(zstd_dict=_prefix(old), options=options))


def unpack(packed: Path, out: Path, limit: int) -> None:
    """Write to `out` what is in a `.zst` file: at most `limit` bytes, else `endless`; `malformed` if it is none."""
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: FULL_WINDOW}
    _expand(packed, out, limit, zstd.ZstdDecompressor(options=options))


def _expand(packed: Path, out: Path, limit: int, machine: "zstd.ZstdDecompressor") -> None:
    """One frame and nothing behind it."""
    room(out.parent, limit)
    done = 0
    try:
        with packed.open("rb") as data, out.open("wb") as plain:
            for piece in _expanded(data.read, machine, packed.name):
                done += len(piece)
                if done > limit:
                    raise TrustFault(ENDLESS, file=packed.name, length=limit)
                plain.write(piece)
            plain.flush()
            os.fsync(plain.fileno())
    except BaseException:
        out.unlink(missing_ok=True)
        raise


def _expanded(read: Callable[[int], bytes], machine: "zstd.ZstdDecompressor", name: str) -> Iterator[bytes]:
    try:
        while not machine.eof:
            given = b""
            if machine.needs_input:
                given = read(CHUNK)
                if not given:
                    raise TrustFault(MALFORMED, file=name)
            if piece := machine.decompress(given, CHUNK):
                yield piece
    except zstd.ZstdError as fault:
        raise TrustFault(MALFORMED, file=name) from fault
    if machine.unused_data or read(1):
        raise TrustFault(MALFORMED, file=name)
