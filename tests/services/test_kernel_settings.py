"""Settings on both engines: bounds, where a value comes from, scopes, versions, unknown keys."""

from collections.abc import Callable

import pytest

from praxisd.kernel import events
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.house import SERVICE
from praxisd.kernel.registry import Registry, freeze
from praxisd.kernel.service import Scope, Service, Setting
from praxisd.kernel.settings import validate

Make = Callable[..., House]
ACTOR = system("test", "praxis")
WARN = "kernel.disk_warn_mb"
TRIAL = (
    Setting("trial.on", bool, False),
    Setting("trial.word", ("none", "once"), "once"),
    Setting("trial.name", str, "x", low=1, high=5),
    Setting("trial.seat", int, 1, Scope.SEAT, 0, 9),
)


def trial() -> Registry:
    base = freeze((SERVICE,))
    return Registry((SERVICE, Service("trial", "praxisd.kernel", settings=TRIAL)), base.texts)


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(Problem) as caught:
        call()
    return caught.value.code


def test_stored_beats_file_beats_default(make_house: Make) -> None:
    house = make_house((SERVICE,), settings={WARN: 3000})
    with house.store.write(ACTOR) as tx:
        assert house.settings.get(tx, "kernel.disk_error_mb") == 500
        assert house.settings.known(tx, "kernel.disk_error_mb").source == "default"
        assert (house.settings.known(tx, WARN).value, house.settings.known(tx, WARN).source) == (3000, "file")
        stored = house.settings.put(tx, WARN, 4000)
        assert (stored.value, stored.source, stored.version, stored.actor) == (
            4000,
            "stored",
            1,
            "system:test",
        )
        assert house.settings.put(tx, WARN, None).source == "file"
    with house.store.read(ACTOR) as tx:
        assert [e.type for e in events.since(tx, 0)] == ["setting.changed"] * 2
        assert "4000" not in repr(events.since(tx, 0))


def test_a_bad_value_in_the_file_stops_the_start(make_house: Make) -> None:
    assert code_of(lambda: make_house((SERVICE,), settings={WARN: 1})) == "settings.invalid"
    assert code_of(lambda: make_house((SERVICE,), settings={"kernel.disk_warm_mb": 1})) == "settings.unknown"


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("trial.on", [True, False], [1, 0, "yes", None, 1.0]),
        ("trial.word", ["none", "once"], ["", "all", 1, True]),
        ("trial.name", ["a", "abcde"], ["", "abcdef", 3, True]),
        ("trial.seat", [0, 9], [-1, 10, "1", True, 1.5]),
    ],
)
def test_bounds_and_types(key: str, good: list[object], bad: list[object]) -> None:
    declared = next(s for s in TRIAL if s.key == key)
    for value in good:
        assert validate(declared, value) == value
    for value in bad:
        assert code_of(lambda value=value: validate(declared, value)) == "settings.invalid"  # type: ignore[misc]


def test_a_declared_check_has_the_last_word(make_house: Make) -> None:
    house = make_house((SERVICE,))
    with house.store.write(ACTOR) as tx:
        house.settings.put(tx, "kernel.zone", "Europe/Zurich")
        assert code_of(lambda: house.settings.put(tx, "kernel.zone", "Mars/Olympus")) == "settings.invalid"
        assert house.settings.get(tx, "kernel.zone") == "Europe/Zurich"


def test_settings_that_have_to_agree(make_house: Make) -> None:
    def below(value: int, get: Callable[[str], int]) -> None:
        if value > get("trial.high"):
            raise Problem("trial.too_much", 422)

    pair = (Setting("trial.low", int, 5, low=0, high=99, agrees=below), Setting("trial.high", int, 10))
    base = freeze((SERVICE,))
    house = make_house(
        Registry((SERVICE, Service("trial", "praxisd.kernel", settings=pair)), base.texts),
        settings={"trial.low": 8},
    )
    with house.store.write(ACTOR) as tx:
        assert code_of(lambda: house.settings.put(tx, "trial.low", 11)) == "trial.too_much"
        assert code_of(lambda: house.settings.put(tx, "trial.low", 100)) == "settings.invalid"
        house.settings.put(tx, "trial.low", 3)
        house.settings.put(tx, "trial.high", 4)
        # What would hold after a reset has to agree as well: here the configuration file's 8.
        assert code_of(lambda: house.settings.put(tx, "trial.low", None)) == "trial.too_much"
        assert house.settings.get(tx, "trial.low") == 3


def test_scopes_keep_installation_practice_and_seat_apart(make_house: Make) -> None:
    house = make_house(trial())
    with house.store.write(ACTOR) as tx:
        house.settings.put(tx, "trial.on", True)
        house.settings.put(tx, WARN, 5000)
        house.settings.put(tx, "trial.seat", 7, owner="seat1")
        assert code_of(lambda: house.settings.put(tx, "trial.seat", 7)) == "settings.invalid"
        assert code_of(lambda: house.settings.put(tx, "trial.on", True, owner="seat1")) == "settings.invalid"
        assert house.settings.get(tx, "trial.seat", owner="seat2") == 1
        assert "trial.seat" not in [k.key for k in house.settings.all(tx)]
    with house.store.read(system("test", "other")) as tx:
        assert house.settings.get(tx, "trial.on") is False
        assert house.settings.get(tx, WARN) == 5000


def test_a_stale_change_is_refused(make_house: Make) -> None:
    house = make_house((SERVICE,))
    with house.store.write(ACTOR) as tx:
        house.settings.put(tx, WARN, 3000, expected=0)
        assert code_of(lambda: house.settings.put(tx, WARN, 4000, expected=0)) == "resource.stale"
        assert house.settings.put(tx, WARN, 4000, expected=1).version == 2
        assert code_of(lambda: house.settings.put(tx, "kernel.nothing", 1)) == "settings.unknown"
