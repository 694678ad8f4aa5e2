"""Passwords of the backups: a change orphans no medium, wherever it is cut off, and each medium's right one is known."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel.errors import Problem
from praxisd.kernel.vault import Vault
from praxisd.services.backups.engine import EngineFault, Repo
from praxisd.services.backups.engines.restic import Restic
from praxisd.services.backups.keys import keeping, keyring
from praxisd.testing.houses import Houses

from .backup_keys_cast import Cut, KeysOnly, Killed, Shelf, shelf


@pytest.fixture
def media(sqlite_houses: Houses, tmp_path: Path) -> Shelf:
    return shelf(sqlite_houses.open(), tmp_path / "media")


@pytest.fixture
def pretended(houses: Houses, tmp_path: Path) -> Shelf:
    return shelf(houses.open(), tmp_path / "media", KeysOnly())


def opened_by(media: Shelf, medium: str) -> tuple[int, ...]:
    with media.house.store.read(keeping.OWN) as tx:
        return keyring.opened_by(tx, medium)


def changed(media: Shelf) -> None:
    media.house.store.run(keeping.OWN, lambda tx: keeping.add(media.house, tx, only_first=False))


def test_a_new_medium_is_opened_by_the_password_and_by_the_recovery_key(media: Shelf) -> None:
    place = media.place("a")
    repo, repository = keyring.set_up(media.house, media.engine, place, "m1")
    assert len(repository) == 64 and repository == media.engine.identity(repo)
    assert media.who_opens("a") == {"password 1", "recovery 1"}
    assert opened_by(media, "m1") == (1,)
    assert keyring.repo_of(media.house, place, "m1") == repo
    assert not keyring.rewrap(media.house, media.engine, place, "m1")


def test_what_is_noted_is_not_tried(pretended: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    media = pretended
    repo, _ = keyring.set_up(media.house, media.engine, media.place("a"), "m1")
    monkeypatch.delattr(KeysOnly, "keys")
    assert keyring.repo_of(media.house, repo.place, "m1") == repo
    assert not keyring.rewrap(media.house, media.engine, repo.place, "m1")


def test_a_set_up_is_gone_on_with_but_never_over_states(media: Shelf, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    place = media.place("a")
    _, first = keyring.set_up(media.house, media.engine, place, "m1")
    repo, again = keyring.set_up(media.house, media.engine, place, "m1")
    assert first == again and len(media.engine.keys(repo)) == 2
    media.copy(repo, tmp_path / "file")
    with pytest.raises(Problem, match=r"backups\.repository_there"):
        keyring.set_up(media.house, media.engine, place, "m1")
    foreign = Repo(media.place("b"), "somebody else's")
    media.engine.init(foreign)
    with pytest.raises(EngineFault):
        keyring.set_up(media.house, media.engine, foreign.place, "m2")


def test_changed_between_two_media_each_opens_with_its_own_and_the_right_one_is_named(
    media: Shelf, tmp_path: Path
) -> None:
    """Done-when 4 of the backups."""
    file = tmp_path / "befund.txt"
    house, snapshots = media.house, {}
    for name in ("a", "b"):
        file.write_text(f"on {name}")
        repo, _ = keyring.set_up(house, media.engine, media.place(name), name)
        snapshots[name] = media.copy(repo, file)
    house.clock.advance(5 * 86_400)  # type: ignore[attr-defined]
    changed(media)
    assert keyring.rewrap(house, media.engine, media.place("b"), "b")  # a is outside of the practice
    assert opened_by(media, "a") == (1,) and opened_by(media, "b") == (2,)
    assert media.who_opens("a") == {"password 1", "recovery 1"}
    assert media.who_opens("b") == {"password 2", "recovery 1"}
    for name in ("a", "b"):
        restored = tmp_path / f"back-{name}"
        repo = keyring.repo_of(house, media.place(name), name)
        media.engine.restore(repo, snapshots[name], restored, progress=lambda *_: None, stop=lambda: False)
        assert (restored / file.relative_to("/")).read_text() == f"on {name}"
    # A server whose vault was lost cannot read its passwords: it says which one it needs.
    (house.folder / "vault.key").unlink()
    house.vault = Vault(house.folder / "vault.key")
    for name, number, since in (("a", 1, "23.11.2026"), ("b", 2, "28.11.2026")):
        with pytest.raises(Problem) as refused:
            keyring.repo_of(house, media.place(name), name)
        assert refused.value.code == "backups.password_needed"
        assert refused.value.params == {"number": number, "since": since}


def test_a_medium_that_was_away_gets_the_newest_when_it_is_back(media: Shelf, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    repo, _ = keyring.set_up(media.house, media.engine, media.place("a"), "m1")
    old = media.copy(repo, file)
    for _ in range(2):
        changed(media)
    media.house.store.run(keeping.OWN, lambda tx: keeping.add_recovery(media.house, tx, only_first=False))
    assert keyring.repo_of(media.house, repo.place, "m1") == repo
    assert keyring.rewrap(media.house, media.engine, repo.place, "m1")
    assert media.who_opens("a") == {"password 3", "recovery 2"}
    assert opened_by(media, "m1") == (3,)
    new = keyring.repo_of(media.house, repo.place, "m1")
    assert new.secret != repo.secret and [one.id for one in media.engine.snapshots(new)] == [old]


def test_wherever_a_change_is_cut_off_the_medium_opens_and_the_next_look_finishes(pretended: Shelf) -> None:
    steps = _cut_everywhere(pretended, range(200))
    assert [one for one in steps if "_key" in one] == [
        "before add_key", "after add_key", "before remove_key", "after remove_key",
    ]  # fmt: skip
    added, noted, removed = (steps.index(one) for one in ("after add_key", "after note", "before remove_key"))
    tried = steps.index("after keys", added)
    assert added < tried < noted < removed


def test_wherever_a_change_of_both_is_cut_off_a_sheet_opens_the_medium(pretended: Shelf) -> None:
    steps = _cut_everywhere(pretended, range(200), both=True)
    assert steps.index("before remove_key") > max(
        at for at, one in enumerate(steps) if one == "after add_key"
    )
    assert steps.count("after add_key") == steps.count("after remove_key") == 2


def test_cut_off_with_a_real_restic_between_adding_and_taking_away(media: Shelf) -> None:
    for wanted in ("after add_key", "before remove_key", "after remove_key"):
        cut = Cut(wanted)
        _cut_once(media, cut, wanted.replace(" ", "-"))
        assert cut.taken[-1] == wanted


def _cut_everywhere(media: Shelf, points: Iterable[int], *, both: bool = False) -> list[str]:
    """The steps of the first change that came to its end."""
    for at in points:
        cut = Cut(at)
        if not _cut_once(media, cut, f"m{at}", both=both):
            return cut.taken
    raise AssertionError("it never came to its end")


def _cut_once(media: Shelf, cut: Cut, name: str, *, both: bool = False) -> bool:
    """Change the password, cut off the medium's change, look whether all is well, and finish it; False if it was not cut."""
    house, place = media.house, media.place(name)
    keyring.set_up(house, media.engine, place, name)
    changed(media)
    if both:
        house.store.run(keeping.OWN, lambda tx: keeping.add_recovery(house, tx, only_first=False))
    was_cut = _cut_off(media, cut, place, name)
    assert media.engine.keys(keyring.repo_of(house, place, name))  # one that is noted as ours opens it
    assert any(one.startswith("recovery") for one in media.who_opens(name))
    keyring.rewrap(house, media.engine, place, name)
    with house.store.read(keeping.OWN) as tx:
        now, sheet = keeping.current(house, tx), keeping.recovery(house, tx)
    assert media.who_opens(name) == {f"password {now.no}", f"recovery {sheet.no}"}
    assert opened_by(media, name) == (now.no,)
    assert len(media.engine.keys(keyring.repo_of(house, place, name))) == 2
    return was_cut


