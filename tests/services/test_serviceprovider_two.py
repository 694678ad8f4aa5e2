"""Two practice programs on one computer, each with a ServiceProvider of its own: neither is taken for the other's."""

import shutil
from pathlib import Path

from praxisd.kernel import issues
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.model.machine import ServiceFacts
from praxisd.services.diagnosis import software_store
from praxisd.services.diagnosis.software_shapes import Software
from praxisd.services.serviceprovider import looking, rules, words
from praxisd.testing.houses import Houses
from praxisd.testing.prepared import CUSTOMER, GUID, OTHER_GUID, Place


def side_by_side(folder: Path) -> tuple[Place, Place]:
    """x.concept and x.comfort, both installed in the same folder of programs."""
    first, second = Place(folder / "a"), Place(folder / "b", "x.comfort")
    shutil.rmtree(second.home)
    second.root = first.root
    second.install(OTHER_GUID)
    second.write_pvs(second.whole_pvs(OTHER_GUID))
    first.start()
    first.services = [
        ServiceFacts(
            name=f"ServiceProvider_{guid}",
            state="running",
            program=str(first.root / f"ServiceProvider_{guid}" / "ServiceProvider.exe"),
        )
        for guid in (GUID, OTHER_GUID)
    ]
    return first, second


def enter_both(house: House, first: Place, second: Place) -> None:
    first.enter(house)
    for place in (first, second):
        what = Software(
            id=place.product,
            product=place.product,
            data_folder=str(place.top),
            program_folder=str(place.root),
            devices=3,
            customer_number=CUSTOMER,
        )
        house.store.run(system("test", INSTALLATION), lambda tx, what=what: software_store.put(tx, what))
    house.store.run(system("test", INSTALLATION), lambda tx: software_store.drop(tx, "vorbereitet"))


def codes(house: House) -> dict[str, list[str]]:
    return {one.software: [fault.code for fault in rules.judge(one)] for one in looking.look(house)}


def test_each_has_its_own(sqlite_houses: Houses, tmp_path: Path) -> None:
    house = sqlite_houses.open()
    first, second = side_by_side(tmp_path)
    enter_both(house, first, second)
    try:
        assert codes(house) == {"x.concept": [], "x.comfort": [words.UNREACHABLE]}  # one of them answers
        seen = {one.software: one for one in looking.look(house)}
        assert [one.name for one in seen["x.comfort"].services or ()] == [f"ServiceProvider_{OTHER_GUID}"]
        assert rules.identifier(seen["x.comfort"]) == OTHER_GUID
        first.services = [
            ServiceFacts(name="x", state="stopped", program=one.program) for one in first.services[1:]
        ]
        found = codes(house)
        assert found == {"x.concept": [words.SERVICE_MISSING], "x.comfort": [words.STOPPED]}
    finally:
        first.stop()


def test_what_is_wrong_with_both_is_two_issues(sqlite_houses: Houses, tmp_path: Path) -> None:
    house = sqlite_houses.open()
    first, second = side_by_side(tmp_path)
    enter_both(house, first, second)
    for place in (first, second):
        place.change(place.pvs, "Installed=1", "Installed=0")
    try:
        report = issues.run_checks(house, ["serviceprovider.state"])
    finally:
        first.stop()
    assert sorted((one.code, one.subject) for one in report.issues) == [
        (words.NOT_ENABLED, "x.comfort/pvs"),
        (words.NOT_ENABLED, "x.concept/pvs"),
    ]


def test_a_data_folder_that_is_gone_is_one_cause(sqlite_houses: Houses, tmp_path: Path) -> None:
    house = sqlite_houses.open()
    place = Place(tmp_path / "a")
    place.start()
    place.enter(house)
    shutil.rmtree(place.data)
    try:
        assert codes(house) == {"vorbereitet": [words.DATAPATH_MISSING]}
    finally:
        place.stop()
