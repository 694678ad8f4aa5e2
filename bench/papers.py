"""Documents as a practice keeps them in folders: letters, scans, X-rays; all of them by fixed dice."""

from pathlib import Path
from random import Random

DOCUMENTS, PICTURES = 4_000, 60
"""Letters of about 60 kB and pictures of about 5 MB, as scanned."""


def written(documents: Path, rng: Random) -> None:
    """All of a small practice."""
    documents.mkdir()
    for _ in range(DOCUMENTS):
        letter(documents, rng)
    for _ in range(PICTURES):
        picture(documents, rng)


def scans(documents: Path, rng: Random, most: int) -> None:
    """Scanned letters and X-rays of 50 kB to 5 MB, many small ones and few large, as they lie in a practice's archive."""
    written = 0
    while written < most:
        folder = documents / f"{rng.randrange(200):03d}"
        folder.mkdir(exist_ok=True)
        size = int(50_000 * 100 ** rng.random())
        (folder / f"{rng.randbytes(6).hex()}.jpg").write_bytes(rng.randbytes(size))
        written += size


def letter(documents: Path, rng: Random) -> None:
    """One more."""
    folder = documents / f"{rng.randrange(200):03d}"
    folder.mkdir(exist_ok=True)
    words = rng.randbytes(15_000).hex()
    (folder / f"{rng.randbytes(6).hex()}.txt").write_text(words + "Sehr geehrte Damen und Herren\n" * 1_000)


def picture(documents: Path, rng: Random) -> None:
    """One more, which no compression makes smaller."""
    (documents / f"{rng.randbytes(6).hex()}.jpg").write_bytes(
        rng.randbytes(rng.randrange(4_000_000, 6_000_000))
    )


def weight(place: Path) -> int:
    """Bytes of all files."""
    return sum(one.stat().st_size for one in place.rglob("*") if one.is_file())