def test_a_key_left_by_a_change_that_was_cut_off_and_overtaken_goes_too(pretended: Shelf) -> None:
    media = pretended
    place = media.place("a")
    repo, _ = keyring.set_up(media.house, media.engine, place, "m1")
    media.engine.add_key(repo, "the service partner's own")
    changed(media)
    assert _cut_off(media, Cut("after add_key"), place, "m1")  # it was added, and not noted
    assert "password 2" in media.who_opens("a") and opened_by(media, "m1") == (1,)
    changed(media)
    keyring.rewrap(media.house, media.engine, place, "m1")
    assert media.who_opens("a") == {"password 3", "recovery 1"}
    assert media.engine.keys(Repo(place, "the service partner's own"))  # what we did not make stays
    assert len(media.engine.keys(Repo(place, "the service partner's own"))) == 3


def test_a_set_up_that_is_cut_off_is_finished(pretended: Shelf) -> None:
    for at in range(40):
        place, name = pretended.place(f"m{at}"), f"m{at}"
        cut = Cut(at)
        try:
            keyring.set_up(pretended.house, cut.engine(pretended.engine), place, name)
        except Killed:
            keyring.set_up(pretended.house, pretended.engine, place, name)
            assert pretended.who_opens(name) == {"password 1", "recovery 1"}
            assert len(pretended.engine.places[place]) == 2
            continue
        break
    assert "after add_key" in cut.taken


