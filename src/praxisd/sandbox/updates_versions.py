"""Versions for trying out, made from the program now running: a good one, one that does not start, a newer good one."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from praxisd.services.updates import publish_build

GOOD, BROKEN, NEWER = "good", "broken", "newer"

_BROKEN = '''

def serve(*_: object, **__: object) -> int:
    """Published so that it can be seen how an update that does not start goes back by itself."""
    from praxisd.kernel import a_part_that_was_forgotten  # type: ignore[attr-defined]

    return int(a_part_that_was_forgotten.code)
'''
_STEP = '''"""A column that only this version knows: the version before does not miss it."""

import sqlalchemy as sa
from alembic import op

revision = "calendar_{number:04}"
down_revision = "calendar_{before:04}"
branch_labels = None
depends_on = None
step = "expand"


def upgrade() -> None:
    op.add_column("calendar_appointment", sa.Column("sample_{number}", sa.Text(), nullable=True))
'''
_WORD = re.compile(r'^overview = ".*"$', re.MULTILINE)


@dataclass(frozen=True)
class Sample:
    """One version to be published. `words`: what the overview is called in it, by language."""

    what: str
    version: str
    words: Mapping[str, str]
    notes: Mapping[str, str]
    change: Callable[[Path], None]


def samples(version: str) -> dict[str, Sample]:
    """What follows `version` (`X.Y…`): good `X.(Y+1).0`, broken `X.(Y+2).0`, newer `X.(Y+2).1`. ValueError for others."""
    found = re.match(r"(\d+)\.(\d+)", version)
    if found is None:
        raise ValueError(version)
    major, minor = int(found[1]), int(found[2])
    one = {"de": "Praxis im Blick", "en": "Practice at a glance"}
    two = {"de": "Der Tag im Blick", "en": "The day at a glance"}

    def good(program: Path) -> None:
        _expand(program)
        _rename(program, one)

    def broken(program: Path) -> None:
        _expand(program)
        serving = program / "praxisd" / "serving.py"
        serving.write_text(serving.read_text(encoding="utf-8") + _BROKEN, encoding="utf-8")

    def newer(program: Path) -> None:
        _expand(program)
        _expand(program)
        _rename(program, two)

    notes = {
        GOOD: {
            "de": "Die Seite „Überblick“ heißt jetzt „Praxis im Blick“.",
            "en": "The page “Overview” is now called “Practice at a glance”.",
        },
        BROKEN: {
            "de": "Diese Version startet nicht: zum Ausprobieren, wie ein Update von selbst zurückgenommen wird.",
            "en": "This version does not start: for trying out how an update goes back by itself.",
        },
        NEWER: {
            "de": "Behebt den Fehler der Version davor. Der Überblick heißt jetzt „Der Tag im Blick“.",
            "en": "Mends the version before. The overview is now called “The day at a glance”.",
        },
    }
    return {
        GOOD: Sample(GOOD, f"{major}.{minor + 1}.0", one, notes[GOOD], good),
        BROKEN: Sample(BROKEN, f"{major}.{minor + 2}.0", {}, notes[BROKEN], broken),
        NEWER: Sample(NEWER, f"{major}.{minor + 2}.1", two, notes[NEWER], newer),
    }


def build(sample: Sample, out: Path, released: str) -> str:
    """Pack one of them; its SHA-256."""
    return publish_build.build(sample.version, out, released, change=sample.change)


def _expand(program: Path) -> None:
    """One more step of the schema that takes nothing away."""
    folder = program / "praxisd" / "services" / "calendar" / "migrations"
    before = max(int(path.name[:4]) for path in folder.glob("[0-9][0-9][0-9][0-9]_*.py"))
    text = _STEP.format(number=before + 1, before=before)
    (folder / f"{before + 1:04}_sample_of_an_update.py").write_text(text, encoding="utf-8")


def _rename(program: Path, words: Mapping[str, str]) -> None:
    """Another word in the navigation: something to see."""
    for lang, word in words.items():
        file = program / "praxisd" / "kernel" / "texts" / f"console.{lang}.toml"
        text, count = _WORD.subn(f'overview = "{word}"', file.read_text(encoding="utf-8"), count=1)
        if not count:
            raise ValueError(f"{file.name}: no overview")
        file.write_text(text, encoding="utf-8")
