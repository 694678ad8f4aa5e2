"""Mending by a click: only the lines the code names, a copy beside the file, and the Issue vanishes by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from praxisd.kernel import events, issues
from praxisd.kernel.access import INSTALLATION, Actor, Kind, system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.services.serviceprovider import asking, ini, repairing, words, writing
from praxisd.services.serviceprovider.checks import CHECKS
from praxisd.services.serviceprovider.room import room_of
from praxisd.testing.houses import Houses
from praxisd.testing.prepared import ID, OTHER_GUID, SERVER, WAIT_S, Place
from praxisd.testing.prepared_cases import CASES, Case, build

NAMES = [one.name for one in CHECKS]
OWNER = Actor(Kind.CLI, "cli", INSTALLATION, everything=True)
BY_HAND_HERE = {"ini_missing_program"}
"""A whole new installation is the remedy, though the code can be mended elsewhere."""
NOTHING_THERE = {"ini_missing_alone"}
"""The file is made, and the provider must still be installed."""
MENDED = [case for case in CASES if set(case.codes) <= set(words.REPAIRS) and case.codes]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    houses = Houses("sqlite", tmp_path_factory.mktemp("repaired"))
    yield houses.open()
    houses.close()


@pytest.fixture
def made(house: House, tmp_path: Path) -> Iterator[dict[str, Place]]:
    places: dict[str, Place] = {}
    yield places
    for one in places.values():
        one.stop()


def standing(house: House) -> list[issues.Issue]:
    found = issues.run_checks(house, NAMES)
    return [one for one in found.issues if one.code in words.CODES]


def lines(data: bytes) -> list[bytes]:
    """Each with what goes on it."""
    found: list[bytes] = []
    for one in ini.read(data).lines:
        text = data[one.start : one.after]
        found = [*found[:-1], found[-1] + text] if one.kind == "more" else [*found, text]
    return found


@pytest.mark.parametrize("case", MENDED, ids=lambda case: case.name)
def test_a_click_heals_and_touches_nothing_else(
    case: Case, house: House, tmp_path: Path, made: dict[str, Place]
) -> None:
    place = made[case.name] = build(case, tmp_path)
    place.enter(house)
    before = {file: file.read_bytes() for file in (place.pvs, place.ini) if file.exists()}
    found = standing(house)
    assert {one.code for one in found} == set(case.codes)
    buttons = [issues.fix_words(house, one, "de") for one in found]
    if case.name in BY_HAND_HERE:
        assert buttons == [None]  # no button that cannot help
        with pytest.raises(Problem) as refused:
            issues.fix(house, OWNER, found[0].code, found[0].subject, of_installation=True)
        assert refused.value.code == "serviceprovider.value_unknown"
        return
    assert None not in buttons
    told = [issues.fix(house, OWNER, one.code, one.subject, of_installation=True) for one in found]
    assert all(one.healed for one in told)
    for one in told:
        note = one.told(house, "de")
        assert note is not None and "Starten Sie jetzt den Service-Provider neu" in note and "{" not in note
    if case.name in NOTHING_THERE:
        # the other program's provider has the usual port
        room_of(house).ask = lambda host, address, _port: asking.ask(host, address, place.port, WAIT_S)
        assert {one.code for one in standing(house)} == {
            words.NOT_FILLED
        }  # no green by an answer of somebody else
        case.heals(place)  # as that solution says
    place.start()  # the restart that the note asks for
    assert standing(house) == []
    for file, old in before.items():
        new = file.read_bytes()
        copies = [one.read_bytes() for one in file.parent.glob(f"{file.name}.*.bak")]
        assert (old in copies) == (bool(copies)), file
        if case.name == "stale":
            continue  # the provider has filled it after the restart
        kept = lines(new)
        changed = [line for line in lines(old) if line not in kept]
        named = {str(one.params["key"]).casefold().encode() for one in found}
        assert all(any(key in line.lower() for key in named) for line in changed), changed


def test_stale_content_goes_but_for_the_corrected_host(
    house: House, tmp_path: Path, made: dict[str, Place]
) -> None:
    case = next(one for one in CASES if one.name == "stale")
    place = made["stale"] = build(case, tmp_path)
    old = place.pvs.read_bytes()
    place.enter(house)
    done = repairing.repair(house, OWNER, ID, words.STALE)
    assert place.pvs.read_bytes() == f"[INSTALL]\r\nHostname={SERVER}\r\n".encode()
    assert done.restart and [one.file for one in done.files] == [str(place.pvs)]
    (copy,) = [one.copy for one in done.files]
    assert copy is not None and Path(copy).read_bytes() == old and Path(copy).parent == place.data
    place.start()
    assert OTHER_GUID not in place.pvs.read_text() and "Installed=1" in place.pvs.read_text()


def test_what_cannot_be_mended_is_said(house: House, tmp_path: Path, made: dict[str, Place]) -> None:
    place = made["good"] = build(CASES[0], tmp_path)
    place.enter(house)
    for code, answer in (
        (words.STOPPED, "serviceprovider.by_hand"),
        ("anything", "serviceprovider.by_hand"),
        (words.SPACES, "serviceprovider.nothing_wrong"),
    ):
        with pytest.raises(Problem) as refused:
            repairing.repair(house, OWNER, ID, code)
        assert (refused.value.code, refused.value.status) == (answer, 409)
    with pytest.raises(Problem) as unknown:
        repairing.repair(house, OWNER, "no-such", words.SPACES)
    assert unknown.value.status == 404


def test_a_file_that_changed_meanwhile_is_left_alone(house: House, tmp_path: Path) -> None:
    file = tmp_path / "ServiceProvider.ini"
    file.write_bytes(b"[Install]\r\nInstalled=7\r\n")
    with pytest.raises(Problem) as refused:
        writing.write(house, file, b"new", b"[Install]\r\n")
    assert refused.value.code == "serviceprovider.changed"
    with pytest.raises(Problem) as full:
        writing.write(house, tmp_path / "nowhere" / "ServiceProvider.ini", b"new", None)
    assert full.value.code == "serviceprovider.not_written"
    assert [one.name for one in tmp_path.iterdir()] == ["ServiceProvider.ini"]
    assert file.read_bytes() == b"[Install]\r\nInstalled=7\r\n"


def test_copies_of_one_moment_do_not_cover_each_other(house: House, tmp_path: Path) -> None:
    file = tmp_path / "ServiceProvider.ini"
    file.write_bytes(b"1")
    copies = [writing.write(house, file, new, old) for old, new in ((b"1", b"2"), (b"2", b"3"), (b"3", b"4"))]
    assert [one.read_bytes() for one in copies if one is not None] == [b"1", b"2", b"3"]
    assert file.read_bytes() == b"4"


def test_mending_is_in_the_audit(house: House, tmp_path: Path, made: dict[str, Place]) -> None:
    case = next(one for one in CASES if one.name == "not_enabled")
    place = made["audit"] = build(case, tmp_path)
    place.enter(house)
    repairing.repair(house, OWNER, ID, words.NOT_ENABLED)
    with house.store.read(system("test", INSTALLATION)) as tx:
        found = [one for one in events.after(tx, 0, 1000) if one.type == "serviceprovider.repaired"]
    assert found and found[-1].codes["code"] == words.NOT_ENABLED
