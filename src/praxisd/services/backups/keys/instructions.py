"""How to get the data back with nothing but restic, the medium and the recovery key: word for word, on paper and on the medium.

Lines that begin with „$ “ (Linux) or „PS> “ (Windows PowerShell) are typed in without that beginning; nothing else is. What
stands in capitals in them (MEDIUM) has to be replaced, and a line before says by what. The same lines in every language.
A database in pieces (`sources.pieces`) is joined by hand; a folder that is not there is left alone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from praxisd.kernel.texts import Texts
from praxisd.model.backup import Identity
from praxisd_guard import durable

Say = Callable[..., str]
LINUX, WINDOWS = "$ ", "PS> "
TARGET = "praxisd-restore"
FILES = (("ANLEITUNG.txt", "de"), ("RESTORE.txt", "en"))
_WIDE = 78
_LINUX: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("get_linux", ("sudo apt install restic",)),
    ("place_linux", ('export RESTIC_REPOSITORY="MEDIUM/restic"',)),
    ("key_linux", ("read -r KEY",)),
    ("key_clean", ('export RESTIC_PASSWORD="$(printf %s "$KEY" | tr -d " " | tr A-Z a-z)"',)),
    ("list", ("restic snapshots --no-lock",)),
    ("restore", (f'restic restore latest --no-lock --target "$HOME/{TARGET}"',)),
    (
        "where_linux",
        (f'cd "$(find "$HOME/{TARGET}" -path \'*/backups/staging\' -type d)"', "ls"),
    ),
    (
        "join_linux",
        (
            "cd praxisd_database",
            "[ -d praxisd.db.pieces ] && find *.pieces -type f | sort | xargs cat > praxisd.db",
            "cd ..",
        ),
    ),
    (
        "again_linux",
        (
            'mkdir -m 700 "$HOME/praxisd-data"',
            'cp -R praxisd/data/. "$HOME/praxisd-data"',
            'cp praxisd_database/praxisd.db "$HOME/praxisd-data"',
        ),
    ),
)
_WINDOWS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("get_windows", ()),
    ("place_windows", ('$env:RESTIC_REPOSITORY = "D:\\restic"',)),
    ("key_windows", ('$env:RESTIC_PASSWORD = (Read-Host "KEY").Replace(" ", "").ToLower()',)),
    ("list", ("C:\\restic\\restic.exe snapshots --no-lock",)),
    ("restore", (f"C:\\restic\\restic.exe restore latest --no-lock --target C:\\{TARGET}",)),
    (
        "where_windows",
        (
            f"$all = Get-ChildItem C:\\{TARGET} -Recurse -Filter manifest.json",
            'cd ($all | Where-Object DirectoryName -like "*\\backups\\staging")[0].DirectoryName',
            "dir",
        ),
    ),
    (
        "join_windows",
        (
            "cd praxisd_database",
            "$all = Get-ChildItem praxisd.db.pieces -Recurse -File | Sort-Object FullName",
            f'$to = [IO.File]::Create("C:\\{TARGET}\\praxisd.db")',
            "foreach ($p in $all) { $b = [IO.File]::ReadAllBytes($p.FullName); $to.Write($b, 0, $b.Length) }",
            "$to.Close()",
            "cd ..",
        ),
    ),
    ("again_windows", ()),
)


@dataclass(frozen=True, slots=True)
class Step:
    """What to do, and the lines to type in for it (without the beginning `prompt`)."""

    text: str
    prompt: str = ""
    lines: tuple[str, ...] = ()


@cache
def _texts() -> Texts:
    return Texts(["praxisd.services.backups"])


def linux(say: Say) -> Iterator[Step]:
    """The steps in a terminal of Linux."""
    for key, lines in _LINUX:
        yield Step(say(f"backups.steps.{key}"), LINUX, lines)


def windows(say: Say) -> Iterator[Step]:
    """The steps in a PowerShell of Windows."""
    for key, lines in _WINDOWS:
        yield Step(say(f"backups.steps.{key}"), WINDOWS, lines)


def write_instructions(folder: Path, identity: Identity) -> None:
    """`ANLEITUNG.txt` and `RESTORE.txt` into a medium's folder: nothing secret, no name but the medium's. OSError.

    With a mark of UTF-8 and line ends of Windows, so that every editor shows them as they are.
    """
    for name, lang in FILES:
        text = "\r\n".join(_file(identity, lang)) + "\r\n"
        durable.put(folder / name, b"\xef\xbb\xbf" + text.encode(), 0o644)


def _file(identity: Identity, lang: str) -> Iterator[str]:
    def say(key: str, **words: object) -> str:
        return _texts().get(key, lang, **words)

    made = datetime.fromtimestamp(identity.created, UTC)
    yield from _wrapped(say("backups.steps.title", label=identity.label or identity.id))
    yield ""
    yield from _wrapped(say("backups.steps.medium", id=identity.id, day=f"{made:%d.%m.%Y}"))
    yield from _wrapped(say("backups.steps.lead"))
    yield from _wrapped(say("backups.steps.how"))
    for heading, steps in (("linux", linux(say)), ("windows", windows(say))):
        yield from ("", say(f"backups.steps.{heading}").upper(), "")
        for number, step in enumerate(steps, 1):
            yield from _wrapped(f"{number}. {step.text}")
            yield from (f"    {step.prompt}{line}" for line in step.lines)
    yield from ("", say("backups.steps.then").upper(), "")
    yield from _wrapped(say("backups.steps.back"))
    yield from _wrapped(say("backups.steps.older"))


def _wrapped(text: str) -> Iterator[str]:
    """Lines of at most 78 signs, broken at blanks."""
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > _WIDE:
            yield line
            line = ""
        line = f"{line} {word}" if line else word
    yield line
