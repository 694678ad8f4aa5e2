"""A plug-in as a signed element: a ZIP file with `plugin.json` and one wheel, which the next start loads from its own place."""

import json
import tempfile
import zipfile
from pathlib import Path

from praxisd.kernel import plugin_places
from praxisd.kernel.errors import Problem

_MOST = 200_000_000
"""A wheel is so long at most. Bytes."""


def _unusable(element: str, version: str) -> Problem:
    return Problem("updates.unusable", 422, element=element, version=version)


def installed(data: Path, element: str) -> str | None:
    """The version that was put into its place, on or off; None where there is none."""
    found = plugin_places.place(data, element)
    return None if found is None else found.version


def put(data: Path, file: Path, element: str, version: str) -> None:
    """Put the wheel of a verified package into its place; Problem `updates.unusable` (422) for what is no plug-in."""
    try:
        with zipfile.ZipFile(file) as archive:
            said = json.loads(archive.read("plugin.json"))
            wheels = [one for one in archive.infolist() if one.filename.endswith(".whl")]
            named = (said.get("format"), said.get("name"), said.get("version"))
            good = named == (1, element, version) and len(wheels) == 1
            if not good or wheels[0].file_size > _MOST or "/" in wheels[0].filename:
                raise _unusable(element, version)
            with tempfile.TemporaryDirectory(prefix="plugin-", dir=file.parent) as folder:
                wheel = Path(archive.extract(wheels[0], folder))
                plugin_places.put(data, element, version, wheel)
    except (zipfile.BadZipFile, OSError, ValueError, KeyError, AttributeError, TypeError):
        raise _unusable(element, version) from None
