"""`praxisd publish`: from keys to a practice that reads, by commands alone; the version packed is this program."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from praxisd.kernel.errors import Problem
from praxisd.services.updates import publish_build
from praxisd.services.updates.publish_cli import publish
from praxisd.services.updates.publish_repository import Repository
from praxisd_guard import layers, package_read

from .publish_cast import data_file, practice, tree


class Desk:
    """Where somebody publishes: a data folder. Calls answer JSON; a Problem comes through."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def repository(self) -> Repository:
        return Repository(self.folder / "publish" / "repository")

    def __call__(self, *args: object, ok: bool = True) -> Any:
        words = [str(one) for one in args]
        done = CliRunner().invoke(publish, [*words, "--data", str(self.folder), "--json"])
        if isinstance(done.exception, Problem):
            raise done.exception
        assert (done.exit_code == 0) is ok, done.output
        return json.loads(done.output) if ok else done.output

    def words(self, lang: str, *args: object) -> str:
        """What people read."""
        words = [str(one) for one in args]
        done = CliRunner().invoke(publish, [*words, "--data", str(self.folder), "--lang", lang])
        assert done.exit_code == 0, done.output
        return done.output


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Keys of two people for every role, in one folder; a repository that waits for signatures."""
    made = Desk(tmp_path / "data")
    for name in ("anna", "ben"):
        made("keys", name, "--role", "root", "--role", "targets", "--role", "software", "--role", "data-icd")
    made("keys", "machine", "--role", "snapshot", "--role", "timestamp")
    made("init", "--threshold", "data-icd=2")
    return made


def test_from_keys_to_a_practice(desk: Desk, tmp_path: Path) -> None:
    listed = desk("keys")["keys"]
    assert len(listed) == 10 and all(one["private"] for one in listed)
    state = desk("sign")
    assert {one["role"] for one in state["published_now"]} == {
        "root", "targets", "software", "data-icd", "snapshot", "timestamp",
    }  # fmt: skip
    desk("element", "icd", "--kind", "data", "--de", "ICD-10", "--en", "ICD-10")
    data_file(tmp_path / "one", 2000)
    data_file(tmp_path / "two", 2010)
    desk("add", "icd", tmp_path / "one", "--version", "2026", "--de", "Neu", "--en", "New", "--schema", 2)
    added = desk("add", "icd", tmp_path / "two", "--version", "2027", "--requires", ">=0.1")
    assert len(added["added"]["patches"]) == 1 and added["waiting"][0]["have"] == 0
    desk("sign", "--hold")
    assert desk("show")["published"] == 1
    desk("refresh")
    trust = practice(desk.repository, tmp_path / "trust")
    offers = trust.offers("icd")
    assert [one.version for one in offers] == ["2027", "2026"]
    assert (offers[0].requires, offers[1].notes) == ({"praxisd": ">=0.1"}, {"de": "Neu", "en": "New"})
    desk("withdraw", "icd", "2026")
    desk("sign")
    trust.refresh()
    assert [one.version for one in trust.offers("icd")] == ["2027"]


@pytest.mark.parametrize(
    ("lang", "told"),
    [
        ("de", "software 1: 0 von 2 Unterschriften (–); noch unterschreiben können: anna, ben"),
        ("en", "software 1: 0 of 2 signatures (–); who may still sign: anna, ben"),
    ],
)
def test_people_are_told_who_must_sign_and_what(desk: Desk, lang: str, told: str) -> None:
    assert told in desk.words(lang, "show")
    signed = desk.words(lang, "sign")
    assert {"de": "Veröffentlicht: ", "en": "Published: "}[lang] in signed
    shown = desk.words(lang, "show")
    assert {"de": "Nichts wartet", "en": "Nothing waits"}[lang] in shown


def test_a_person_signs_with_keys_from_another_folder(desk: Desk, tmp_path: Path) -> None:
    """`.pub.json` of everybody is enough for `init`; the private halves stay where they are."""
    here, stick = tmp_path / "here", tmp_path / "stick"
    alone = Desk(tmp_path / "alone")
    for place, name in ((here, "anna"), (stick, "ben")):
        alone("keys", name, "--role", "root", "--role", "targets", "--keys", place)
    alone("keys", "machine", "--role", "snapshot", "--role", "timestamp", "--keys", here)
    for path in stick.glob("*.pub.json"):
        (here / path.name).write_bytes(path.read_bytes())
    assert [one["private"] for one in alone("keys", "--keys", here)["keys"]].count(False) == 2
    alone("init", "--keys", here)
    waits = alone("sign", "--keys", here)
    assert waits["published_now"] == [] and {one["have"] for one in waits["waiting"]} == {1}
    assert alone("sign", "--keys", stick)["published_now"] == []
    assert {one["role"] for one in alone("refresh", "--keys", here)["published_now"]} >= {"root", "targets"}
    practice(alone.repository, tmp_path / "trust").refresh()


def test_keys_change_by_command(desk: Desk, tmp_path: Path) -> None:
    desk("sign")
    first = (desk.repository.metadata / "1.root.json").read_bytes()
    desk("keys", "cleo", "--role", "root", "--keys", tmp_path / "cleo")
    public = tmp_path / "cleo" / "root-cleo.pub.json"
    with pytest.raises(Problem) as caught:
        desk("rotate", "targets", "--add", public)
    assert caught.value.code == "updates.publish_key_other_role"
    changes = desk("rotate", "root", "--add", public, "--remove", "anna")["changes"]
    assert sorted(one["what"] for one in changes) == ["key_gone", "key_new"]
    keys = desk.folder / "publish" / "keys"
    desk("sign", "--keys", keys, "--keys", tmp_path / "cleo")
    practice(desk.repository, tmp_path / "trust", first).refresh()
    assert desk("show")["roles"][0]["version"] == 2
    assert desk("refresh", "--renew", "root")["waiting"][0]["missing"] == ["ben", "cleo"]


def test_this_program_becomes_a_package(desk: Desk, tmp_path: Path) -> None:
    desk("sign")
    desk("element", "praxisd", "--kind", "software", "--de", "praxisd", "--en", "praxisd")
    package = tmp_path / "praxisd-7.1.0.zip"
    answer = desk("build", "--version", "7.1.0", "--out", package, "--released", "2026-11-27")
    facts = package_read.read(package)
    assert (facts.version, facts.released, facts.layer) == ("7.1.0", "2026-11-27", layers.digest_here())
    with zipfile.ZipFile(package) as inside:
        assert '__version__ = "7.1.0"' in inside.read("program/praxisd/__init__.py").decode()
        assert not [one for one in inside.namelist() if "__pycache__" in one]
    with pytest.raises(Problem) as caught:
        desk("add", "praxisd", package, "--version", "7.2.0")
    assert caught.value.code == "updates.publish_version_differs"
    desk("add", "praxisd", package)
    desk("sign")
    offer = practice(desk.repository, tmp_path / "trust").offers("praxisd")[0]
    assert (offer.version, offer.sha256) == ("7.1.0", answer["sha256"])


def test_what_cannot_be_packed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    before = tree(tmp_path)
    for code, version, wheels in (
        ("version_invalid", "../1", None),
        ("no_wheels", "1.0", tmp_path / "wheels"),
    ):
        with pytest.raises(Problem) as caught:
            publish_build.build(version, tmp_path / "out.zip", "2026-11-27", wheels)
        assert caught.value.code == f"updates.publish_{code}"
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem) as caught:
        publish_build.build("1.0", tmp_path / "file" / "out.zip", "2026-11-27")
    assert caught.value.code == "updates.publish_unwritable"
    (tmp_path / "file").unlink()
    assert tree(tmp_path) == before


def test_packages_that_are_none_are_refused(desk: Desk, tmp_path: Path) -> None:
    desk("sign")
    desk("element", "praxisd", "--kind", "software", "--de", "praxisd", "--en", "praxisd")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("readme", "nothing")
    before = tree(desk.repository.folder)
    with pytest.raises(Problem) as caught:
        desk("add", "praxisd", tmp_path / "empty.zip")
    assert caught.value.code == "updates.publish_not_package"
    assert tree(desk.repository.folder) == before
