"""Two nodes on one PostgreSQL: "this computer" is the node that said so, and each looks after its own issues only."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from praxisd.kernel import issues
from praxisd.kernel.access import INSTALLATION, Actor, Kind, system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.issues_running import Checker
from praxisd.model.machine import Disk, MachineFacts, known
from praxisd.services.diagnosis import machine, machine_view, software_keeping, software_store
from praxisd.services.diagnosis.software_shapes import SoftwareIn
from praxisd.services.serviceprovider import installing, looking, repairing, unseen_rules, words
from praxisd.services.serviceprovider.room import room_of
from praxisd.testing.houses import START, Houses
from praxisd.testing.prepared import CUSTOMER, Place
from praxisd.testing.prepared_cases import CASES, build

OWNER = Actor(Kind.CLI, "cli", INSTALLATION, everything=True)
PROVIDER, NEED, DISKS = "serviceprovider.state", "diagnosis.requirements", "diagnosis.disks"
WORN = "diagnosis.disk_worn"


class Meter:
    """A computer that says little of itself."""

    def __init__(self, host: str, memory_gb: float, worn: bool) -> None:
        drives: tuple[Disk, ...] = (Disk(volume="C:", healthy=known(not worn)),)
        disks = known(drives)
        self._facts = MachineFacts(
            host=host, at=START, computer_name=known(host), memory_gb=known(memory_gb), disks=disks
        )

    def measure(self, at: int, wait_s: float = 0.0, only: object = ()) -> MachineFacts:
        return msgspec.structs.replace(self._facts, at=at)


class Nodes:
    """Nodes `a` and `b`; what runs now runs on the one that is named."""

    def __init__(self, houses: Houses, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch
        self.a = houses.open()
        self.b = houses.twin(self.a)
        self.a.shared["diagnosis.meter"] = Meter("node-a", 1.0, True)
        self.b.shared["diagnosis.meter"] = Meter("node-b", 1.0, True)

    def on(self, name: str) -> House:
        self.patch.setattr(machine, "computer_name", lambda: f"node-{name}")
        return self.a if name == "a" else self.b

    def check(self, name: str, *checks: str) -> set[tuple[str, str]]:
        found = issues.run_checks(self.on(name), checks).issues
        return {(one.code, one.subject) for one in found if one.source.partition("@")[0] in checks}


@pytest.fixture
def nodes(postgres_houses: Houses, monkeypatch: pytest.MonkeyPatch) -> Nodes:
    return Nodes(postgres_houses, monkeypatch)


def entered(nodes: Nodes, place: Place, name: str = "a") -> str:
    said = SoftwareIn(
        product="x.concept", role="server", data_folder=str(place.top), program_folder=str(place.root),
        devices=3, customer_number=CUSTOMER,
    )  # fmt: skip
    house = nodes.on(name)
    return house.store.run(OWNER, lambda tx: software_keeping.add(house, tx, said)).id


@pytest.fixture
def place(nodes: Nodes, tmp_path: Path) -> Iterator[Place]:
    """A provider on node a that is not sound."""
    made = build(next(one for one in CASES if one.name == "spaces"), tmp_path)
    for house in (nodes.a, nodes.b):
        room = room_of(house)
        room.facts = lambda _house, _host: made.facts()
    yield made
    made.stop()


def test_what_is_wrong_on_one_node_is_neither_cleared_nor_raised_by_another(
    nodes: Nodes, place: Place
) -> None:
    software = entered(nodes, place)
    wrong = {(words.SPACES, f"{software}/pvs"), (words.SPACES, f"{software}/install")}
    assert nodes.check("a", PROVIDER) == wrong
    assert nodes.check("b", PROVIDER) == wrong  # what a said stands
    place.pvs.unlink()  # b would say so if it took a's folder for its own
    assert nodes.check("b", PROVIDER) == wrong
    assert (words.DATAPATH_INVALID, f"{software}/install") in nodes.check("a", PROVIDER)


def test_on_the_other_node_it_is_said_who_looks(nodes: Nodes, place: Place) -> None:
    software = entered(nodes, place)
    house = nodes.on("b")
    (seen,) = looking.look(house)
    assert seen.away and seen.machine == "node-a" and list(unseen_rules.unseen(seen)) == ["away"]
    before = place.pvs.read_bytes()
    house.shared["url"] = f"http://127.0.0.1:{place.port}"
    with pytest.raises(Problem) as mending:
        repairing.repair(house, OWNER, software, words.SPACES)
    with pytest.raises(Problem) as making:
        installing.install(house, OWNER, software, str(place.top), True)
    assert {mending.value.code, making.value.code} == {"serviceprovider.not_seen"}
    assert place.pvs.read_bytes() == before
    assert repairing.repair(nodes.on("a"), OWNER, software, words.SPACES).files


def test_a_role_is_that_of_the_node_where_it_was_said(nodes: Nodes, place: Place) -> None:
    entered(nodes, place)
    missed = nodes.check("a", NEED)
    assert missed and all(subject.startswith("node-a/") for _, subject in missed)
    assert nodes.check("b", NEED) == missed
    nodes.a.shared["diagnosis.meter"] = Meter("node-a", 512.0, True)
    assert len(nodes.check("a", NEED)) < len(missed)  # more memory: a clears its own


def test_what_a_person_says_at_another_node_of_no_place_moves_nothing(nodes: Nodes, place: Place) -> None:
    software = entered(nodes, place)
    house = nodes.on("b")

    def change(**more: object) -> str:
        with house.store.read(OWNER) as tx:
            was = software_store.one(tx, software)
        assert was is not None
        kept = {name: getattr(was, name) for name in SoftwareIn.__struct_fields__}
        said = SoftwareIn(**{**kept, **more})
        return house.store.run(OWNER, lambda tx: software_keeping.change(house, tx, software, said)).node

    assert change(note="Ansprechpartner gewechselt") == "node-a"
    assert change(data_folder="/elsewhere") == "node-b"


def test_drives_of_the_same_name_are_told_apart(nodes: Nodes) -> None:
    assert nodes.check("a", DISKS) == {(WORN, "C: (node-a)")}
    assert nodes.check("b", DISKS) == {(WORN, "C: (node-a)"), (WORN, "C: (node-b)")}
    nodes.b.shared["diagnosis.meter"] = Meter("node-b", 1.0, False)
    assert nodes.check("b", DISKS) == {(WORN, "C: (node-a)")}


def test_every_node_looks_at_itself_each_minute(nodes: Nodes) -> None:
    for name in ("a", "b"):  # only the first of them gets the lease
        Checker(nodes.on(name)).step()
    with nodes.a.store.read(system("test")) as tx:
        found = {one.subject for one in issues.list_all(tx) if one.code == WORN}
    assert found == {"C: (node-a)", "C: (node-b)"}


def test_what_was_true_on_a_node_that_is_gone_is_forgotten(nodes: Nodes) -> None:
    nodes.check("b", DISKS)
    house = nodes.on("a")
    issues.run_checks(house)
    assert (WORN, "C: (node-b)") in nodes.check("a", DISKS)
    house.clock.advance(3 * 3_600)  # type: ignore[attr-defined]
    issues.run_checks(house)
    assert nodes.check("a", DISKS) == {(WORN, "C: (node-a)")}


def test_a_single_server_may_get_another_name(sqlite_houses: Houses, monkeypatch: pytest.MonkeyPatch) -> None:
    house = sqlite_houses.open()
    monkeypatch.setattr(machine, "computer_name", lambda: "old")
    said = SoftwareIn(product="x.concept", role="server", data_folder="/srv/DConcept")
    made = house.store.run(OWNER, lambda tx: software_keeping.add(house, tx, said))
    assert made.node == "old"
    monkeypatch.setattr(machine, "computer_name", lambda: "new")
    assert machine.entered_here(house, made) and machine.seen_from_here(house, made) is made
    assert machine_view.machines(house, OWNER)[1] == (made,)
