"""What `praxisd backup snapshot` does, in the server or under the folder's lock. JSON in and out."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Operation
from praxisd.services.backups import snapshot
from praxisd.services.backups.source import SourceFault

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]


def take(house: "House", args: Args) -> Args:
    """Make the copy in the folder `to`: `{"folder", "at", "files", "bytes", "rows", "seconds"}`.

    Problems: those of `source.CODES`, `backups.snapshot_foreign`, `control.bad_arguments` (400).
    """
    to = args.get("to")
    if not isinstance(to, str) or not Path(to).is_absolute():
        raise Problem("control.bad_arguments", 400, detail="to")
    try:
        made = snapshot.take(
            house, Path(to), progress=lambda _done, _whole: None, stop=lambda: house.stopping
        )
    except SourceFault as fault:
        raise snapshot.problem(fault) from None
    return {
        "folder": str(made.folder),
        "at": made.at,
        "files": made.files,
        "bytes": made.bytes,
        "rows": made.rows,
        "seconds": made.seconds,
    }


OPERATIONS = (Operation("backups.snapshot", take, offline=True),)
