"""REST operations on moving the server to another computer."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from praxisd.kernel.errors import not_found
from praxisd.kernel.service import Answer, Call, EventType, Permission, Raw, Retention, Route
from praxisd.services.backups.moving import leaving, sheet, steps, view
from praxisd.services.backups.moving.view import MoveOut
from praxisd.services.backups.plans.rights import MANAGE, READ

MOVE = "backups.move"
"""Move the server away: whoever may do that gets all that it keeps, with the vault's key."""
_TAGS = ("backups",)


class MoveOutIn(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the copy for the new computer goes: a folder of the server, as a path from its root."""

    to: Annotated[str, Meta(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]*$")]


class MoveStepIn(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step is done, or open again."""

    state: Literal["open", "done"]


def get_move(call: Call) -> MoveOut:
    """How a move stands

    Moving out of this computer, and what is still to be done after moving in. It answers while the doors are closed.
    """
    return view.out(call.house, call.lang, call.actor)


def move_out(call: Call) -> Answer:
    """Move the server to another computer

    Closes the doors, copies all that is praxisd's into a folder, and ends this server for good: it goes on with
    `praxisd move in` on the new computer, or here with `praxisd move undo`. If the copy fails, the server goes on.
    """
    body: MoveOutIn = call.body
    leaving.begin(call.house, Path(body.to), call.actor)
    return Answer(view.out(call.house, call.lang, call.actor), 202)


def put_step(call: Call) -> MoveOut:
    """Tick what is done after the move, or open it again."""
    body: MoveStepIn = call.body
    done, who = body.state == "done", call.actor
    steps.tick(call.house, who, call.path["step"], done=done, by=who.label)
    return get_move(call)


def get_sheet(call: Call) -> Raw:
    """The list for the new computer on paper."""
    made = sheet.paper(call.house, call.actor, call.lang)
    if made is None:
        raise not_found("Move")
    return made.answer(sheet.NAME)


PERMISSIONS = (Permission(MOVE, ("owner",), shared=True),)
EVENTS = tuple(EventType(f"move.{one}", Retention.AUDIT) for one in ("begun", "undone", "arrived", "ticked"))
ROUTES = (
    Route(
        "GET", "/backups/move", "backupMove.read", get_move, READ, MoveOut, tags=_TAGS, exempt=True, safe=True,
    ),
    Route(
        "POST", "/backups/move/out", "backupMove.out", move_out, MOVE, MoveOut, body=MoveOutIn, status=202,
        transaction=False, inside=True, tags=_TAGS,
        problems=(
            (400, leaving.PLACE), (409, leaving.BUSY), (409, leaving.ALREADY), (409, leaving.RUNNING),
        ),
    ),
    Route(
        "PUT", "/backups/move/steps/{step}", "backupMoveStep.set", put_step, MANAGE, MoveOut, body=MoveStepIn,
        transaction=False, tags=_TAGS, problems=((404, steps.UNKNOWN),), safe=True,
    ),
    Route(
        "GET", "/backups/move/sheet.pdf", "backupMove.sheet", get_sheet, READ, media_type="application/pdf",
        tags=_TAGS, problems=((404, "http.not_found"),), safe=True,
    ),
)  # fmt: skip
