"""Layers: the libraries a version runs on. One is known by the digest of the libraries' names and versions, so that
versions with the same libraries share one; the first layer is the interpreter the guard itself was started with.
"""

import hashlib
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from praxisd_guard.durable import discard, put_json, read_json
from praxisd_guard.places import Places

OURS = frozenset({"praxisd", "praxisd-guard", "praxisd-client", "praxisd-relay"})
TOOLS = frozenset({"pip", "setuptools", "wheel"})
"""What an environment brings along by itself: nothing a version runs on."""
INSTALL_S = 600
"""Time for making an environment and installing its wheels. Seconds."""
_LIST = (
    "import json,importlib.metadata as m;"
    "print(json.dumps([[d.metadata['Name'],d.version] for d in m.distributions() if d.metadata['Name']]))"
)


@dataclass(frozen=True)
class Layer:
    """One set of libraries."""

    digest: str
    python: str
    """Absolute path of the interpreter that has them."""


class Failed(Exception):
    """A layer could not be made; the text is what the tools said."""


def digest_of(libraries: Iterable[tuple[str, str]]) -> str:
    """SHA-256 of the sorted lines `name==version`, names as PEP 503 writes them, without praxisd's own and pip's."""
    lines = {
        f"{_plain(name)}=={version}\n" for name, version in libraries if _plain(name) not in OURS | TOOLS
    }
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def digest_here() -> str:
    """The digest of the libraries of this interpreter."""
    told = (found.metadata for found in metadata.distributions())
    return digest_of((one["Name"], one["Version"]) for one in told if one["Name"])


def adopt(home: Path) -> Layer:
    """The layer that names this interpreter; made if it is not there yet."""
    digest = digest_here()
    found = find(home, digest)
    if found is None:
        found = _write(home, _folder(home, digest), Layer(digest, sys.executable))
    return found


def find(home: Path, digest: str) -> Layer | None:
    """The installed layer with these libraries, or None. One whose interpreter is gone is none."""
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        return None
    content = read_json(_folder(home, digest) / "layer.json")
    if content is None or content.get("digest") != digest or not Path(str(content.get("python"))).exists():
        return None
    return Layer(digest, str(content["python"]))


def make(home: Path, digest: str, wheels: Path, requirements: Path) -> Layer:
    """Install a complete set of wheels into a new environment, without any network.

    Failed when the tools do not manage it, or when the libraries found afterwards are others than `digest` says.
    The environment is made in its last place, because its scripts name it; `layer.json` comes last and makes it valid.
    """
    folder = _folder(home, digest)
    discard(folder)
    try:
        folder.mkdir(mode=0o700, parents=True)
        python = folder / "venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        if (
            importlib.util.find_spec("pip") is not None
        ):  # quick, and all there is where Python comes without ensurepip
            _run(sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"))
            pip = [sys.executable, "-m", "pip", "--python", str(python)]
        else:
            _run(sys.executable, "-m", "venv", str(folder / "venv"))
            pip = [str(python), "-m", "pip"]
        options = (
            "--no-index",
            "--no-deps",
            "--isolated",
            "--disable-pip-version-check",
            "--no-input",
            "--quiet",
        )
        _run(*pip, "install", *options, "--find-links", str(wheels), "-r", str(requirements))
        there = digest_of((name, version) for name, version in json.loads(_run(str(python), "-c", _LIST)))
        if there != digest:
            raise Failed(f"the wheels give the libraries {there[:12]}, the package says {digest[:12]}")
        return _write(home, folder, Layer(digest, str(python)))
    except (Failed, OSError):
        discard(folder)
        raise


def prune(home: Path, needed: set[str]) -> None:
    """Remove layers made here that no version in `needed` (digests) runs on; one that names another interpreter stays."""
    root = Places(home).layers
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        content = read_json(folder / "layer.json")
        if content is None or ((folder / "venv").is_dir() and content.get("digest") not in needed):
            discard(folder)


def _folder(home: Path, digest: str) -> Path:
    return Places(home).layers / digest[:16]


def _write(home: Path, folder: Path, layer: Layer) -> Layer:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    put_json(folder / "layer.json", {"python": layer.python, "digest": layer.digest})
    return layer


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _run(*line: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  (tools of this interpreter, paths of HOME)
            line, capture_output=True, text=True, timeout=INSTALL_S, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"not done within {INSTALL_S} s: {' '.join(line[:4])}") from None
    if done.returncode != 0:
        raise Failed((done.stderr or done.stdout)[-2000:])
    return done.stdout
