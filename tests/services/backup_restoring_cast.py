"""A practice whose own data was backed up, and comes back at the next start: what the tests of it share."""

from pathlib import Path
from typing import Any

from praxisd.kernel.app import House
from praxisd.services.backups import store
from praxisd.services.backups.restoring import after, exchange
from praxisd.services.backups.restoring.shapes import RestoreIn, TargetIn
from praxisd.testing.houses import Houses

from .backups_scene import SYSTEM, Scene

OWN = ("praxisd database", "praxisd")


def words(house: House) -> list[str]:
    """What stands in a table of ours: the labels of drives serve."""
    with house.store.read(SYSTEM) as tx:
        return sorted(one.label for one in store.DRIVE.all(tx))


def wanted(state: str, **more: Any) -> RestoreIn:
    return RestoreIn(snapshot=state, target=TargetIn(kind="place"), sources=OWN, **more)


def backed_up(house: House, top: Path) -> tuple[Scene, str]:
    """A scene whose state is taken; afterwards a drive „later“ is entered. The state."""
    scene = Scene(house, top)
    scene.plan()
    nas = scene.medium(scene.drive("nas"), "nas", "NAS oben")
    (house.folder / "products").mkdir(exist_ok=True)
    (house.folder / "products" / "own.toml").write_text("# at the backup")
    run = scene.run(job="night", slot="nas")
    assert run.state == "good", (run.code, run.detail)
    scene.drive("later", "removable")
    (house.folder / "products" / "own.toml").write_text("# later")
    return scene, scene.states(nas)[-1].id


def again(houses: Houses, house: House, *, begin: bool = True) -> House:
    """The house is closed; the next start, as `serve` makes it."""
    house.stop()
    exchange.settle(house.folder, lambda: house.config.database_url, begin=begin)
    found = houses.twin(house)
    after.settled(found)
    return found
