"""The record of remote support: everything the partner did, from the audit alone, which nobody can change or clear."""

from typing import TYPE_CHECKING

from praxisd.kernel import event_search
from praxisd.kernel.access import Actor, Kind
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.event_search import Wanted
from praxisd.kernel.events import Event
from praxisd.kernel.sentences import area_of, area_title, sentence
from praxisd.services.support.remote_room import ACT, room_of
from praxisd.services.support.remote_shapes import ActOut

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_LOOKS = ("search", "preview", "view", "counts")
_FRAME = frozenset({"live.follow", "console.read", "session.read", "guard.read", "remote.now", "issues.list"})
"""What every page of the console asks for by itself."""


def page(
    house: "House", actor: Actor, grant: str, below: int | None, limit: int, lang: str
) -> tuple[list[ActOut], int | None]:
    """A page of a grant's record, newest first, and where the next one begins."""
    room_of(house).flush(everything=True)
    of_partner = Wanted(actors=[f"{Kind.SUPPORT}:{grant}"], below=below, limit=limit + 1)
    of_course = Wanted(subject_type="Support", subject_id=grant, below=below, limit=limit + 1)
    with house.store.read(actor) as tx:
        found = {
            one.seq: one
            for asked in (of_partner, of_course)
            for one in event_search.find(tx, house.registry, asked)
        }
    newest = [found[seq] for seq in sorted(found, reverse=True)]
    shown = newest[:limit]
    places = _places(house, lang)
    acts = [_act(house, one, places, lang) for one in shown]
    return acts, shown[-1].seq if len(newest) > limit else None


def _places(house: "House", lang: str) -> dict[str, tuple[str, bool, str]]:
    """By name of an operation its area, whether it only asks, and what it is for in the words of its permission."""
    found = {}
    for service in house.registry.services:
        for route in service.routes:
            asks = route.method == "GET" or route.name.partition(".")[2] in _LOOKS
            found[route.name] = (service.name, asks, _about(house, route.permission, lang))
        for listing in service.listings:
            about = _about(house, listing.permission, lang)
            word = "".join(part.title() for part in listing.name.split("."))
            for name in (
                f"listing.{word[:1].lower()}{word[1:]}",
                f"listing.{word[:1].lower()}{word[1:]}Export",
            ):
                found[name] = (service.name, True, about)
    return found


def _about(house: "House", permission: str | None, lang: str) -> str:
    key = f"permission.{permission}"
    return house.texts.get(key, lang) if house.texts.has(key) else ""


def _act(house: "House", one: Event, places: dict[str, tuple[str, bool, str]], lang: str) -> ActOut:
    codes = one.codes
    if one.subject_type == ACT:
        operation, refused = str(codes.get("operation") or ""), codes.get("code")
        area, asks, about = places.get(operation, ("", True, ""))
        kind = "frame" if operation in _FRAME else "look" if asks else "do"
        key = f"{refused}.title"
        return ActOut(
            number=one.seq,
            at=format_rfc3339(int(codes.get("first") or one.at)),
            last=format_rfc3339(int(codes.get("last") or one.at)),
            kind=kind,
            text=house.texts.get(f"support.record.{kind}", lang),
            about="" if kind == "frame" else about,
            area=area_title(house, area, lang) if area else "",
            operation=operation,
            count=int(codes.get("count") or 1),
            status=int(codes.get("status") or 0),
            refusal=house.texts.get(key, lang) if refused and house.texts.has(key) else str(refused or ""),
        )
    return ActOut(
        number=one.seq,
        at=format_rfc3339(one.at),
        last=format_rfc3339(one.at),
        kind="grant" if one.subject_type == "Support" else "change",
        text=sentence(house, one, lang),
        about="",
        area=area_title(house, area_of(house.registry, one.type), lang),
        operation="",
        count=1,
        status=0,
        refusal="",
    )
