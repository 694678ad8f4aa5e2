"""Several people publish: who must still sign is told, two sign on two machines, keys change, a cut leaves nothing half."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from praxisd.services.updates import publish_elements, publish_files, publish_keys, publish_roles
from praxisd.services.updates.publish_keys import Keyring
from praxisd.services.updates.publish_repository import Repository
from praxisd_guard import faults
from praxisd_guard.faults import TrustFault

from .publish_cast import everyone, out, practice, refused, ring, team, tree

TITLE = {"de": "praxisd", "en": "praxisd"}


@pytest.fixture
def people(tmp_path: Path) -> dict[str, Path]:
    return team(tmp_path / "keys")


@pytest.fixture
def repository(tmp_path: Path, people: dict[str, Path]) -> Repository:
    """Published, with one element and no version."""
    made = Repository(tmp_path / "repo")
    publish_roles.create(made, everyone(people))
    out(made, people)
    publish_elements.add_element(made, publish_elements.planned(made, "praxisd", "software", TITLE))
    out(made, people)
    return made


def _offer(repository: Repository, folder: Path, version: str) -> None:
    package = folder / "package.zip"
    package.write_bytes(b"PK\x03\x04 " + version.encode())
    release = publish_elements.Release(version, "2026-11-27")
    publish_elements.add_version(repository, "praxisd", package, release)


def _versions(trust: Any) -> list[str]:
    trust.refresh()
    return [one.version for one in trust.offers("praxisd")]


def test_who_must_still_sign_is_told_and_nothing_is_published_before(
    tmp_path: Path, people: dict[str, Path]
) -> None:
    repository = Repository(tmp_path / "repo")
    publish_roles.create(repository, everyone(people))
    with refused("not_complete") as caught:
        repository.publish(everyone(people), anyway=True)
    assert caught.value.params == {"role": "root", "have": 0, "need": 2, "names": "anna, ben, cleo"}
    found = {one.role: one for one in repository.sign(ring(people, "anna"))}
    assert (found["root"].have, found["root"].need, found["root"].missing) == (1, 2, ("ben", "cleo"))
    assert (found["software"].signed, found["software"].missing) == (("anna",), ("ben",))
    done = repository.publish(ring(people, "anna", "machine"))
    assert done.roles == () and {one.role for one in done.waiting} == {"root", "targets", "software"}
    assert not repository.metadata.exists()
    repository.sign(ring(people, "cleo"))
    assert repository.publish(ring(people, "machine")).roles == (), "software lacks ben"
    repository.sign(ring(people, "ben"))
    assert repository.publish(ring(people, "machine")).waiting == ()
    practice(repository, tmp_path / "trust").refresh()


def test_two_people_sign_on_two_machines(
    tmp_path: Path, people: dict[str, Path], repository: Repository
) -> None:
    trust = practice(repository, tmp_path / "trust")
    _offer(repository, tmp_path, "0.2.0")
    repository.sign(ring(people, "anna"))
    stick = Repository(tmp_path / "stick")  # only what must travel: no targets, no keys
    for name in ("metadata", "staged"):
        shutil.copytree(repository.folder / name, stick.folder / name)
    with refused("no_key_here") as caught:
        stick.sign(ring(people, "cleo"))
    assert caught.value.params["names"] == "ben"
    assert [(one.role, one.enough) for one in stick.sign(ring(people, "ben"))] == [("software", True)]
    with refused("online_keys_missing"):
        stick.publish(ring(people, "ben"))
    assert _versions(trust) == []
    shutil.copytree(stick.folder / "staged", repository.folder / "staged", dirs_exist_ok=True)
    assert repository.publish(ring(people, "machine")).waiting == ()
    assert _versions(trust) == ["0.2.0"]


def test_signatures_of_before_do_not_count_for_what_came_later(
    tmp_path: Path, people: dict[str, Path], repository: Repository
) -> None:
    _offer(repository, tmp_path, "0.2.0")
    repository.sign(everyone(people))
    _offer(repository, tmp_path, "0.3.0")
    assert repository.standing("software").have == 0
    out(repository, people)
    assert _versions(practice(repository, tmp_path / "trust")) == ["0.3.0", "0.2.0"]


def test_a_signature_of_somebody_else_does_not_count(
    tmp_path: Path, people: dict[str, Path], repository: Repository
) -> None:
    publish_keys.make_all(tmp_path / "mallory", ["root", "targets", "software"], "mallory")
    _offer(repository, tmp_path, "0.2.0")
    with refused("no_key_here"):
        repository.sign(Keyring([tmp_path / "mallory"]))
    waiting = repository.staged("software")
    assert waiting is not None
    theirs = Keyring([tmp_path / "mallory"])
    signer = theirs.signer(theirs.of("software")[0].key.keyid)
    assert signer is not None
    waiting.sign(signer, append=True)
    publish_files.write(repository.folder / "staged" / "software.json", waiting.to_bytes())
    assert repository.standing("software").have == 0
    assert repository.publish(ring(people, "machine")).roles == ()


def test_a_chain_of_roots_leads_an_old_practice_on(
    tmp_path: Path, people: dict[str, Path], repository: Repository
) -> None:
    first = (repository.metadata / "1.root.json").read_bytes()
    early = practice(repository, tmp_path / "early", first)
    early.refresh()
    publish_keys.make_all(tmp_path / "dora", ["root"], "dora")
    publish_keys.make_all(tmp_path / "emil", ["root"], "emil")
    people |= {"dora": tmp_path / "dora", "emil": tmp_path / "emil"}
    for new, gone in (("dora", "anna"), ("emil", "ben")):
        public = publish_keys.Keyring([people[new]]).of("root")
        publish_roles.rotate(repository, "root", public, [gone])
        repository.sign(ring(people, new))
        standing = repository.standing("root")
        assert not standing.enough and (standing.have, standing.need) == (0, 2), "the old ones must sign too"
        repository.sign(everyone(people))
        assert repository.publish(ring(people, "machine")).roles[0][0] == "root"
    assert (repository.metadata / "3.root.json").exists()
    _offer(repository, tmp_path, "0.2.0")
    out(repository, people)
    assert _versions(early) == ["0.2.0"]
    assert _versions(practice(repository, tmp_path / "late", first)) == ["0.2.0"]


def test_a_new_root_without_the_old_threshold_is_not_published(
    people: dict[str, Path], tmp_path: Path, repository: Repository
) -> None:
    publish_keys.make_all(tmp_path / "dora", ["root"], "dora")
    people["dora"] = tmp_path / "dora"
    publish_roles.rotate(repository, "root", Keyring([people["dora"]]).of("root"), ["anna", "ben"])
    repository.sign(ring(people, "dora", "cleo"))  # enough for the new ones, one of the old
    standing = repository.standing("root")
    assert (standing.have, standing.need, standing.missing) == (1, 2, ("anna", "ben"))
    assert repository.publish(ring(people, "machine")).roles == ()
    repository.sign(ring(people, "anna"))
    assert dict(repository.publish(ring(people, "machine")).roles)["root"] == 2
    practice(repository, tmp_path / "trust", (repository.metadata / "1.root.json").read_bytes()).refresh()


@pytest.mark.parametrize("role", ["software", "targets", "timestamp", "snapshot"])
def test_keys_of_a_role_change_and_practices_follow(
    role: str, tmp_path: Path, people: dict[str, Path], repository: Repository
) -> None:
    trust = practice(repository, tmp_path / "trust")
    trust.refresh()
    publish_keys.make_all(tmp_path / "dora", [role], "dora")
    new = Keyring([tmp_path / "dora"]).of(role)
    gone = "machine" if role in publish_keys.ONLINE else "anna"
    publish_roles.rotate(repository, role, new, [gone])
    people["dora"] = tmp_path / "dora"
    out(repository, people)
    _offer(repository, tmp_path, "0.2.0")
    out(repository, people)
    assert _versions(trust) == ["0.2.0"]
    if role == "software":  # who went cannot sign any more
        _offer(repository, tmp_path, "0.3.0")
        assert not any("anna" in one.signed for one in repository.sign(ring(people, "anna", "ben")))
        assert repository.publish(ring(people, "machine")).roles == ()


def test_a_role_and_what_it_signs_come_out_together(
    tmp_path: Path, people: dict[str, Path], repository: Repository
) -> None:
    publish_keys.make_all(tmp_path / "dora", ["software"], "dora")
    publish_roles.rotate(repository, "software", Keyring([tmp_path / "dora"]).of("software"), ["anna"])
    repository.sign(ring(people, "anna", "ben", "cleo"), ["targets"])
    assert repository.publish(ring(people, "machine")).roles == (), "targets came out before software"
    people["dora"] = tmp_path / "dora"
    repository.sign(ring(people, "ben", "dora"))
    assert {role for role, _ in repository.publish(ring(people, "machine")).roles} >= {"targets", "software"}
    practice(repository, tmp_path / "trust").refresh()


def test_a_change_of_keys_that_cannot_be_is_refused(
    tmp_path: Path, people: dict[str, Path], repository: Repository
) -> None:
    before = tree(repository.folder)
    with refused("too_few_keys"):
        publish_roles.rotate(repository, "software", remove=["anna"])
    with refused("key_unknown"):
        publish_roles.rotate(repository, "software", remove=["nobody"])
    with refused("no_change"):
        publish_roles.rotate(repository, "software")
    with refused("role_missing"):
        publish_roles.rotate(repository, "data-icd", remove=["anna"])
    with refused("too_few_keys"):
        publish_roles.add(repository, everyone(people), "data-icd")
    with refused("role_online"):
        publish_roles.renew(repository, "timestamp")
    with refused("role_unknown"):
        publish_roles.renew(repository, "../root")
    with refused("role_unknown"):
        repository.sign(everyone(people), ["../metadata/1.root"])
    with refused("nothing_waits"):
        repository.sign(everyone(people), ["root"])
    with refused("role_exists"):
        publish_roles.add(repository, everyone(people), "software")
    assert tree(repository.folder) == before


def test_a_role_added_later_is_read_by_practices(
    tmp_path: Path, people: dict[str, Path], repository: Repository
) -> None:
    trust = practice(repository, tmp_path / "trust")
    trust.refresh()
    publish_keys.make_all(tmp_path / "icd", ["data-icd"], "team")
    people["icd"] = tmp_path / "icd"
    publish_roles.add(repository, everyone(people), "data-icd")
    one = publish_elements.planned(repository, "icd", "data", TITLE)
    publish_elements.add_element(repository, one)
    out(repository, people)
    trust.refresh()
    assert [each.name for each in trust.elements()] == ["praxisd", "icd"] and trust.offers("icd") == []


class _CutOff(BaseException):
    """The program is gone."""


def test_a_publisher_cut_off_at_any_file_has_published_all_or_nothing(
    tmp_path: Path, people: dict[str, Path], repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    write: Callable[..., None] = publish_files.write
    _offer(repository, tmp_path, "0.2.0")
    repository.sign(everyone(people))
    shutil.copytree(repository.folder, tmp_path / "before")
    seen = []
    for number in range(1, 20):
        folder = tmp_path / f"cut-{number}"
        shutil.copytree(tmp_path / "before", folder)
        one, left = Repository(folder), [number]

        def dying(*args: Any, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise _CutOff
            write(*args)

        monkeypatch.setattr(publish_files, "write", dying)
        try:
            one.publish(everyone(people))
        except _CutOff:
            done = False
        else:
            done = True
        monkeypatch.setattr(publish_files, "write", write)
        known = (repository.metadata / "1.root.json").read_bytes()
        seen.append(_versions(practice(one, tmp_path / f"trust-{number}", known)))
        if done:
            break
        one.publish(everyone(people), anyway=True)  # the next call brings it to its end
        assert _versions(practice(one, tmp_path / f"again-{number}", known)) == ["0.2.0"]
    assert len(seen) >= 4 and seen[-1] == ["0.2.0"] and all(one == [] for one in seen[:-1])


def test_what_is_out_already_waits_no_more(
    tmp_path: Path, people: dict[str, Path], repository: Repository
) -> None:
    """Cut off before its last step, or a stick that comes back late: the number that is out is never used again."""
    _offer(repository, tmp_path, "0.2.0")
    repository.sign(everyone(people))
    shutil.copytree(repository.folder / "staged", tmp_path / "late")
    repository.publish(everyone(people))
    trust = practice(repository, tmp_path / "trust")
    assert _versions(trust) == ["0.2.0"]
    shutil.copytree(tmp_path / "late", repository.folder / "staged", dirs_exist_ok=True)
    assert repository.staged_roles() == []
    _offer(repository, tmp_path, "0.3.0")
    out(repository, people)
    assert _versions(trust) == ["0.3.0", "0.2.0"]


def test_a_repository_signed_by_others_is_refused_by_the_practice(
    tmp_path: Path, people: dict[str, Path], repository: Repository
) -> None:
    other = Repository(tmp_path / "other")
    others = team(tmp_path / "others")
    publish_roles.create(other, everyone(others))
    out(other, others)
    trust = practice(other, tmp_path / "trust", (repository.metadata / "1.root.json").read_bytes())
    with pytest.raises(TrustFault) as caught:
        trust.refresh()
    assert caught.value.code in (faults.WRONG_KEY, faults.THRESHOLD)
