"""All that is kept on a medium is read, byte by byte. What is damaged is named, and none of it counts as good meanwhile."""

from typing import TYPE_CHECKING, Any

from praxisd.model.backup_kept import Drive, MediumKept
from praxisd.services.backups import media_rules, store
from praxisd.services.backups.engine import Stop
from praxisd.services.backups.runs import keeping, recording, targets
from praxisd.services.backups.runs.recording import Recorder
from praxisd.services.backups.runs.running import Ending, Failed

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def verify(house: "House", recorder: Recorder, stop: Stop) -> Ending:
    """Do the run; EngineFault, Failed, Problem."""
    recorder.step("medium")
    drive, medium = there(house, recorder.run.medium)
    target = targets.opened(house, drive, medium)
    id = medium.medium.id
    recorder.change(medium=id, slot=medium.medium.slot)
    missing = keeping.reconcile(house, target)
    recorder.step("verify")
    depth = "structure" if recorder.run.facts.get("depth") == "structure" else "all"
    target.engine.verify(
        target.repo, "structure" if depth == "structure" else "all", progress=recorder.progress, stop=stop
    )
    count = 0
    if depth == "all":
        count = house.store.run(recording.SYSTEM, lambda tx: keeping.verified(tx, id, tx.now))
    facts: dict[str, Any] = {"states": count, "depth": depth, "missing": missing}
    if missing:
        facts["params"] = {"label": medium.medium.label}
        return Ending("failed", keeping.MISSING, str(missing), medium=id, facts=facts)
    return Ending("good", medium=id, facts=facts)


def there(house: "House", medium: str) -> tuple[Drive, MediumKept]:
    """The drive in which this medium is, or any that holds one of ours (""). Failed: „missing“, or what is wrong with
    one that is there instead.
    """
    found = targets.reachable(house)
    right = next((one for one in found if medium in ("", one[1].medium.id)), None)
    if right is not None:
        return right
    with house.store.read(recording.SYSTEM) as tx:
        known = store.MEDIUM.get(tx, medium) if medium else None
    label = "" if known is None else known.medium.label
    other = targets.strange(house, label)
    raise Failed(
        media_rules.MISSING if other is None else other.code,
        facts={"params": {"expected": label}, "subject": medium},
    )
