"""The logbook as an attacker sees it: orders that outlive their right, packages changed once shown, files taken away."""

import re
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner

from praxisd.kernel import control
from praxisd.kernel.access import Actor, Kind
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.services.accounts import api as accounts
from praxisd.services.logbook import checks, cli, ordering, packing, sending, store
from praxisd.services.logbook.book import book_of

from .logbook_cast import Scene, entry, ran, scene, tech
from .support_cast import with_mail

PARTNER = "hilfe@systemhaus-nord.example"
PASSWORD = "Der Hund bellt im Hof"
DAY = 86_400


@pytest.fixture
def there(house: Any) -> Any:
    with scene(house) as one:
        one.set("support.partner_email", PARTNER)
        yield one


def person(there: Scene, login: str = "anna", role: str = "owner") -> Actor:
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    given = {"login": login, "name": login.title(), "role": role, "password_hash": hashed}
    user = there.house.store.run(
        there.actor, lambda tx: accounts.create_user(tx, there.house.registry, **given)
    )
    return Actor(Kind.USER, user.id, there.organization, everything=True)


def ordered(there: Scene, who: Actor) -> str:
    no, until = there.shelf.last_no(), there.house.clock.now() + DAY

    def give(tx: Tx) -> str:
        return ordering.give(there.house, tx, to="", levels=["error"], sources=[], until=until, no=no)

    return there.house.store.run(who, give)


def packed(there: Scene, order: str) -> Any:
    """A package of the order as its job makes it, not sent yet."""
    there.write(entry(there.house, 30, "a.b", level="error"))
    with there.house.store.read(there.actor) as tx:
        held = store.order(tx, order)
    made = ordering._collected(there.house, there.actor, held)
    with there.house.store.read(there.actor) as tx:
        return held, packing.need(tx, made)


@pytest.mark.parametrize("end", ["right", "removed", "over", "withdrawn", "clock"])
def test_an_order_that_ends_between_packing_and_sending_sends_nothing(
    there: Scene, tmp_path: Path, end: str
) -> None:
    anna, house = person(there), there.house
    person(there, "eva")
    held, package = packed(there, ordered(there, anna))
    if end == "right":
        house.store.run(
            there.actor, lambda tx: accounts.change_user(tx, house.registry, anna.id, role="desk")
        )
    elif end == "removed":
        house.store.run(
            there.actor, lambda tx: accounts.change_user(tx, house.registry, anna.id, active=False)
        )
    elif end == "withdrawn":
        there("DELETE", f"/orders/{held.id}", None, 204, role="owner")
    else:
        house.clock.set(house.clock.now() + (DAY if end == "over" else -DAY))
    with with_mail(there, tmp_path) as post:
        assert sending.by_order(house, there.actor, held, package, "de") == "draft"
        ran(there, "logbook.send")
        assert post.bodies == []


def test_a_package_changed_behind_the_preview_is_refused(there: Scene, tmp_path: Path) -> None:
    anna = person(there)
    there.write(entry(there.house, 1, text="eins"), entry(there.house, 2, text="zwei"))
    made = there("POST", "/packages", {}, 201)

    def change(tx: Tx) -> None:
        row = packing.need(tx, made["id"])
        content = row.content.replace("eins", "EINS")
        store.rewrite(
            tx, row.id, row.digest, content=content, digest=row.digest, lines=row.lines, bytes_=row.bytes, dropped=0
        )  # fmt: skip

    there.house.store.run(there.actor, change)
    with with_mail(there, tmp_path) as post:
        with pytest.raises(Problem, match=r"logbook\.package_changed"):
            sending.by_click(there.house, anna, made["id"], made["sha256"], "de")
        assert post.bodies == []
    assert there("GET", f"/packages/{made['id']}")["state"] == "failed"


