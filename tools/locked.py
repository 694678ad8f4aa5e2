"""Print what pip needs to install exactly the locked versions: `locked.py constraints` or `locked.py dev`.

uv.lock is the one truth about versions, but `make` must work with nothing besides Python: so pip installs,
held to the lock by a constraints file without hashes and without registry addresses (pip asks whichever
index this machine is configured for).
"""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def constraints(lock: dict[str, list[dict[str, object]]]) -> list[str]:
    """`name==version` for every locked distribution from an index.

    Raises SystemExit for a lock with two versions of one distribution: pip's constraints could not say which.
    """
    versions: dict[str, str] = {}
    for package in lock["package"]:
        source = package["source"]
        if isinstance(source, dict) and "registry" in source:
            name, version = str(package["name"]), str(package["version"])
            if versions.setdefault(name, version) != version:
                raise SystemExit(f"uv.lock holds two versions of {name}: narrow it in pyproject.toml")
    return [f"{name}=={version}" for name, version in sorted(versions.items())]


def main(what: str) -> int:
    """Print the lines; 2 for a word other than `constraints` and `dev`."""
    if what == "constraints":
        lines = constraints(tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8")))
    elif what == "dev":
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        lines = list(project["dependency-groups"]["dev"])
    else:
        print(__doc__, file=sys.stderr)
        return 2
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
