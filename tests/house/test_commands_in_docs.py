"""Every command that the guides tell to type exists, with the options they name."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from house_sources import ROOT

from praxisd.cli import root

PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("[de][en]/*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]


def told(page: Path) -> Iterator[str]:
    """What stands after `praxisd` in indented lines, blocks of the shell and between backticks; lines that go on joined."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    fenced = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
    typed = [
        line for lang, block in fenced.findall(text) if lang in ("", "sh") for line in block.splitlines()
    ]
    text = fenced.sub("", text)
    typed += re.findall(r"^ {4,}(.*)$", text, re.MULTILINE) + re.findall(r"`([^`\n]+)`", text)
    for line in (re.split(r"(?:^|\s)#", one)[0] for one in typed):
        for command in re.findall(r"(?:^|[\s/;|])praxisd ((?:[a-z]|--).*)", line):
            if "…" not in command.split()[0] and not command.startswith("praxisd "):
                yield command.partition("   ")[0].replace("\\|", "|")


def fault(command: str) -> str | None:
    """What is wrong with it."""
    try:
        words = shlex.split(command.replace("…", "").replace("[", "").replace("]", ""))
    except ValueError:
        words = command.split()
    found: click.Command = root
    rest = words
    while rest and isinstance(found, click.Group) and not rest[0].startswith("-"):
        word = rest[0].split("|")[0].rstrip(",;.")
        inner = found.get_command(click.Context(found), word)
        if inner is None:
            return f"no command {word!r}"
        found, rest = inner, rest[1:]
    options = {name for one in found.params for name in (*one.opts, *one.secondary_opts)} | {"--help", "-h"}
    for word in rest:
        if word.startswith("--") and word.split("=")[0].rstrip(",;.") not in options:
            return f"no option {word}"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_the_page_tells_to_type_exists(page: Path) -> None:
    found = {command: fault(command) for command in told(page)}
    assert {command: why for command, why in found.items() if why} == {}


def test_the_pages_tell_many_and_a_wrong_one_is_found() -> None:
    assert sum(len(list(told(page))) for page in PAGES) > 300
    assert fault("backup restor --to DIR") == "no command 'restor'"
    assert fault("backup restore STATE --too DIR") == "no option --too"
    assert fault("jobs list|show NAME --json") is None
