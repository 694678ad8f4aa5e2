"""The package: a deterministic zip with one version. The same program gives the same bytes.

`package.json` (Facts), `program/…` (the packages praxisd, praxisd_relay, praxisd_guard), and for new libraries
`requirements.txt` with `wheels/*.whl`: the complete set. Reading one that comes from outside: `package_read`.
"""

import hashlib
import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from praxisd_guard.places import valid_version

FORMAT = 1
NAME = "praxisd"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The oldest time a zip can say: every entry has it."""
_SKIPPED = ("__pycache__", ".pyc", ".pyo")


class Unreadable(Exception):
    """Not a package, or one that could do harm when it is unpacked; the text says what is wrong."""


@dataclass(frozen=True)
class Facts:
    """What a package says of itself: `package.json`."""

    version: str
    layer: str
    """Digest of the libraries it runs on (`layers.digest_of`)."""
    released: str
    """ISO date."""
    python: str = ">=3.11"

    def encoded(self) -> bytes:
        """As `package.json` holds it."""
        content = {
            "format": FORMAT,
            "name": NAME,
            "version": self.version,
            "python": self.python,
            "layer": self.layer,
            "released": self.released,
        }
        return json.dumps(content, indent=1, sort_keys=True).encode() + b"\n"


def decoded(data: bytes) -> Facts:
    """The facts in the bytes of a `package.json`; Unreadable."""
    try:
        content: Any = json.loads(data)
    except ValueError:
        raise Unreadable("package.json is not JSON") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT or content.get("name") != NAME:
        raise Unreadable("package.json is not of a praxisd package of this format")
    texts = [content.get(name) for name in ("version", "layer", "released", "python")]
    version, layer, released, python = (text if isinstance(text, str) else "" for text in texts)
    if not valid_version(version) or not re.fullmatch(r"[0-9a-f]{64}", layer):
        raise Unreadable("package.json names no version or no libraries")
    if not re.fullmatch(r">=\d+\.\d+", python):
        raise Unreadable("package.json says no Python, or in another way than >=3.11")
    return Facts(version, layer, released, python)


def facts_of(folder: Path) -> Facts:
    """The facts of an unpacked version; Unreadable."""
    try:
        return decoded((folder / "package.json").read_bytes())
    except OSError:
        raise Unreadable("no package.json") from None


def pack(program: Path, out: Path, facts: Facts, wheels: Path | None = None) -> str:
    """Write the package `out` from the folder `program` (which holds `praxisd/` …) and return its SHA-256.

    `wheels`: a folder with the complete set of wheels, for libraries that are not installed everywhere yet.
    """
    entries = [("package.json", facts.encoded())]
    if wheels is not None:
        found = sorted(wheels.glob("*.whl"))
        lines = ["==".join(path.name.split("-")[:2]) + "\n" for path in found]
        entries.append(("requirements.txt", "".join(lines).encode()))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, data in entries:
            archive.writestr(_entry(name), data)
        for path in sorted(program.rglob("*"), key=lambda path: path.relative_to(program).as_posix()):
            inner = path.relative_to(program)
            if path.is_file() and not any(part.endswith(_SKIPPED) for part in inner.parts):
                archive.writestr(_entry(f"program/{inner.as_posix()}"), path.read_bytes())
        for path in [] if wheels is None else found:
            archive.writestr(_entry(f"wheels/{path.name}", zipfile.ZIP_STORED), path.read_bytes())
    return sha256(out)


def sha256(file: Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _entry(name: str, method: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.create_system = 3
    entry.external_attr = (0o100644) << 16
    entry.compress_type = method
    return entry
