"""What `praxisd medication sets|confirm|use` do, in the server or under the folder's lock. JSON in and out."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import issues
from praxisd.kernel.control import actor
from praxisd.kernel.service import Operation
from praxisd.services.medication import sets_looking, sets_reading, sets_view
from praxisd.services.updates import api as updates

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]


def _lang(args: Args) -> str:
    return str(args.get("lang") or "de")


def shown(house: "House", args: Args) -> Args:
    """`{"sets": […]}` as the REST operation answers."""
    with house.store.read(actor(house, args)) as tx:
        found: Args = msgspec.to_builtins(sets_view.shown(house, tx, _lang(args)))
    return found


def confirm(house: "House", args: Args) -> Args:
    """Confirm the edition `version` of `element`; then as `shown`."""
    who = actor(house, args)
    house.store.run(who, lambda tx: sets_view.confirm(house, tx, args["element"], args["version"]))
    issues.run_checks(house, ["medication.ages"])
    return shown(house, args)


def use(house: "House", args: Args) -> Args:
    """Have a set in use that was built here (`medication build`); then as `shown`. Nothing changes where it is not sound.

    Problems: those of `sets_looking` (422), `updates.busy`, `updates.unusable`.
    """
    file = Path(args["file"])
    meta = sets_looking.looked(file)
    version = str(args.get("version") or meta["released"])
    there = updates.versions(house, meta["element"])
    if there and there[0].version == version:
        version = f"{version}+{meta['sha256'][:8]}"
    updates.put_in_use(
        house, meta["element"], version, meta["released"], lambda out: shutil.copyfile(file, out)
    )
    sets_reading.open_set(house, meta["element"])
    issues.run_checks(house, ["medication.files", "medication.ages"])
    return shown(house, args)


OPERATIONS = (
    Operation("medication.sets", shown, offline=True),
    Operation("medication.confirm", confirm, offline=True),
    Operation("medication.use", use, offline=True),
)
