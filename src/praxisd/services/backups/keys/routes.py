"""REST operations of the keys: which password opens what, a change, the recovery sheet."""

from dataclasses import replace
from typing import Annotated

import msgspec
from msgspec import Meta

from praxisd.kernel.access import Kind
from praxisd.kernel.errors import Problem
from praxisd.kernel.paper import PDF
from praxisd.kernel.service import Call, Raw, Route
from praxisd.services.accounts import api as accounts
from praxisd.services.backups import engine, media_rules
from praxisd.services.backups.keys import alphabet, changing, opening, sheet, view
from praxisd.services.backups.keys.changing import Reached, What
from praxisd.services.backups.keys.rights import KEYS
from praxisd.services.backups.keys.view import KeysOut
from praxisd.services.backups.plans.rights import READ

UNCONFIRMED = "backups.sheet_unconfirmed"
_TAGS = ("backups",)
_Own = Annotated[str, Meta(max_length=1000)]
_REFUSED = ((403, "accounts.password_wrong"), (429, "accounts.rate_limited"), (422, UNCONFIRMED))


class KeyChangeIn(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be made anew. `chosen`: a password that a person made up, "" for a long one that nobody has to know.

    `confirmed` has to be true; a person types their own sign-in password once more (`password`).
    """

    what: What
    chosen: Annotated[str, Meta(max_length=changing.MOST)] = ""
    confirmed: bool
    password: _Own = ""


class KeyOpenIn(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`secret`: the recovery key of the sheet, however it is spaced, or the password of that time. The rest as for a change."""

    medium: Annotated[str, Meta(min_length=1, max_length=100)]
    secret: Annotated[str, Meta(min_length=1, max_length=1000)]
    confirmed: bool
    password: _Own = ""


class SheetIn(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`confirmed` has to be true; a person types their own sign-in password once more (`password`)."""

    confirmed: bool
    password: _Own = ""


class KeyChangeOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """How it stands now, and which of the media that are there have it already."""

    keys: KeysOut
    reached: tuple[Reached, ...]


def get_keys(call: Call) -> KeysOut:
    """Which passwords there are, and which medium each opens

    Numbers and days, never a password.
    """
    with call.read() as tx:
        return view.shown(call.house, tx, call.lang)


def change(call: Call) -> KeyChangeOut:
    """Make a new password, or a new recovery key

    Media that are there get it at once; one that takes long (a busy NAS) is named `backups.key_under_way` and gets it after
    the answer: until then it stands in the list as `behind`. The others are opened by the earlier one until they are in a
    drive again: which it is stands in the list. After a new recovery key the sheet has to be printed.
    """
    body: KeyChangeIn = call.body
    _confirmed(call, body.confirmed, body.password)
    reached = changing.change(
        call.house,
        call.actor,
        body.what,
        body.chosen if body.what == "password" else "",
        changing.PATIENCE_S,
    )
    return KeyChangeOut(keys=get_keys(call), reached=tuple(reached))


def open_medium(call: Call) -> KeysOut:
    """Open a medium by hand

    For a medium that this server cannot open any more (its passwords were lost, or it comes from another server): the
    recovery key or the password of that time is typed once, and the medium gets the password of now.
    """
    body: KeyOpenIn = call.body
    _confirmed(call, body.confirmed, body.password)
    changing.open_by_hand(call.house, call.actor, body.medium, body.secret)
    return get_keys(call)


def print_sheet(call: Call) -> Raw:
    """Print the recovery sheet

    With the key that opens every backup: this is the one answer that holds a secret. Who had it made is noted.
    """
    body: SheetIn = call.body
    _confirmed(call, body.confirmed, body.password)
    made = sheet.paper(call.house, call.actor, call.lang).answer(sheet.NAME)
    return replace(made, headers={**made.headers, "Cache-Control": "no-store"})


def _confirmed(call: Call, confirmed: bool, password: str) -> None:
    """Problems `backups.sheet_unconfirmed` (422), `accounts.password_wrong` (403) for a person at the console."""
    if not confirmed:
        raise Problem(UNCONFIRMED, 422)
    if call.actor.kind is Kind.USER:
        accounts.confirm_password(call.house, call.actor, password, call.visit.address)


ROUTES = (
    Route("GET", "/backups/keys", "backupKeys.read", get_keys, READ, KeysOut, tags=_TAGS, safe=True),
    Route(
        "POST", "/backups/keys/change", "backupKeys.change", change, KEYS, KeyChangeOut, body=KeyChangeIn,
        transaction=False, problems=(*_REFUSED, (422, changing.WEAK)), tags=_TAGS,
    ),
    Route(
        "POST", "/backups/keys/open", "backupKeys.open", open_medium, KEYS, KeysOut, body=KeyOpenIn,
        transaction=False, tags=_TAGS,
        problems=(
            *_REFUSED, (404, "http.not_found"), (422, alphabet.MISTYPED), (409, opening.NEEDED),
            (409, opening.LATER),
            (409, media_rules.MISSING), *((409, code) for code in engine.CODES),
        ),
    ),
    Route(
        "POST", "/backups/keys/sheet", "backupKeys.sheet", print_sheet, KEYS, body=SheetIn, media_type=PDF,
        transaction=False, problems=_REFUSED, tags=_TAGS, safe=True,
    ),
)  # fmt: skip
