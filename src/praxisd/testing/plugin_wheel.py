"""The wheel of a plug-in, without fetching anything: `python -m praxisd.testing.plugin_wheel <folder> <into>`.

For plug-ins of plain Python whose packages lie beside their pyproject.toml; `pip wheel --no-deps` makes the same of them and
of all others.
"""

import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_LEFT_OUT = {"__pycache__"}


def pack(folder: Path, into: Path) -> Path:
    """Write the wheel of the project in `folder` and return its path. KeyError where pyproject.toml lacks something."""
    project: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    name, version = str(project["name"]).replace("-", "_"), str(project["version"])
    info = f"{name}-{version}.dist-info"
    points = "".join(
        f"[{group}]\n" + "".join(f"{key} = {place}\n" for key, place in entries.items()) + "\n"
        for group, entries in project["entry-points"].items()
    )
    files = {str(path.relative_to(folder)): path.read_bytes() for path in _files(folder)}
    files[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {version}\n".encode()
    )
    files[f"{info}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: praxisd\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    files[f"{info}/entry_points.txt"] = points.encode()
    files[f"{info}/RECORD"] = ("".join(f"{one},,\n" for one in files) + f"{info}/RECORD,,\n").encode()
    into.mkdir(parents=True, exist_ok=True)
    made = into / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return made


def _files(folder: Path) -> Iterator[Path]:
    """All files of the packages beside pyproject.toml, in order."""
    for package in sorted(one.parent for one in folder.glob("*/__init__.py")):
        for path in sorted(package.rglob("*")):
            if path.is_file() and not _LEFT_OUT & set(path.parts):
                yield path


if __name__ == "__main__":
    print(pack(Path(sys.argv[1]), Path(sys.argv[2])))
