"""Random edits on both sides of a real practice and a real laptop: no change of any field is lost (SPEC 11.1)."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from praxisd.model.people import Contact
from praxisd.services.directory import api as directory
from praxisd.services.exchange import laptop_child, laptop_sealing, laptop_views
from praxisd.services.exchange.laptop_returning import decide, take
from praxisd.services.medication import api as medication

from .laptop_cast import digests, home_of, on, opened, pack, the_laptops, work  # noqa: F401

NAMES = st.sampled_from(["Adler", "Berg", "Cramer"])
FIELDS = {
    "family": NAMES,
    "given": NAMES,
    "prefix": st.none() | st.just("Dr."),
    "note": st.none() | NAMES,
    "language": st.sampled_from([None, "de", "en"]),
    "birth_date": st.sampled_from(["1950-03-04", "1951-03-04"]),
    "telecom": st.lists(
        st.builds(
            Contact, system=st.just("phone"), value=st.sampled_from(["030 1", "030 2"]), use=st.sampled_from(["home", "work"])
        ),
        unique_by=lambda one: one.value,
        max_size=2,
    ).map(tuple),
}  # fmt: skip
SETTABLE = st.dictionaries(st.sampled_from(sorted(FIELDS)), st.just(None), max_size=4).flatmap(
    lambda chosen: st.fixed_dictionaries({name: FIELDS[name] for name in chosen})
)
DOSAGES = st.none() | st.sampled_from(["1-0-0", "1-1-1"])
ROUNDS = st.lists(st.tuples(SETTABLE, SETTABLE, DOSAGES, DOSAGES), min_size=1, max_size=3)


def _amend(who: Any, tx: Any, patient: str, fields: dict[str, Any], dosage: str | None) -> None:
    before = directory.patient(tx, patient)
    directory.amend_patient(tx, patient, fields, before.version)
    one = medication.statements(tx, [patient])[0]
    if dosage is not None:
        values = {name: getattr(one, name) for name in one.__struct_fields__} | {"dosage": dosage}
        medication.amend(tx, type(one)(**values), one.version)


def _fields(tx: Any, patient: str) -> dict[str, Any]:
    """What a record says, each contact by its number."""
    one = directory.patient(tx, patient)
    found = {name: getattr(one, name) for name in FIELDS if name != "telecom"}
    found |= {f"telecom {c.value}": c.use for c in one.telecom}
    return found | {"dosage": medication.statements(tx, [patient])[0].dosage}


def _sealed_here(order: dict[str, str], data: bytes) -> bytes:
    do: Callable[[dict[str, str], bytes], bytes] = getattr(
        laptop_child, "seal" if order["do"] == "seal" else "open_"
    )
    return do(order, data)


@pytest.fixture(autouse=True)
def _no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of files are sealed and opened, by the same code in this process: a program for each took a third of the time.
    Its way through a program is tested where a file is what is tested (test_laptop_refused, test_laptop_door).
    """
    monkeypatch.setattr(laptop_sealing, "_child", _sealed_here)


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(rounds=ROUNDS, choices=st.randoms())
def test_random_edits_on_both_sides(house, laptops, clock, rounds, choices):
    home = home_of(house)
    laptop = opened(laptops, home.lend(), clock)
    read_home = lambda: home.read(lambda tx: _fields(tx, home.anna))  # noqa: E731

    def read_laptop() -> dict[str, Any]:
        with laptop.store.read(on(laptop)) as tx:
            return _fields(tx, home.anna)

    told = read_laptop()  # what home knows of the laptop: the base
    for ours, theirs, dose, their_dose in rounds:
        home.do(lambda tx, ours=ours, dose=dose: _amend(home, tx, home.anna, ours, dose))
        work(laptop, lambda tx, theirs=theirs, dose=their_dose: _amend(laptop, tx, home.anna, theirs, dose))
        before, away, file = read_home(), read_laptop(), pack(laptop)
        take(house, home.actor, file)
        after = read_home()
        waiting = home.read(lambda tx: laptop_views.conflicts(house, tx, "de"))
        for name in told.keys() | before.keys() | away.keys():
            base, mine, his = (one.get(name) for one in (told, before, away))
            where = [c for c in waiting if _about(c, name)]
            if mine == his:
                assert after.get(name) == mine and not where
            elif his == base:
                assert after.get(name) == mine
            elif mine == base:
                assert after.get(name) == his
            else:
                assert after.get(name) == mine and len(where) == 1 and not where[0].why.startswith("seats")
        state = digests(home)
        assert take(house, home.actor, file).again and digests(home) == state
        for one in waiting:
            if choices.random() < 0.5:
                choice = choices.choice(["ours", "theirs"])
                home.do(lambda tx, one=one, choice=choice: decide(house, tx, one.id, choice))
                if choice == "theirs":
                    name = next(n for n in told.keys() | before.keys() | away.keys() if _about(one, n))
                    assert read_home().get(name) == away.get(name)
        told = away
    laptop.stop()


def _about(conflict: Any, name: str) -> bool:
    if name.startswith("telecom "):
        number = name.removeprefix("telecom ")
        return conflict.field == "telecom" and f'"{number}"' in conflict.path
    word = {"birth_date": "birthDate"}.get(name, name)
    return bool(conflict.path == word)
