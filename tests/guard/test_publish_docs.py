"""What docs/de/updates-veroeffentlichen.md and docs/en/publishing-updates.md tell a publisher to type works as it stands."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from praxisd.services.updates import publish_build
from praxisd.services.updates.publish_cli import publish
from praxisd.services.updates.publish_repository import Repository

from .publish_cast import data_file, practice

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / "de" / "updates-veroeffentlichen.md", DOCS / "en" / "publishing-updates.md"]


def commands(page: Path) -> list[str]:
    """The indented lines of a page, in their order."""
    return re.findall(r"^ {4}(praxisd publish .*)$", page.read_text(encoding="utf-8"), re.MULTILINE)


def test_both_pages_tell_the_same_commands() -> None:
    german, english = (commands(page) for page in PAGES)
    assert german == english and len(german) > 20


def test_what_the_pages_tell_to_type_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands there, one line after the other; only the folders lie below one of the test."""

    def packed(version: str, out: Path, released: str, wheels: Path | None) -> str:
        """The package is tested elsewhere; here a small one will do."""
        import zipfile

        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("package.json", f'{{"version": "{version}"}}')
        return ""

    monkeypatch.setattr(publish_build, "build", packed)
    monkeypatch.setenv("PRAXISD_PUBLISH_PASSPHRASE", "a secret")
    site = tmp_path / "srv" / "updates"
    data_file(tmp_path / "icd.sqlite", 50)
    for line in commands(PAGES[0]):
        if "--vendor acme" in line:  # it needs a vendor's key, which the page speaks of
            continue
        if " init " in line:
            (site / "public").mkdir()
            for path in (tmp_path / "media").rglob("*.pub.json"):
                shutil.copy(path, site / "public")
            shutil.copy(tmp_path / "icd.sqlite", site)
        words = [
            word.replace("/srv/", f"{tmp_path}/srv/").replace("/media/", f"{tmp_path}/media/")
            for word in shlex.split(line)[2:]
        ]
        done = CliRunner().invoke(publish, [*words, "--data", str(tmp_path / "data")])
        assert done.exit_code == 0, f"{line}: {done.exception!r} {done.output}"
    repository = Repository(site / "repository")
    assert repository.staged_roles() == []
    trust = practice(repository, tmp_path / "trust")
    assert [one.name for one in trust.elements()] == ["praxisd", "icd"]
    assert [one.version for one in trust.offers("praxisd")] == ["0.2.0"]
    assert [one.version for one in trust.offers("icd")] == ["2026-11-15"]
    assert (repository.metadata / "2.root.json").exists()
