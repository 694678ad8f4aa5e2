"""What the tests of updates in the browser share: words, a practice with a repository, what stands over the console."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Locator, Page

from praxisd.kernel.texts import Texts
from praxisd.testing.programs import command

if TYPE_CHECKING:
    from praxisd.sandbox.updates import Made

PACKAGES = ("praxisd.services.updates", "praxisd.services.accounts", "praxisd.services.diagnosis")


class Words:
    """The console's texts in the language of a test: `w("updates.look")`."""

    def __init__(self, lang: str) -> None:
        self._texts, self._lang = Texts(PACKAGES), lang

    def __call__(self, key: str, **params: object) -> str:
        return self._texts.get(f"console.{key}", self._lang, **params)


def button(scope: Page | Locator, name: str) -> Locator:
    """A button by its exact name."""
    return scope.get_by_role("button", name=name, exact=True)


def over(page: Page) -> Locator:
    """What stands over the whole console while the server is away."""
    return page.locator("dialog[data-away]")


def trust(folder: Path, made: "Made") -> None:
    """Let the practice of a running server take its updates from a folder, and trust who signed there."""
    root = folder / "updates" / "root.json"
    root.parent.mkdir(exist_ok=True)
    root.write_bytes(made.root)
    done = command("settings", "set", "updates.url", str(made.folder), folder=folder)
    assert done.code == 0, done.err


@contextmanager
def closed(folder: Path) -> Iterator[None]:
    """All doors are closed until the block ends."""
    assert command("maintenance", "begin", "--minutes", "5", folder=folder).code == 0
    try:
        yield
    finally:
        assert command("maintenance", "end", folder=folder).code == 0
