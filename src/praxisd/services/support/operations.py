"""What `praxisd support …` does, in the server or under the folder's lock. JSON in and out."""

from typing import TYPE_CHECKING, Any

from praxisd.kernel.control import actor
from praxisd.kernel.service import Operation
from praxisd.services.support import bundle

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]


def make(house: "House", args: Args) -> Args:
    """Make a support package. With `save` its copy says that it was saved as a file.

    `{"id", "digest", "file", "lines": […]}`: the lines as they were kept.
    """
    who = actor(house, args)
    made = bundle.make(house, who)
    if args.get("save"):
        bundle.saved(house, who, made.id)
    return {"id": made.id, "digest": made.digest, "file": made.file, "lines": made.lines}


OPERATIONS = (Operation("support.bundle", make, offline=True),)