def test_an_init_that_was_killed_leaves_nothing_in_the_way(media: Shelf) -> None:
    repo = Repo(media.place("a"), "a password")
    Restic.init(media.engine, repo)
    (Path(repo.place) / "config").unlink()
    Restic.init(media.engine, repo)
    assert len(media.engine.keys(repo)) == 1
    media.engine.add_key(repo, "another one")
    with pytest.raises(EngineFault):
        Restic.init(media.engine, repo)
    assert len(media.engine.keys(repo)) == 2


def test_a_database_of_an_earlier_day_still_opens_what_was_changed_since(pretended: Shelf) -> None:
    """Restored from a state before the change: the recovery key opens it, and the password of that day is let in again."""
    media = pretended
    place = media.place("a")
    keyring.set_up(media.house, media.engine, place, "m1")
    with media.house.store.read(keeping.OWN) as tx:
        first = keeping.current(media.house, tx)
        recovery = keeping.recovery(media.house, tx)
    repo = Repo(place, keeping.text_of(media.house, recovery))
    media.engine.add_key(repo, "number two, of which this database knows nothing")
    old = next(
        one for one in media.engine.keys(Repo(place, keeping.text_of(media.house, first))) if one.current
    )
    media.engine.remove_key(repo, old.id)
    assert keyring.repo_of(media.house, place, "m1") == repo
    assert keyring.rewrap(media.house, media.engine, place, "m1")
    assert media.who_opens("a") == {"password 1", "recovery 1"}


def test_typed_by_a_person(pretended: Shelf) -> None:
    media = pretended
    place = media.place("a")
    keyring.set_up(media.house, media.engine, place, "m1")
    with media.house.store.read(keeping.OWN) as tx:
        key = keeping.text_of(media.house, keeping.recovery(media.house, tx))
    shown = " ".join(key[at : at + 4] for at in range(0, 36, 4)).upper()
    assert keyring.repo_by(media.house, place, "m1", f"  {shown}\n") == Repo(place, key)
    with pytest.raises(Problem, match="password_needed"):
        keyring.repo_by(media.house, place, "m1", "a guess")
    with pytest.raises(Problem, match="password_wrong"):
        keyring.repo_by(media.house, place, "unknown", "a guess")
    wrong = "x" if key[8] != "x" else "w"
    with pytest.raises(Problem) as mistyped:
        keyring.repo_by(media.house, place, "m1", key[:8] + wrong + key[9:])
    assert mistyped.value.params == {"group": 3}


def _cut_off(media: Shelf, cut: Cut, place: str, medium: str) -> bool:
    """Rewrap until it is cut off; False if it came to its end."""
    run: Any = media.house.store.run
    shared = dict(media.house.shared)
    engine = cut.engine(media.engine)
    media.house.shared["backups.engine"] = engine
    media.house.store.run = cut.around("note", run)  # type: ignore[method-assign]
    try:
        keyring.rewrap(media.house, engine, place, medium)
    except Killed:
        return True
    finally:
        media.house.store.run = run  # type: ignore[method-assign]
        media.house.shared = shared
    return False


def test_a_target_far_away_is_changed_like_a_medium(
    pretended: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can look at its keys without opening it: so what opens it is tried."""
    media, address = pretended, "rest:https://backup.example/"
    monkeypatch.setattr(KeysOnly, "key_names", lambda *_: None)
    repo, _ = keyring.set_up(media.house, media.engine, address, "far")
    assert keyring.repo_of(media.house, address, "far") == repo
    assert not keyring.rewrap(media.house, media.engine, address, "far")
    changed(media)
    assert keyring.rewrap(media.house, media.engine, address, "far")
    assert opened_by(media, "far") == (2,)
    assert keyring.repo_of(media.house, address, "far").secret != repo.secret
    with pytest.raises(EngineFault, match=r"backups\.password_wrong"):
        media.engine.keys(repo)
