"""What `praxisd reminders …` does, in the server or under the folder's lock. JSON in and out."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.control import actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Operation
from praxisd.services.reminders import previewing
from praxisd.services.reminders.shapes import PreviewIn

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_PAGE = 200


def _preview(house: "House", args: dict[str, Any]) -> dict[str, Any]:
    """The whole preview, all pages in one."""
    asked: dict[str, Any] = {"limit": _PAGE}
    asked |= {name: args[name] for name in ("kind", "day", "filter", "code") if name in args}
    try:
        one = msgspec.convert(asked, PreviewIn)
    except msgspec.ValidationError as error:
        raise Problem("control.bad_arguments", 400, detail=str(error)) from None
    with house.store.read(actor(house, args)) as tx:
        found = previewing.preview(house, tx, one, str(args.get("lang", "de")))
        following = found.next
        while following is not None:
            page = previewing.preview(
                house, tx, msgspec.structs.replace(one, cursor=following), str(args.get("lang", "de"))
            )
            found.candidates.extend(page.candidates)
            found.refusals.extend(page.refusals)
            following = page.next
    shown: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(found, next=None))
    return shown


OPERATIONS = (Operation("reminders.preview", _preview, offline=True),)
