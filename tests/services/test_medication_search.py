"""The search of products through its doors: what is found, by use, of one whole edition, whatever is switched meanwhile."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel.access import Actor, system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.services.medication import (
    finding,
    finding_index,
    finding_making,
    finding_operations,
    sets_reading,
)
from praxisd.services.medication.finding_index import Source
from praxisd.services.medication.sets_schema import MEDICATION
from praxisd.services.updates import slots
from praxisd.testing.medication import install_samples
from praxisd.testing.medication_large import install
from praxisd.testing.medication_names import products
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd.web.app import build

from .calendar_cast import Rest


@pytest.fixture
def practice(house: House) -> Practice:
    return small_practice(house)


@pytest.fixture
def desk(house: House, practice: Practice) -> Iterator[Rest]:
    doors: Any = main.doors(house)
    with TestClient(build(house, doors)) as client:
        yield Rest(client, key_for(house, practice, "desk", "Empfang"))


def found(desk: Rest, text: str, **more: Any) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = desk("POST", "/medication/search", 200, {"text": text, **more})["results"]
    return results


def test_what_a_practice_types_is_found_in_the_sample(house: House, practice: Practice, desk: Rest) -> None:
    install_samples(house)
    (first, *_) = found(desk, "amoxi")
    assert first["name"].startswith("Amoxicillin") and first["how"] == "prefix"
    assert [first["name"][start:end] for start, end in first["marked"]] == ["Amoxi"]
    assert first["substances"][0]["name"] == "Amoxicillin" and len(first["packages"][0]["pzn"]) == 8
    for text, name in (
        ("amoxycilin", "Amoxicillin"),
        ("Penizillin", "Penicillin"),
        ("Amoxicilina", "Amoxicillin"),
    ):
        (first, *_) = found(desk, text)
        assert first["name"].startswith(name) and first["how"] == "similar", text
    assert found(desk, "Penizillin", limit=1)[0]["substances"]
    answer = desk("POST", "/medication/search", 200, {"text": "gibtesnichtxy"})
    assert (answer["results"], answer["how"], answer["standing"]["sample"]) == ([], None, True)


def test_numbers_on_packages_and_codes(house: House, practice: Practice, desk: Rest) -> None:
    install_samples(house)
    package = found(desk, "amoxicillin muster 500")[0]["packages"][0]["pzn"]
    bare = package.lstrip("0")
    for text in (
        package,
        f"PZN-{package}",
        f"PZN {package}",
        f"-{package}",
        f"]A0-{package}",
        f"04150{package}0",
    ):
        (only,) = found(desk, text)
        assert only["how"] == "exact" and package in [one["pzn"] for one in only["packages"]], text
    assert len(bare) < 5 or found(desk, bare)
    by_code = found(desk, "j01ca04", limit=50)
    assert {one["atc"] for one in by_code} == {"J01CA04"} and by_code[0]["how"] == "exact"
    assert {one["atc"][:4] for one in found(desk, "J01C", limit=50)} == {"J01C"}


def test_what_this_practice_uses_comes_first_and_only_here(
    house: House, practice: Practice, desk: Rest
) -> None:
    install_samples(house)
    before = [one["id"] for one in found(desk, "ibu", limit=50)]
    chosen = before[-1]
    other = system("desk", "another-practice")
    for actor, times in ((practice.desk(), 2), (other, 1)):
        for _ in range(times):
            house.store.run(actor, lambda tx: finding.used(tx, chosen))
    after = found(desk, "ibu", limit=50)
    assert (after[0]["id"], after[0]["used"]) == (chosen, 2)
    assert {one["id"] for one in after} == set(before)
    house.store.run(other, lambda tx: finding.used(tx, before[0]))
    assert found(desk, "ibu", limit=1)[0]["id"] == chosen
    house.store.run(practice.desk(), lambda tx: finding.used(tx, "a-product-of-another-edition"))
    assert found(desk, "ibu", limit=1)[0]["id"] == chosen


def test_what_is_used_at_once_from_two_desks_is_counted_twice(
    house: House, practice: Practice, desk: Rest
) -> None:
    install_samples(house)
    (first, *_) = found(desk, "ibu")
    begin = threading.Barrier(4)

    def enter() -> None:
        begin.wait(10)
        house.store.run(practice.desk(), lambda tx: finding.used(tx, first["id"]))

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found(desk, "ibu")[0]["used"] == 4


def test_one_product_with_all_that_is_said_of_it(house: House, practice: Practice, desk: Rest) -> None:
    version = install_samples(house)
    (first, *_) = found(desk, "metamizol")
    shown = desk("GET", f"/medication/products/{first['id']}", 200)
    assert (shown["name"], shown["version"], shown["sample"]) == (first["name"], version, True)
    assert (
        first["dental"]
        and shown["notes"][0]["source"]
        and shown["notes"][0]["sourceUrl"].startswith("https://")
    )
    assert shown["packages"] and shown["substances"][0]["kind"] == "active"
    assert desk("GET", "/medication/products/there-is-none", 404)["code"] == "medication.no_product"
    assert (
        desk("GET", f"/medication/products/{first['id']}?version=none", 404)["code"]
        == "medication.no_version"
    )


def test_names_of_substances_in_the_callers_language(house: House, practice: Practice) -> None:
    install_samples(house)
    with house.store.read(practice.desk()) as tx:
        for lang, name in (("de", "Acetylsalicylsäure"), ("en", "acetylsalicylic acid")):
            (first, *_) = finding.search(house, tx, "ASS", lang=lang).results
            assert first.substances[0].name == name


def test_without_data_it_says_so(house: House, practice: Practice, desk: Rest) -> None:
    assert desk("POST", "/medication/search", 409, {"text": "amoxi"})["code"] == "medication.no_data"
    install_samples(house)
    body = {"text": "amoxi", "version": "1999-01-01"}
    assert desk("POST", "/medication/search", 404, body)["code"] == "medication.no_version"
    bad: tuple[dict[str, Any], ...] = (
        {"text": ""}, {"text": "a" * 201}, {"text": "a", "limit": 0}, {"text": "a", "limit": 201},
    )  # fmt: skip
    for refused in bad:
        desk("POST", "/medication/search", 400, refused)


def test_both_editions_are_searched_side_by_side(house: House, practice: Practice, desk: Rest) -> None:
    old = install_samples(house, 1, days_ago=40)
    new = install_samples(house, 2, days_ago=3)
    for version in (old, new, None):
        more = {} if version is None else {"version": version}
        answer = desk("POST", "/medication/search", 200, {"text": "amoxi", **more})
        assert answer["standing"]["version"] == (version or new)
    slots.back(house.folder, MEDICATION)
    assert desk("POST", "/medication/search", 200, {"text": "amoxi"})["standing"]["version"] == old


def test_the_command_answers_as_the_door(house: House, practice: Practice) -> None:
    install_samples(house)
    answer = finding_operations.search(
        house, {"text": "amoxycilin", "limit": 3, "organization": practice.organization}
    )
    assert [one["how"] for one in answer["results"]] == ["similar"] * 3
    assert answer["results"][0]["name"].startswith("Amoxicillin")


def _edition(name: str) -> list[Source]:
    """Forty products that carry the name of their edition."""
    return [
        Source(f"{name}-{no}", [f"Gleichname {name} {no} mg"], [f"Stoff {name}", "Haus", "Saft"], "A01AA01")
        for no in range(40)
    ]


@pytest.mark.parametrize("words", ["gleichname", "gleichnam mg", "gleichnaem"])
def test_each_answer_is_of_one_whole_edition_while_they_are_switched(
    house: House, practice: Practice, words: str
) -> None:
    install(house, _edition("rot"), "rot", days_ago=9)
    install(house, _edition("blau"), "blau", days_ago=8)
    ended, answers = threading.Event(), {"rot": 0, "blau": 0, "gelb": 0}
    wrong: list[tuple[str, object]] = []

    def look(who: Actor) -> None:
        while not ended.is_set():
            with house.store.read(who) as tx:
                answer = finding.search(house, tx, words)
            version = str(answer.standing.version)
            answers[version] += 1
            if len(answer.results) != 20 or any(not one.id.startswith(version) for one in answer.results):
                wrong.append((version, [one.id for one in answer.results]))
            if any(one.substances[0].name != f"Stoff {version}" for one in answer.results):
                wrong.append((version, "substances"))

    threads = [threading.Thread(target=look, args=(practice.desk(),)) for _ in range(3)]
    for one in threads:
        one.start()
    end = time.monotonic() + 2.5
    turn = 0
    while time.monotonic() < end or (not all(answers.values()) and turn < 400):
        turn += 1
        if turn % 5 == 0:
            for name in ("gelb", "rot", "blau"):
                install(house, _edition(name), name)
                time.sleep(0.02)
        slots.back(house.folder, MEDICATION)
        time.sleep(0.01)
    ended.set()
    for one in threads:
        one.join(20)
    assert wrong == []
    assert all(answers.values()), answers


def test_a_large_set_is_indexed_by_a_child_kept_beside_it_and_mended(
    house: House, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(house, products(2_050, words=400), "large")
    here: list[tuple[Any, ...]] = []
    monkeypatch.setattr(finding_making, "build", lambda *given: here.append(given))
    opened = sets_reading.open_set(house, MEDICATION)
    index = finding_making.index_of(house, opened)
    assert (index.size, here) == (2_050, [])  # a child has done it
    kept = opened.path.parent / finding_making.FILE
    whole = kept.read_bytes()
    house.shared.pop("medication_finding")
    assert finding_making.index_of(house, opened).written() == whole  # read, not made
    for harm in (whole[:-10], whole.replace(b'"format": ', b'"format": 9')):
        kept.write_bytes(harm)
        house.shared.pop("medication_finding")
        assert finding_making.index_of(house, opened).size == 2_050
        assert kept.read_bytes() == whole
    assert [one.name for one in kept.parent.iterdir() if one.name.startswith(kept.name)] == [kept.name]


def test_an_index_that_cannot_be_kept_is_used_all_the_same(
    house: House, practice: Practice, desk: Rest
) -> None:
    install_samples(house)
    (sets_reading.open_set(house, MEDICATION).path.parent / finding_making.FILE).mkdir()
    assert found(desk, "amoxi")


def test_an_index_of_the_edition_before_is_never_taken_for_the_new_one(
    house: House, practice: Practice
) -> None:
    install(house, _edition("rot"), "rot")
    held = sets_reading.open_set(house, MEDICATION)
    install(house, _edition("blau"), "blau")
    install(house, _edition("gelb"), "gelb")  # in the slot that held "rot"
    now = sets_reading.open_set(house, MEDICATION)
    assert now.path == held.path
    assert finding_making.index_of(house, held).ids[0].startswith("rot")
    assert finding_making.index_of(house, now).ids[0].startswith("gelb")
    house.shared.pop("medication_finding")
    assert finding_making.index_of(house, now).ids[0].startswith("gelb")


def test_who_waits_for_an_index_makes_no_second_one(
    house: House, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(house, _edition("rot"), "rot")
    opened, build_ = sets_reading.open_set(house, MEDICATION), finding_index.build
    made: list[tuple[Any, ...]] = []

    def slow(*given: Any) -> Any:
        made.append(given)
        time.sleep(0.2)
        return build_(*given)

    monkeypatch.setattr(finding_making, "build", slow)
    threads = [threading.Thread(target=finding_making.index_of, args=(house, opened)) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(made) == 1


def test_a_number_is_found_by_its_beginning_with_its_zeros(
    house: House, practice: Practice, desk: Rest
) -> None:
    install_samples(house)
    package = found(desk, "amoxicillin muster 500")[0]["packages"][0]["pzn"]
    some = found(desk, package[:7])
    assert some and {one["how"] for one in some} == {"prefix"}
    assert all(any(k["pzn"].startswith(package[:7]) for k in one["packages"]) for one in some)
    assert found(desk, f"-{package[:7]}{(int(package[7]) + 1) % 10}") == []


def test_what_cannot_be_indexed_is_told_as_a_problem_without_words(
    house: House, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_samples(house)

    def full(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(finding_making, "build", full)
    with house.store.read(practice.desk()) as tx, pytest.raises(Problem) as told:
        finding.search(house, tx, "amoxi")
    assert (told.value.code, told.value.status) == ("medication.index_failed", 503)


def test_the_words_are_written_nowhere(
    house: House, practice: Practice, desk: Rest, capfd: pytest.CaptureFixture[str]
) -> None:
    install_samples(house)
    for text in ("Zzgeheimwort", "amoxi zzgeheimwort", "00000017 zzgeheimwort"):
        found(desk, text)
    said = capfd.readouterr()
    assert "geheimwort" not in (said.out + said.err).casefold()
    for file in house.folder.rglob("*"):
        if file.is_file() and file.stat().st_size < 5_000_000:
            assert b"geheimwort" not in file.read_bytes().lower(), file
