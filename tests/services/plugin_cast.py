"""Wheels of small plug-ins, made here: a ZIP file with code, texts, METADATA, RECORD and entry_points.txt."""

import zipfile
from pathlib import Path

SERVICE = """
from praxisd.kernel.service import Operation, Service

{before}

def answer(house, args):
    return {{"said": {version!r}}}

def start(house):
    {start}

SERVICE = Service(name="{name}", package="{package}", operations=(Operation("{name}.say", answer),), start=start, {more})
"""


def wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    before: str = "",
    start: str = "house.shared['started'] = True",
    more: str = "",
    point: str = "SERVICE",
    group: str = "praxisd.services",
) -> Path:
    """A wheel whose package is `<name>_plugin` and whose service is `<name>`."""
    package = f"{name}_plugin"
    info = f"{package}-{version}.dist-info"
    code = SERVICE.format(before=before, start=start, more=more, name=name, package=package, version=version)
    files = {
        f"{package}/__init__.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[{group}]\n{name} = {package}:{point}\n",
    }
    for lang in ("de", "en"):
        files[f"{package}/texts/{lang}.toml"] = f'[{name}]\nword = "{name}"\n'
    files[f"{info}/RECORD"] = "".join(f"{one},,\n" for one in files) + f"{info}/RECORD,,\n"
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / f"{package}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return out
