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


def put(data: Path, file: Path, element: str, version: str) -> None:
    """Put the wheel of a verified package into its place; Problem `updates.unusable` (422) for what is no plug-in."""
    try:
        with zipfile.ZipFile(file) as archive:
            said = json.loads(archive.read("plugin.json"))
            wheels = [one for one in archive.infolist() if one.filename.endswith(".whl")]
            good = said.get("format") == 1 and said.get("version") == version and len(wheels) == 1
            if not good or wheels[0].file_size > _MOST or "/" in wheels[0].filename:
                raise _unusable(element, version)
            with tempfile.TemporaryDirectory(prefix="plugin-", dir=file.parent) as folder:
                wheel = Path(archive.extract(wheels[0], folder))
                plugin_places.put(data, str(said["name"]), version, wheel)
    except (zipfile.BadZipFile, OSError, ValueError, KeyError, AttributeError, TypeError):
        raise _unusable(element, version) from None
