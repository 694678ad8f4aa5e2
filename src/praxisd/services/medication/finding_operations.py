"""What `praxisd medication search` does, in the server or under the folder's lock. JSON in and out."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.control import actor
from praxisd.kernel.service import Operation
from praxisd.services.medication import finding

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]


def search(house: "House", args: Args) -> Args:
    """`{"results": […], "how", "standing"}` as the REST operation answers."""
    at = finding.ready(house, args.get("version"))
    with house.store.read(actor(house, args)) as tx:
        found = finding.answer(
            house, tx, at, args["text"], int(args.get("limit", 20)), args.get("lang", "de")
        )
    answer: Args = msgspec.to_builtins(found)
    return answer


OPERATIONS = (Operation("medication.search", search, offline=True),)
