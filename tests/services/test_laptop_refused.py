"""Files that are not taken: each says plainly why, and no row of any table is changed."""

import json

import pytest

from praxisd.kernel.errors import Problem
from praxisd.services.exchange import (
    laptop_file,
    laptop_lending,
    laptop_opening,
    laptop_returning,
    laptop_sealing,
    laptop_store,
)
from praxisd.services.exchange.laptop_returning import take

from .laptop_cast import KEY, UNTIL, digests, home_of, on, opened, pack, the_home, the_laptops  # noqa: F401
from .test_laptop import change

SECRET = "ein-langes-Kennwort"


@pytest.fixture(name="laptop")
def the_laptop(home, laptops, clock):
    home.given = home.lend()
    found = opened(laptops, home.given, clock)
    change(found, home.anna, note="vom Laptop")
    return found


def refused(home, file, code, status, passphrase=None):
    before = digests(home)
    with pytest.raises(Problem) as found:
        take(home.house, home.actor, file, passphrase)
    assert (found.value.code, found.value.status) == (f"exchange.{code}", status)
    assert digests(home) == before
    for part in ("title", "cause", "solution"):
        for lang in ("de", "en"):
            assert home.house.texts.get(f"exchange.{code}.{part}", lang, **found.value.params)


def resealed(home, laptop, change_lines):
    """The file as somebody would make it who can open it and knows the recipient, yet not the secret."""
    with laptop.store.read(on(laptop)) as tx:
        out = json.loads(laptop_store.laptop(tx).manifest)
    with home.house.store.read(home.actor) as tx:
        row = laptop_store.loan(tx, out["loan"])
    kept = json.loads(home.house.vault.open(laptop_lending.PURPOSE, home.practice.organization, row.secret))
    plain = laptop_sealing.open_with_keys(pack(laptop), [kept["identity"]])
    return laptop_sealing.seal_for(change_lines(plain), out["recipient"])


def test_a_wrong_passphrase_and_none_at_all(home, laptop):
    file = pack(laptop, passphrase=SECRET)
    refused(home, file, "passphrase_wrong", 422, "ein-anderes-Kennwort")
    refused(home, file, "passphrase_missing", 422)
    assert take(home.house, home.actor, file, SECRET).changed == 1


def test_a_file_that_was_cut_off_anywhere(home, laptop):
    file = pack(laptop)
    for size in (len(file) - 1, len(file) - 30, 300, 230):
        with pytest.raises(Problem) as found:
            take(home.house, home.actor, file[:size])
        assert found.value.code in ("exchange.file_damaged", "exchange.key_wrong"), size
    refused(home, file[:-1], "file_damaged", 422)
    refused(home, b"", "file_foreign", 422)


def test_a_file_in_which_one_bit_was_changed(home, laptop):
    file = bytearray(pack(laptop))
    file[-40] ^= 1
    refused(home, bytes(file), "file_damaged", 422)


def test_somebody_who_knows_the_recipient_and_not_the_secret(home, laptop):
    def other(plain):
        return plain.replace(b"vom Laptop", b"vom Feinde")

    refused(home, resealed(home, laptop, other), "file_damaged", 422)
    refused(
        home, resealed(home, laptop, lambda plain: b"\n".join(plain.split(b"\n")[:-2])), "file_damaged", 422
    )


def test_a_file_of_a_newer_program(home, laptop):
    newer = resealed(home, laptop, lambda plain: plain.replace(b'"schema":1', b'"schema":2'))
    refused(home, newer, "file_newer", 422)


def test_another_practices_file(house, home, laptop, laptops, clock):
    stranger = home_of(laptops.open())
    theirs = opened(laptops, stranger.lend(), clock)
    refused(home, pack(theirs), "key_wrong", 422)  # nobody here has its key
    refused(home, pack(theirs, passphrase=SECRET), "file_other_practice", 409, SECRET)
    neighbour = home_of(house)  # in the same installation
    other = opened(laptops, neighbour.lend(), clock)
    refused(home, pack(other), "key_wrong", 422)


def test_what_is_no_laptop_file_or_goes_the_other_way(home, laptop):
    refused(home, b"%PDF-1.7 ...", "file_foreign", 422)
    refused(home, laptop_sealing.seal_with_passphrase(b"hello", SECRET), "file_foreign", 422, SECRET)
    out = home.lend(recipient=None, passphrase=SECRET)
    refused(home, out.file, "file_goes_out", 422, SECRET)