def test_a_signed_in_person_sends_over_rest_and_only_with_the_token_of_the_page(
    there: Scene, tmp_path: Path
) -> None:
    person(there)
    there.write(entry(there.house, 1, text="Fach leer"))
    made = there("POST", "/packages", {}, 201)
    answer = there.client.post("/api/v1/session", json={"login": "anna", "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    url, body = f"/api/v1/logbook/packages/{made['id']}/send", {"sha256": made["sha256"]}
    with with_mail(there, tmp_path) as post:
        assert there.client.post(url, json=body).status_code == 403, "a foreign page has no token"
        assert post.bodies == []
        headers = {"X-Praxisd-Csrf": answer.json()["csrf"]}
        wrong = there.client.post(url, json={"sha256": "0" * 64}, headers=headers)
        assert (wrong.status_code, wrong.json()["code"]) == (409, "logbook.package_changed")
        sent = there.client.post(url, json=body, headers=headers)
        assert (sent.status_code, sent.json()["state"], sent.json()["sentBy"]) == (200, "sent", "Anna")
        assert len(post.bodies) == 1


def test_the_command_sends_to_a_real_server(sqlite_houses: Any, tmp_path: Path) -> None:
    house = sqlite_houses.open()
    with scene(house) as there:
        there.set("support.partner_email", PARTNER)
        there.write(entry(house, 1, text="Fach leer"))
        made = there("POST", "/packages", {}, 201)

        def send() -> Any:
            return CliRunner().invoke(
                cli.logbook,
                ["send", made["id"], "--sha256", made["sha256"], "--yes", "--data", str(house.folder), "--lang", "en"],
                obj=lambda _folder, name, args: control.perform(house, name, args),
            )  # fmt: skip

        with with_mail(there, tmp_path) as post:
            done = send()
            assert done.exit_code == 0 and PARTNER in done.output, (done.output, done.exception)
            assert send().exit_code == 0 and len(post.bodies) == 1, "the same again sends nothing"


def test_an_order_that_fails_is_an_issue_until_it_gets_through(there: Scene, tmp_path: Path) -> None:
    ordered(there, person(there))
    there.write(entry(there.house, 5, "a.b", level="error"))
    assert list(checks.orders(there.house)) == []
    ran(there, "logbook.send")
    (found,) = checks.orders(there.house)
    assert (found.code, found.organization) == ("logbook.order_fails", there.organization)
    assert found.params == {"reason": "messaging.account_missing"}
    with with_mail(there, tmp_path) as post:
        ran(there, "logbook.send")
        assert len(post.bodies) == 1
    assert list(checks.orders(there.house)) == []


def test_entries_too_large_for_one_package_go_in_several(
    there: Scene, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(packing, "MOST_BYTES", 700)
    ordered(there, person(there))
    there.write(*(entry(there.house, n, "a.b", level="error", text="x" * 100) for n in range(1, 9)))
    with with_mail(there, tmp_path) as post:
        ran(there, "logbook.send")
        assert len(post.bodies) > 1


def test_an_order_goes_on_when_the_book_began_anew(there: Scene, tmp_path: Path) -> None:
    id_ = ordered(there, person(there))
    there.house.store.run(there.actor, lambda tx: store.reached(tx, id_, there.shelf.last_no(), 10**6))
    there.write(entry(there.house, 1, "a.b", level="error"))
    with with_mail(there, tmp_path) as post:
        ran(there, "logbook.send")
        ran(there, "logbook.send")
        assert len(post.bodies) == 1


def test_nobody_writes_in_the_name_of_another(there: Scene) -> None:
    other = {"entries": [entry(there.house, 1)]}
    there("POST", "/entries", {**other, "source": "seat-7"}, 400)
    there("POST", "/entries", {**other, "organization": "other"}, 400)
    there.write(entry(there.house, 1))
    assert {one["source"].partition(":")[0] for one in there.search()} == {"key"}


@pytest.mark.parametrize(
    "words",
    ['" OR "', "NEAR(leer fach)", "*", "fach*", "code:printer", "-fach", "'; DROP", "💊"],
)
def test_words_are_only_words(there: Scene, words: str) -> None:
    there.write(entry(there.house, 1, text="Fach leer in der Straße"))
    there.search(words=words)
    assert len(there.search(words="Straße")) == len(there.search(words="straß")) == 1


def test_long_texts_and_control_characters(there: Scene) -> None:
    there("POST", "/entries", {"entries": [entry(there.house, 1, text="x" * 65_536)]}, 400)
    there("POST", "/entries", {"entries": [entry(there.house, 2, fields={"a": tech("x" * 201)})]}, 400)
    there("POST", "/entries", {"entries": [entry(there.house, 2, text="a\x00b")]}, 400)
    there("POST", "/search", {"words": "a\x00b"}, 400)
    there.write(entry(there.house, 3, text="a\x01b\x1b[31m", fields={"a": tech("c\x07d")}))
    (found,) = there.search()
    assert (found["text"], found["fields"]) == ("a b [31m", {"a": "c d"})


def test_a_file_deleted_while_open_is_begun_anew_and_nothing_acknowledged_is_lost(sqlite_houses: Any) -> None:
    house = sqlite_houses.open()
    with scene(house) as there:
        there.write(entry(house, 1))
        for one in house.folder.glob("log.db*"):
            one.unlink()
        there.write(entry(house, 2, "after.deleting"))
        assert there.codes() == ["after.deleting"] and book_of(house).fault is None
    house.close() if hasattr(house, "close") else None
    from praxisd.services.logbook.sqlite_store import SqliteShelf

    shelf = SqliteShelf(house.folder / "log.db")
    assert shelf.last_no() >= 1
    shelf.close()


def test_a_full_disk_refuses_and_heals(sqlite_houses: Any) -> None:
    house = sqlite_houses.open()
    with scene(house) as there:
        there.write(entry(house, 1))
        writer = there.shelf._writer
        pages = writer.execute("PRAGMA page_count").fetchone()[0]
        writer.execute(f"PRAGMA max_page_count = {pages}")
        many = [entry(house, n, text="x" * 1900) for n in range(2, 100)]
        assert there("POST", "/entries", {"entries": many}, 503)["code"] == "logbook.unavailable"
        assert re.match("SQLITE_FULL", book_of(house).fault or "")
        writer.execute("PRAGMA max_page_count = 1000000")
        there("POST", "/entries", {"entries": many})
        assert book_of(house).fault is None and len(there.search()) == 99
