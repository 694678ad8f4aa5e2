"""The vault: nothing opens that should not, nothing is lost that was sealed."""

import base64
import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.kernel.vault import Vault


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.key"


def refusal(vault: Vault, purpose: str, organization: str, sealed: str) -> str:
    with pytest.raises(Problem) as caught:
        vault.open(purpose, organization, sealed)
    assert caught.value.status == 500
    assert not caught.value.retry
    return caught.value.code


def test_what_is_sealed_opens_again_after_a_restart(path: Path) -> None:
    sealed = Vault(path).seal("mail.password", "org", b"s\x00cret")
    assert Vault(path).open("mail.password", "org", sealed) == b"s\x00cret"
    assert "cret" not in sealed


def test_the_file_is_created_for_us_alone(path: Path) -> None:
    previous = os.umask(0)
    try:
        Vault(path)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["vault.key"]


def test_the_same_data_never_looks_the_same(path: Path) -> None:
    vault = Vault(path)
    assert len({vault.seal("a", "b", b"c") for _ in range(50)}) == 50


@pytest.mark.parametrize(
    ("purpose", "organization"),
    [("mail.key", "org"), ("mail.password", "other"), ("mail.passwordo", "rg"), ("", "")],
)
def test_it_opens_only_where_it_belongs(path: Path, purpose: str, organization: str) -> None:
    vault = Vault(path)
    sealed = vault.seal("mail.password", "org", b"secret")
    assert refusal(vault, purpose, organization, sealed) == "vault.tampered"


def test_every_changed_bit_is_noticed(path: Path) -> None:
    vault = Vault(path)
    head, key, body = vault.seal("p", "o", b"secret").split(".")
    raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    for index in range(len(raw)):
        changed = bytearray(raw)
        changed[index] ^= 1 << index % 8
        text = base64.urlsafe_b64encode(changed).decode().rstrip("=")
        assert refusal(vault, "p", "o", f"{head}.{key}.{text}") == "vault.tampered"


def test_a_second_spelling_of_the_same_bytes_is_noticed(path: Path) -> None:
    vault = Vault(path)
    sealed = vault.seal("p", "o", b"12345")  # 33 bytes: the last group is whole, so cut one for spare bits
    shorter = vault.seal("p", "o", b"1234")
    assert len(shorter.split(".")[2]) % 4
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = shorter[:-1] + alphabet[alphabet.index(shorter[-1]) ^ 1]
    assert refusal(vault, "p", "o", other) == "vault.tampered"
    assert vault.open("p", "o", sealed) == b"12345"


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "s1..", "s1.x", "s2.{key}.{body}", "s1.{key}.{body}.", "s1.{key}.ä", "s1.{key}.AAAA"],
)
def test_what_is_no_sealed_text_is_refused(path: Path, text: str) -> None:
    vault = Vault(path)
    _, key, body = vault.seal("p", "o", b"x").split(".")
    assert refusal(vault, "p", "o", text.format(key=key, body=body)) == "vault.tampered"