def test_a_laptop_that_was_lost_brings_nothing_any_more(home, laptop):
    file = pack(laptop)
    home.do(lambda tx: laptop_lending.revoke(tx, home.given.loan))
    refused(home, file, "loan_revoked", 409)
    before = digests(home)
    home.do(lambda tx: laptop_lending.revoke(tx, home.given.loan))
    assert digests(home) == before
    with pytest.raises(Problem, match="not_found"):
        home.do(lambda tx: laptop_lending.revoke(tx, "nobody"))


def test_a_laptop_that_is_reported_lost_while_its_file_is_read_brings_nothing_more(home, laptop, monkeypatch):
    """And what it had is not kept again behind the report."""
    change(laptop, home.ben, note="vom Laptop")
    file, real, calls = pack(laptop), laptop_returning._merge, []

    def lost(*args):
        calls.append(1)
        if len(calls) == 2:
            home.do(lambda tx: laptop_lending.revoke(tx, home.given.loan))
        return real(*args)

    monkeypatch.setattr(laptop_returning, "_merge", lost)
    with pytest.raises(Problem, match="loan_revoked"):
        take(home.house, home.actor, file)
    assert sum(home.patient(one).note == "vom Laptop" for one in (home.anna, home.ben)) == 1
    assert home.read(lambda tx: laptop_store.bases(tx, home.given.loan)) == []
    assert home.read(laptop_store.open_conflicts) == []


def test_a_loan_nobody_knows(home, laptop, monkeypatch):
    """As after an older backup was restored."""
    file = pack(laptop, passphrase=SECRET)
    monkeypatch.setattr(laptop_store, "loans", lambda _tx: [])
    refused(home, file, "loan_unknown", 409, SECRET)


def test_one_file_opened_on_two_laptops(home, laptop, laptops, clock):
    second = opened(laptops, home.given, clock)
    change(second, home.anna, note="vom zweiten")
    take(home.house, home.actor, pack(laptop))
    pack(second)
    refused(home, pack(second), "loan_other_laptop", 409)
    assert home.patient(home.anna).note == "vom Laptop"


def test_on_the_laptop_itself(home, laptop):
    with pytest.raises(Problem, match="laptop_lends_not"):
        laptop_lending.lend(laptop, on(laptop), [home.anna], "x", UNTIL, recipient=KEY.recipient)
    with pytest.raises(Problem, match="laptop_lends_not"):
        take(laptop, on(laptop), pack(laptop))
    with pytest.raises(Problem, match="not_a_laptop"):
        laptop_opening.pack(home.house, home.actor)
    content = laptop_file.read(laptop_sealing.open_with_keys(home.given.file, [KEY.identity]), "out")
    with pytest.raises(Problem, match="folder_used"):
        laptop_opening.fill(laptop, content, laptop_opening.Owner("x", "x", "x"))


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"recipient": None, "passphrase": "zu kurz"}, "passphrase_weak"),
        ({"recipient": None, "passphrase": "aaaaaaaaaaaaaaaa"}, "passphrase_weak"),
        ({"recipient": None}, "passphrase_missing"),
        ({"passphrase": SECRET}, "passphrase_missing"),
        ({"recipient": "age1unsinn"}, "recipient_invalid"),
    ],
)
def test_a_loan_that_is_not_made(home, more, code):
    before = digests(home)
    with pytest.raises(Problem, match=code):
        home.lend(**more)
    with pytest.raises(Problem, match="patient_unknown"):
        home.lend("nobody")
    home.house.clock.advance(30 * 86_400)
    with pytest.raises(Problem, match="loan_days"):
        home.lend()
    assert digests(home) == before


def test_the_proposed_passphrase_is_strong_and_opens(home):
    word = laptop_sealing.propose()
    laptop_sealing.check_passphrase(word)
    assert word != laptop_sealing.propose() and len(word) == 24
    file = home.lend(recipient=None, passphrase=word).file
    assert word.encode() not in file and b"Adler" not in file
    assert laptop_file.read(laptop_sealing.open_with_passphrase(file, word), "out").manifest.way == "out"


def test_a_broken_record_is_refused_before_anything_is_taken(home, laptop, monkeypatch):
    monkeypatch.setattr(laptop_opening, "_changes", lambda tx, out: [
        laptop_opening.Line(kind="Patient", id=home.anna, doc={"id": home.anna, "family": "Neu"}),
        laptop_opening.Line(kind="Treatment", id="t1", doc={"id": "t1"}),
    ])  # fmt: skip
    refused(home, pack(laptop), "record_invalid", 422)
