"""The publisher's repository as practices read it: elements, versions, patches; keys that change; what is refused."""

import stat
from pathlib import Path

import pytest

from praxisd.services.updates import (
    publish_elements,
    publish_files,
    publish_keys,
    publish_roles,
    publish_show,
)
from praxisd.services.updates.publish_elements import Release
from praxisd.services.updates.publish_quick import Quick
from praxisd.services.updates.publish_repository import Repository

from .publish_cast import data_file, everyone, out, practice, refused, ring, team, tree

NOW = 1_800_000_000.0
DAY = 86_400.0


@pytest.fixture
def quick(tmp_path: Path) -> Quick:
    made = Quick(tmp_path / "publisher", ("data-drugs", "plugins-acme"))
    made.element("praxisd", "software")
    made.element("drugs", "data", de="Arzneimittel", en="Medicines")
    made.element("xray", "plugin", "acme")
    return made


def test_a_practice_reads_what_was_published(quick: Quick, tmp_path: Path) -> None:
    package = tmp_path / "p.zip"
    package.write_bytes(b"PK\x03\x04 a package")
    quick.add("praxisd", "0.9.0", package, notes={"de": "Neu", "en": "New"}, requires={"praxisd": ">=0.1"})
    quick.add("praxisd", "0.10.0", package)
    quick.add("xray", "1.2", package)
    trust = practice(quick.repository, tmp_path / "trust")
    trust.refresh()
    assert [(one.name, one.kind) for one in trust.elements()] == [
        ("praxisd", "software"), ("drugs", "data"), ("xray", "plugin"),
    ]  # fmt: skip
    offers = trust.offers("praxisd")
    assert [one.version for one in offers] == ["0.10.0", "0.9.0"]
    assert offers[1].notes == {"de": "Neu", "en": "New"} and offers[1].requires == {"praxisd": ">=0.1"}
    assert trust.fetch(offers[0], tmp_path / "got.zip").read_bytes() == package.read_bytes()
    assert trust.offers("xray")[0].target == "plugins/acme/xray-1.2.zip"


def test_a_data_set_comes_as_a_patch(quick: Quick, tmp_path: Path) -> None:
    old, new = data_file(tmp_path / "old", 3000), data_file(tmp_path / "new", 3010)
    quick.add("drugs", "2026-11-01", old, schema=3)
    quick.add("drugs", "2026-11-15", new, schema=3)
    trust = practice(quick.repository, tmp_path / "trust")
    newest, before = trust.offers("drugs")
    assert newest.schema == "3" and newest.plain_size == new.stat().st_size
    have = trust.fetch(before, tmp_path / "have")
    assert have.read_bytes() == old.read_bytes()
    sizes: list[int] = []
    got = trust.fetch(newest, tmp_path / "got", old=have, progress=lambda _done, total: sizes.append(total))
    assert got.read_bytes() == new.read_bytes()
    assert sizes[-1] < newest.length / 10, "fetched as a whole"


def test_a_patch_can_be_added_later_and_a_version_withdrawn(quick: Quick, tmp_path: Path) -> None:
    files = [data_file(tmp_path / f"v{n}", 2000 + n) for n in range(3)]
    for number, file in enumerate(files, 1):
        quick.add("drugs", str(number), file, patches=False)
    publish_elements.add_patch(quick.repository, "drugs", "1", "3")
    publish_elements.withdraw(quick.repository, "drugs", "2")
    quick.publish()
    trust = practice(quick.repository, tmp_path / "trust")
    assert [(one.version, len(one.patches)) for one in trust.offers("drugs")] == [("3", 1), ("1", 0)]
    with refused("version_unknown"):
        publish_elements.add_patch(quick.repository, "drugs", "2", "3")


def test_a_patch_that_is_no_gain_is_refused(quick: Quick, tmp_path: Path) -> None:
    quick.add("drugs", "1", data_file(tmp_path / "a", 5), patches=False)
    quick.add("drugs", "2", tmp_path / "a", patches=False)
    with refused("patch_no_gain"):
        publish_elements.add_patch(quick.repository, "drugs", "1", "2")


@pytest.mark.parametrize(
    ("code", "element", "version", "content"),
    [
        ("version_exists", "drugs", "1", b""),
        ("version_invalid", "drugs", "../1", b""),
        ("element_unknown", "other", "1", b""),
        ("not_sqlite", "drugs", "2", b"something else"),
        ("not_zip", "praxisd", "2", b"something else"),
        ("unreadable", "drugs", "2", None),
    ],
)
def test_what_is_refused_changes_nothing(
    quick: Quick, tmp_path: Path, code: str, element: str, version: str, content: bytes | None
) -> None:
    good = data_file(tmp_path / "good", 5)
    quick.add("drugs", "1", good)
    file = good if content == b"" else tmp_path / "given"
    if content:
        file.write_bytes(content)
    before = tree(quick.folder)
    with refused(code):
        publish_elements.add_version(quick.repository, element, file, Release(version, "2026-11-27"))
    assert tree(quick.folder) == before


