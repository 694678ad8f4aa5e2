"""Two practice programs on one computer, each with a ServiceProvider of its own: neither is taken for the other's."""

import shutil
from functools import partial
from pathlib import Path

from praxisd.kernel import issues
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.model.machine import ServiceFacts
from praxisd.services.diagnosis import software_store
from praxisd.services.diagnosis.software_shapes import Software
from praxisd.services.serviceprovider import looking, rules, words
from praxisd.testing.houses import Houses
from praxisd.testing.prepared import CUSTOMER, GUID, ID, OTHER_GUID, Place


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
        house.store.run(system("test", INSTALLATION), partial(software_store.put, what=what))
    house.store.run(system("test", INSTALLATION), lambda tx: software_store.drop(tx, ID))


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
        program = str(first.root / f"ServiceProvider_{OTHER_GUID}" / "ServiceProvider.exe")
        first.services = [ServiceFacts(name="x", state="stopped", program=program)]
        found = codes(house)
        assert found == {"x.concept": [words.SERVICE_MISSING], "x.comfort": [words.STOPPED]}
    finally:
        first.stop()


def test_a_neighbour_that_answers_is_no_provider_of_ones_own(sqlite_houses: Houses, tmp_path: Path) -> None:
    house = sqlite_houses.open()
    first, second = side_by_side(tmp_path)
    enter_both(house, first, second)
    shutil.rmtree(first.root / f"ServiceProvider_{OTHER_GUID}")
    first.services = (first.services or [])[:1]
    try:
        for text in (
            None,
            "[Install]\r\nHostname=PRAXISSERVER\r\n",
            second.whole_pvs(OTHER_GUID, port=first.port),
        ):
            if text is None:
                second.pvs.unlink()
            else:
                second.write_pvs(text)
            assert codes(house) == {"x.concept": [], "x.comfort": [words.NOT_INSTALLED]}
            seen = {one.software: one for one in looking.look(house)}
            assert looking.state_of(seen["x.comfort"]) == "absent"
    finally:
        first.stop()


def two_of_one(folder: Path) -> tuple[Place, Place]:
    """x.concept twice, both installed in the same folder of programs."""
    first, second = Place(folder / "a"), Place(folder / "b")
    shutil.rmtree(second.home)
    second.root = first.root
    second.install(OTHER_GUID)
    second.write_pvs(second.whole_pvs(OTHER_GUID))
    first.services = [
        ServiceFacts(name=f"ServiceProvider_{guid}", state="running") for guid in (GUID, OTHER_GUID)
    ]
    return first, second


def enter_two(house: House, first: Place, second: Place, host: str = "", root: str | None = None) -> None:
    first.enter(house)
    for name, place in (("a", first), ("b", second)):
        what = Software(
            id=name, product="x.concept", data_folder=str(place.top), host=host, devices=3,
            program_folder=str(first.root) if root is None else root, customer_number=CUSTOMER,
        )  # fmt: skip
        house.store.run(system("test", INSTALLATION), partial(software_store.put, what=what))
    house.store.run(system("test", INSTALLATION), lambda tx: software_store.drop(tx, ID))


def test_two_instances_of_one_product_have_each_their_own(sqlite_houses: Houses, tmp_path: Path) -> None:
    house = sqlite_houses.open()
    first, second = two_of_one(tmp_path)
    enter_two(house, first, second)
    first.start()
    try:
        assert codes(house) == {"a": [], "b": [words.UNREACHABLE]}  # one of them answers
        seen = {one.software: one for one in looking.look(house)}
        for name, guid in (("a", GUID), ("b", OTHER_GUID)):
            assert rules.identifier(seen[name]) == guid
            assert [one.name for one in seen[name].services or ()] == [f"ServiceProvider_{guid}"]
        second.write_pvs(
            "[Install]\r\nHostname=PRAXISSERVER\r\n"
        )  # after stale content went: by its data path
        assert codes(house)["a"] == []
        first.install("33333333-1884-424E-A9F0-A417B5160505")  # which is one too many
        assert codes(house)["a"] == [words.INSTALLED_TWICE]
    finally:
        first.stop()


def test_services_of_another_computer_that_nobody_can_tell_apart_are_not_judged(
    sqlite_houses: Houses, tmp_path: Path
) -> None:
    house = sqlite_houses.open()
    first, second = two_of_one(tmp_path)
    first.computer = first.software_host = "ANDERER"
    for place, guid in ((first, GUID), (second, OTHER_GUID)):
        place.write_pvs(place.whole_pvs(guid, "ANDERER"))
    enter_two(house, first, second, "ANDERER", "")
    first.start()
    try:
        seen = {one.software: one for one in looking.look(house)}
        assert [one.name for one in seen["b"].services or ()] == [f"ServiceProvider_{OTHER_GUID}"]
        first.services = [
            ServiceFacts(name=name, display="Service-Provider", state="running")
            for name in ("ServiceProvider1", "ServiceProvider2")
        ]
        seen = {one.software: one for one in looking.look(house)}
        assert seen["a"].services is None and seen["b"].services is None
        assert codes(house) == {"a": [], "b": [words.UNREACHABLE]}
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
