"""REST operations on the checklist of the security directive (§ 390 SGB V). It belongs to the practice."""

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from praxisd.kernel.service import Call, EventType, Permission, Raw, Retention, Route
from praxisd.model.directive import Kept, Size
from praxisd.services.diagnosis import directive_sheet as paper
from praxisd.services.diagnosis.directive_rules import DUE_INVALID, PERSON_MISSING
from praxisd.services.diagnosis.directive_view import DirectiveOut, Words, keep, keep_size, sheet

READ, WRITE = "diagnosis.directive.read", "diagnosis.directive.write"
_TAGS = ("diagnosis",)


class _In(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all bodies share: camelCase names, nothing unknown."""


class DirectiveSizeIn(_In, frozen=True, kw_only=True):
    """How large the practice is: persons who constantly process data, and whether it has large devices such as CT or MRI."""

    size: Size
    large_devices: bool = False


class DirectiveItemIn(_In, frozen=True, kw_only=True):
    """What is said of an item. `done` needs the person; `due` is the next date, proposed if left out."""

    state: Kept
    person: Annotated[str, Meta(max_length=100)] = ""
    note: Annotated[str, Meta(max_length=500)] = ""
    due: date | None = None


def get_directive(call: Call) -> DirectiveOut:
    """The checklist of the security directive

    The items that hold for a practice of this size: what can be measured is measured now (some seconds the first time), the
    rest are reminders with person and date.
    """
    words = Words(call.house, call.lang, call.actor.masked)
    return words.all(sheet(call.house, call.actor))


def put_size(call: Call) -> DirectiveOut:
    """Say how large the practice is: this decides which annexes hold."""
    body: DirectiveSizeIn = call.body
    call.house.store.run(call.actor, lambda tx: keep_size(tx, body.size, body.large_devices))
    return get_directive(call)


def put_item(call: Call) -> DirectiveOut:
    """Say that an item is done, does not apply, or is open again."""
    body: DirectiveItemIn = call.body
    call.house.store.run(
        call.actor,
        lambda tx: keep(call.house, tx, call.path["item"], body.state, body.person, body.note, body.due),
    )
    return get_directive(call)


def get_sheet(call: Call) -> Raw:
    """The checklist on paper

    To be signed and filed; what is fulfilled is ticked.
    """
    return paper.paper(call.house, call.actor, call.lang).answer(paper.NAME)


PERMISSIONS = (Permission(READ, ("owner", "desk", "partner")), Permission(WRITE, ("owner", "partner")))
EVENTS = (EventType("directive.noted", Retention.AUDIT),)
ROUTES = (
    Route("GET", "/directive", "directive.read", get_directive, READ, DirectiveOut, tags=_TAGS, safe=True),
    Route(
        "GET", "/directive/sheet.pdf", "directive.sheet", get_sheet, READ, media_type="application/pdf", tags=_TAGS,
        safe=True,
    ),
    Route(
        "PUT", "/directive/size", "directive.size", put_size, WRITE, DirectiveOut, body=DirectiveSizeIn,
        transaction=False, tags=_TAGS, safe=True,
    ),
    Route(
        "PUT", "/directive/{item}", "directive.note", put_item, WRITE, DirectiveOut, body=DirectiveItemIn,
        transaction=False, problems=((404, "http.not_found"), (422, PERSON_MISSING), (422, DUE_INVALID)), tags=_TAGS,
        safe=True,
    ),
)  # fmt: skip