def test_elements_have_names_and_kinds_that_fit(quick: Quick) -> None:
    before = tree(quick.folder)
    for code, name, kind, vendor in (
        ("element_exists", "drugs", "data", None),
        ("name_invalid", "Drugs", "data", None),
        ("name_invalid", "x", "plugin", "../acme"),
        ("kind_invalid", "x", "plugin", None),
        ("kind_invalid", "x", "data", "acme"),
    ):
        with refused(code):
            publish_elements.planned(quick.repository, name, kind, {"de": "", "en": ""}, vendor)
    nobody = publish_elements.planned(quick.repository, "icd", "data", {"de": "", "en": ""})
    with refused("role_missing"):
        publish_elements.add_element(quick.repository, nobody)
    assert tree(quick.folder) == before


def test_keys_are_private_and_never_overwritten(tmp_path: Path) -> None:
    publish_keys.make_all(tmp_path, ["root", "targets"], "anna", b"a secret")
    secret = tmp_path / "root-anna.pem"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert (
        b"ENCRYPTED" in secret.read_bytes() and "PRIVATE" not in (tmp_path / "root-anna.pub.json").read_text()
    )
    before = tree(tmp_path)
    with refused("key_exists"):
        publish_keys.make_all(tmp_path, ["software", "root"], "anna")
    with refused("name_invalid"):
        publish_keys.make(tmp_path, "root", "../ben")
    with refused("role_unknown"):
        publish_keys.make_all(tmp_path, ["boss"], "ben")
    assert tree(tmp_path) == before


def test_a_locked_key_opens_only_with_its_passphrase(tmp_path: Path) -> None:
    people = team(tmp_path / "keys")
    publish_keys.make_all(tmp_path / "dora", ["root", "targets"], "dora", b"a secret")
    repository = Repository(tmp_path / "repo")
    folders = [*people.values(), tmp_path / "dora"]
    publish_roles.create(repository, publish_keys.Keyring(folders))
    before = tree(repository.folder)
    with refused("passphrase_missing"):
        repository.sign(publish_keys.Keyring(folders))
    with refused("passphrase_wrong"):
        repository.sign(publish_keys.Keyring(folders, lambda _name: b"a guess"))
    assert tree(repository.folder) == before, "signed in part"
    asked: list[str] = []

    def ask(name: str) -> bytes:
        asked.append(name)
        return b"a secret"

    found = repository.sign(publish_keys.Keyring(folders, ask))
    assert all("dora" in one.signed for one in found if one.role in ("root", "targets"))
    assert asked == ["root-dora", "targets-dora"], "asked more than once"


def test_a_key_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    publish_keys.make(tmp_path, "root", "anna")
    publish_keys.make(tmp_path, "root", "ben")
    public = tmp_path / "root-anna.pub.json"
    public.write_text(public.read_text().replace('"public": "', '"public": "00'))
    with refused("key_malformed"):
        publish_keys.Keyring([tmp_path])
    public.unlink()
    (tmp_path / "root-ben.pem").write_text("no key")
    with refused("key_malformed"):
        publish_keys.Keyring([tmp_path]).signer(
            publish_keys.read_public(tmp_path / "root-ben.pub.json").key.keyid
        )


def test_a_repository_needs_enough_keys_and_is_made_once(tmp_path: Path) -> None:
    people = team(tmp_path / "keys")
    repository = Repository(tmp_path / "repo")
    with refused("no_repository"):
        repository.require()
    with refused("too_few_keys"):
        publish_roles.create(repository, ring(people, "anna", "machine"))
    with refused("too_few_keys"):
        publish_roles.create(repository, everyone(people), {"software": 3})
    assert not repository.folder.exists()
    publish_roles.create(repository, everyone(people))
    with refused("repository_exists"):
        publish_roles.create(repository, everyone(people))


def test_what_runs_out_is_said_in_time_and_renewed(tmp_path: Path) -> None:
    people, now = team(tmp_path / "keys"), [NOW]
    repository = Repository(tmp_path / "repo", lambda: now[0])
    publish_roles.create(repository, everyone(people))
    out(repository, people)
    assert publish_show.warnings(repository) == []
    now[0] += 160 * DAY
    said = {one["role"]: (one["code"], one["days"]) for one in publish_show.warnings(repository)}
    assert said == {
        "targets": ("expires", 20), "software": ("expires", 20),
        "snapshot": ("expired", -146), "timestamp": ("expired", -153),
    }  # fmt: skip
    first = repository.publish(everyone(people), anyway=True)
    assert [role for role, _ in first.roles] == ["snapshot", "timestamp"]
    again = repository.publish(everyone(people), anyway=True)
    assert [role for role, _ in again.roles] == ["timestamp"], "a fresh snapshot was made anew"
    for role in ("targets", "software"):
        publish_roles.renew(repository, role)
    out(repository, people)
    assert publish_show.warnings(repository) == []
    trust = practice(repository, tmp_path / "trust", now=lambda: now[0])
    trust.refresh()


def test_two_publishers_do_not_work_at_once(tmp_path: Path) -> None:
    with publish_files.holding(tmp_path), refused("busy"), publish_files.holding(tmp_path):
        pytest.fail("both hold it")
    with publish_files.holding(tmp_path), refused("busy"), publish_files.holding(tmp_path):
        pytest.fail("the lock was not free again, or nobody holds it now")