def test_rotation_seals_anew_and_still_opens_the_old(path: Path) -> None:
    vault = Vault(path)
    other = Vault(path)
    old = vault.seal("p", "o", b"old")
    key = vault.rotate()
    new = vault.seal("p", "o", b"new")
    assert vault.sealed_with(new) == key == vault.newest != vault.sealed_with(old)
    assert vault.open("p", "o", old) == b"old"
    # A process that has not read the new file yet looks into it for a key it does not know.
    assert other.open("p", "o", new) == b"new"
    later = Vault(path)
    assert later.key_ids == vault.key_ids
    assert (later.open("p", "o", old), later.open("p", "o", new)) == (b"old", b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["vault.key"]
    # Two processes that rotate after each other lose no key.
    other.rotate()
    assert set(vault.key_ids) < set(other.key_ids)


def test_a_lost_key_is_named(path: Path) -> None:
    vault = Vault(path)
    sealed = vault.seal("p", "o", b"x")
    path.unlink()
    with pytest.raises(Problem) as caught:
        Vault(path).open("p", "o", sealed)
    assert caught.value.code == "vault.key_missing"
    assert caught.value.params == {"key": vault.newest, "file": "vault.key"}


def test_an_absent_file_is_not_replaced_where_it_must_exist(path: Path) -> None:
    with pytest.raises(Problem) as caught:
        Vault(path, create=False)
    assert caught.value.code == "vault.key_missing"
    assert not path.exists()


def test_a_file_that_is_missed_leaves_the_vault_closed_until_it_is_back(path: Path) -> None:
    before = Vault(path)
    sealed, kept = before.seal("p", "o", b"x"), path.with_name("kept")
    path.rename(kept)
    closed = Vault(path, missed=before.key_ids)
    assert closed.closed and not path.exists() and closed.look() == () == closed.key_ids
    assert refusal(closed, "p", "o", sealed) == "vault.key_missing"
    with pytest.raises(Problem) as caught:
        closed.seal("p", "o", b"y")
    assert caught.value.params == {"key": before.newest, "file": "vault.key"}
    assert (closed.oldest, closed.newest) == (before.oldest, before.newest), (
        "what it stands for it still says"
    )
    assert not path.exists(), "nothing is made in its place"
    kept.rename(path)
    assert closed.open("p", "o", sealed) == b"x" and not closed.closed
    assert closed.look() == before.key_ids


def test_a_closed_vault_of_which_nobody_knows_a_key_says_so(path: Path) -> None:
    closed = Vault(path, missed=())
    for ask in (lambda: closed.oldest, lambda: closed.newest, lambda: closed.seal("p", "o", b"x")):
        with pytest.raises(Problem, match=r"vault\.key_missing"):
            ask()


def test_missed_is_only_what_is_not_there(path: Path) -> None:
    there = Vault(path)
    assert Vault(path, missed=("another",)).key_ids == there.key_ids


def test_a_program_that_knows_the_keys_writes_them_back(path: Path) -> None:
    vault = Vault(path)
    old = vault.seal("p", "o", b"old")
    vault.rotate()
    before = path.read_bytes()
    path.unlink()
    assert vault.look() == () and vault.open("p", "o", old) == b"old"
    assert vault.put_back() and path.read_bytes() == before and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["vault.key"]


def test_a_closed_vault_gets_a_new_key_only_where_that_is_asked_for(path: Path) -> None:
    before = Vault(path)
    sealed = before.seal("p", "o", b"x")
    path.unlink()
    closed = Vault(path, missed=before.key_ids)
    assert not closed.put_back() and closed.newest != before.newest
    assert closed.open("p", "o", closed.seal("p", "o", b"y")) == b"y"
    assert refusal(closed, "p", "o", sealed) == "vault.key_missing"


def test_a_file_that_came_meanwhile_is_not_overwritten(path: Path) -> None:
    before = Vault(path)
    kept = path.with_name("kept")
    path.rename(kept)
    closed = Vault(path, missed=before.key_ids)
    kept.rename(path)
    assert not closed.put_back() and closed.key_ids == before.key_ids


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o620])
def test_a_file_that_others_may_touch_is_refused(path: Path, mode: int) -> None:
    Vault(path)
    path.chmod(mode)
    with pytest.raises(Problem) as caught:
        Vault(path)
    assert caught.value.code == "vault.key_readable"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"praxisd-key-1 a b",
        b"praxisd-key-1 a\n",
        b"\xff\xfe",
        b"x" * 100_000,
        b"praxisd-key-1 a QUJD\n",
    ],
)
def test_a_damaged_file_is_named_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(Problem) as caught:
        Vault(path)
    assert caught.value.code == "vault.key_broken"
    assert path.read_bytes() == content


def test_a_key_twice_in_the_file_is_refused(path: Path) -> None:
    Vault(path)
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(Problem) as caught:
        Vault(path)
    assert caught.value.code == "vault.key_broken"


def test_racing_creators_agree_on_one_key(path: Path) -> None:
    start = threading.Barrier(8)
    keys: list[str] = []

    def work() -> None:
        start.wait()
        keys.append(Vault(path).newest)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


def test_it_does_not_show_its_keys(path: Path) -> None:
    vault = Vault(path)
    secret = path.read_text().split()[2]
    assert secret not in repr(vault)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    return Vault(tmp_path_factory.mktemp("vault") / "vault.key")


@given(st.text(), st.text(), st.binary())
def test_any_bytes_come_back(shared: Vault, purpose: str, organization: str, data: bytes) -> None:
    assert shared.open(purpose, organization, shared.seal(purpose, organization, data)) == data
