"""zstd patches and packed files: they give back what went in, stream, and never write more than was said."""

import os
import random
from pathlib import Path

import pytest

from praxisd_guard import patch, resume
from praxisd_guard.faults import TrustFault


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path, Path]:
    """Old and new (3 MB, hardly compressible, 60 places changed, moved by some bytes), patch, result."""
    chance = random.Random(7)
    old = bytearray(chance.randbytes(3_000_000))
    new = bytearray(old)
    for _ in range(60):
        at = chance.randrange(len(new) - 100)
        new[at : at + 20] = chance.randbytes(20)
    new[1000:1000] = chance.randbytes(333)
    (tmp_path / "old").write_bytes(old)
    (tmp_path / "new").write_bytes(new)
    return tmp_path / "old", tmp_path / "new", tmp_path / "patch", tmp_path / "out"


def test_a_patch_is_small_and_leads_to_the_new_file(files: tuple[Path, Path, Path, Path]) -> None:
    old, new, between, out = files
    size = patch.make(old, new, between)
    assert size == between.stat().st_size < new.stat().st_size / 100
    patch.apply(old, between, out, new.stat().st_size)
    assert out.read_bytes() == new.read_bytes()


@pytest.mark.parametrize("old", [b"", b"short", b"12345678"])
@pytest.mark.parametrize("new", [b"", b"something"])
def test_tiny_files(tmp_path: Path, old: bytes, new: bytes) -> None:
    (tmp_path / "old").write_bytes(old)
    (tmp_path / "new").write_bytes(new)
    patch.make(tmp_path / "old", tmp_path / "new", tmp_path / "patch")
    patch.apply(tmp_path / "old", tmp_path / "patch", tmp_path / "out", len(new))
    assert (tmp_path / "out").read_bytes() == new


def test_a_patch_of_another_old_file_is_refused(files: tuple[Path, Path, Path, Path]) -> None:
    old, new, between, out = files
    patch.make(old, new, between)
    old.write_bytes(os.urandom(old.stat().st_size))
    with pytest.raises(TrustFault) as caught:
        patch.apply(old, between, out, new.stat().st_size)
    assert caught.value.code == "malformed" and not out.exists()


@pytest.mark.parametrize("damage", ["cut", "empty", "appended", "flipped", "text"])
def test_a_damaged_patch_is_refused(files: tuple[Path, Path, Path, Path], damage: str) -> None:
    old, new, between, out = files
    patch.make(old, new, between)
    data = between.read_bytes()
    middle = len(data) // 2
    between.write_bytes(
        {
            "cut": data[:-5],
            "empty": b"",
            "appended": data + b"x",
            "flipped": data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :],
            "text": b"<html>",
        }[damage]
    )
    with pytest.raises(TrustFault) as caught:
        patch.apply(old, between, out, new.stat().st_size)
    assert caught.value.code == "malformed" and not out.exists()


def test_what_comes_out_is_limited(tmp_path: Path) -> None:
    """20 MB of nothing packed into a few bytes: the limit ends it, and what was written goes."""
    big, packed, out = tmp_path / "big", tmp_path / "packed", tmp_path / "out"
    big.write_bytes(bytes(20_000_000))
    assert patch.pack(big, packed) < 10_000
    patch.unpack(packed, out, 20_000_000)
    assert out.stat().st_size == 20_000_000
    with pytest.raises(TrustFault) as caught:
        patch.unpack(packed, out, 19_999_999)
    assert caught.value.code == "endless" and not out.exists()


def test_a_window_that_wants_too_much_memory_is_refused(tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    # A frame's head alone: magic number, no content size, a window of 2^31 bytes; then one empty last block.
    packed.write_bytes(bytes.fromhex("28b52ffd00") + bytes([(31 - 10) << 3]) + bytes.fromhex("010000"))
    with pytest.raises(TrustFault) as caught:
        patch.unpack(packed, tmp_path / "out", 100)
    assert caught.value.code == "malformed"


def test_large_files_are_not_patched(
    files: tuple[Path, Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new, between, _ = files
    assert patch.fits(patch.PATCH_MOST, 0) and not patch.fits(1, patch.PATCH_MOST + 1)
    assert patch.window(1, 1) == 27 and patch.window(86_000_000, 86_000_000) == 28
    assert patch.window(patch.PATCH_MOST, patch.PATCH_MOST) == 29
    monkeypatch.setattr(patch, "PATCH_MOST", 1000)
    with pytest.raises(ValueError, match="1000"):
        patch.make(old, new, between)


def test_a_full_disk_is_seen_before_anything_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plain").write_bytes(b"x" * 1000)
    patch.pack(tmp_path / "plain", tmp_path / "packed")
    monkeypatch.setattr(resume, "RESERVE", 1 << 60)
    with pytest.raises(TrustFault) as caught:
        patch.unpack(tmp_path / "packed", tmp_path / "out", 1000)
    assert caught.value.code == "no_space" and not (tmp_path / "out").exists()
