"""What `praxisd backup plan|media|drives|sources` do, in the server or under the folder's lock. JSON in and out."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.access import INSTALLATION, Actor, Kind
from praxisd.kernel.clock import parse_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Operation
from praxisd.kernel.texts import FIRST
from praxisd.model.backup_kept import PlanKept
from praxisd.services.backups.plans import (
    drive_routes,
    drives,
    looking,
    media,
    media_view,
    plan_view,
    planning,
    setting_up,
    source_routes,
    sources,
)
from praxisd.services.backups.plans.media_shapes import MovedIn
from praxisd.services.backups.plans.plan_shapes import CalendarQuery, PlanIn

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]
CLI = Actor(Kind.CLI, "cli", INSTALLATION, everything=True)
BAD = "control.bad_arguments"


def _lang(args: Args) -> str:
    return str(args.get("lang") or FIRST)


def _built(struct: msgspec.Struct) -> Args:
    found: Args = msgspec.to_builtins(struct)
    return found


def _read(given: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise Problem(BAD, 400, detail=str(error)) from None


def plan(house: "House", args: Args) -> Args:
    """The plan in force: `{"plan": … or null}`."""
    with house.store.read(CLI) as tx:
        found = plan_view.shown(house, tx, _lang(args))
    return {"plan": None if found is None else _built(found)}


def set_plan(house: "House", args: Args) -> Args:
    """Put `plan` in force; what it does not say stays as it is in the one before: how long copies are kept, above all.

    Problems of `plan_rules.CODES`, `control.bad_arguments`.
    """
    said = _read(args.get("plan"), dict[str, Any])
    with house.store.read(CLI) as tx:
        before = planning.plan(tx)
    given = _said_before(before, said)
    if said.get("image") == {}:  # wanted, whatever is said of it already
        said["image"] = given.get("image") or {}
    made = plan_view.made(_read({**given, **said}, PlanIn))
    house.store.run(CLI, lambda tx: planning.put(tx, made))
    return plan(house, args)


def _said_before(before: PlanKept | None, said: Args) -> Args:
    if before is None:
        return {}
    asked = _built(plan_view.asked(before.plan))
    return asked if said.get("variant") == before.plan.variant else {**asked, "under": None}


def calendar(house: "House", args: Args) -> Args:
    """The calendar of media, from `from` to `to`. Problems `backups.plan_missing`, `backups.calendar_range`."""
    given = {name: args[name] for name in ("from", "to") if name in args}
    query: CalendarQuery = _read(given, CalendarQuery)
    with house.store.read(CLI) as tx:
        kept = planning.plan(tx)
        if kept is None:
            raise Problem(plan_view.NO_PLAN, 404)
        first, last = plan_view.range_of(house, tx, query.first, query.last)
        return _built(plan_view.calendar(house, tx, kept.plan, first, last, _lang(args), kept))


def list_drives(house: "House", _args: Args) -> Args:
    """All drives, and what each shows now."""
    with house.store.read(CLI) as tx:
        every, known = drives.drives(tx), drive_routes.known(tx)
    return {"drives": [_built(drive_routes.shown(house, one, known)) for one in every]}


def add_drive(house: "House", args: Args) -> Args:
    """Enter one: `drive` as the door takes it."""
    said = msgspec.structs.asdict(_read(args.get("drive"), drive_routes.DriveIn))
    drives.placed(house, str(said["path"]))
    sources.clear_of(house, str(said["path"]))
    made = house.store.run(CLI, lambda tx: drives.add(house, tx, said))
    with house.store.read(CLI) as tx:
        known = drive_routes.known(tx)
    return _built(drive_routes.shown(house, made, known))


def remove_drive(house: "House", args: Args) -> Args:
    """Take one off the list, by its id or its name."""
    id_ = _drive(house, str(args.get("id")))
    house.store.run(CLI, lambda tx: drives.remove(tx, id_))
    return {"id": id_}


def list_sources(house: "House", args: Args) -> Args:
    """What is copied, and what is left out."""
    with house.store.read(CLI) as tx:
        return _built(source_routes.listed(house, tx, _lang(args)))


def set_source(house: "House", args: Args) -> Args:
    """Copy this too, or leave it out with a reason: `name`, `source` as the door takes it."""
    said: source_routes.SourceIn = _read(args.get("source"), source_routes.SourceIn)
    one = source_routes.kept_of(str(args.get("name")), said, CLI.label, house.clock.now())
    source_routes.looked_at(house, one)
    if one.kind == "excluded":
        house.store.run(CLI, lambda tx: sources.exclude(tx, one.name, one.reason, one.by, one.spec))
    else:
        house.store.run(CLI, lambda tx: sources.include(house, tx, one))
    return list_sources(house, args)


def remove_source(house: "House", args: Args) -> Args:
    """Forget what was said of it."""
    name = str(args.get("name"))
    house.store.run(CLI, lambda tx: sources.remove(tx, name))
    return {"name": name}


def try_source(house: "House", args: Args) -> Args:
    """Can it be copied as it is set up?"""
    return _built(source_routes.tried(house, str(args.get("name")), _lang(args)))


def list_media(house: "House", args: Args) -> Args:
    """All media; the drives are looked at first."""
    with house.store.read(CLI) as tx:
        mine = drives.here(house, tx)
    looks = {one.id: looking.glance(house, one) for one in mine}
    with house.store.read(CLI) as tx:
        changed = media.came_and_went(house, tx, looks)
    if changed:
        house.store.run(CLI, lambda tx: media.follow(house, tx, looks))
    with house.store.read(CLI) as tx:
        return {"media": [_built(one) for one in media_view.shown(house, tx, _lang(args))]}


def set_up_medium(house: "House", args: Args) -> Args:
    """Set up the medium in the drive `drive` (its id or its name) for the slot `slot`, called `label`."""
    id_ = _drive(house, str(args.get("drive")))
    made = setting_up.set_up(
        house, CLI, id_, str(args.get("slot") or ""), str(args.get("label") or ""), _lang(args)
    )
    return _medium(house, made.medium.id, args)


def change_medium(house: "House", args: Args) -> Args:
    """`verb`: moved (with `place`, `person`, `at`), hold, release, retire, change (with `slot`, `label`), image
    (with `at`); `id`: its id or its label.
    """
    id_, verb = _id(house, str(args.get("id"))), args.get("verb")
    at = parse_rfc3339(str(args["at"]), "at") if args.get("at") else None
    if verb == "moved":
        said: MovedIn = _read({"place": args.get("place"), "person": args.get("person", "")}, MovedIn)
        house.store.run(CLI, lambda tx: media.moved(tx, id_, said.place, said.person, at))
    elif verb in ("hold", "release"):
        house.store.run(CLI, lambda tx: media.hold(tx, id_, verb == "hold"))
    elif verb == "change":
        setting_up.change(house, CLI, id_, str(args.get("slot") or ""), str(args.get("label") or ""))
    elif verb == "retire":
        house.store.run(CLI, lambda tx: media.retire(tx, id_))
    elif verb == "image":
        house.store.run(CLI, lambda tx: media.imaged(tx, id_, at))
    else:
        raise Problem(BAD, 400, detail="verb")
    return _medium(house, id_, args)


def _drive(house: "House", wanted: str) -> str:
    """The id of a drive by its id or its name; what is neither comes back as it is."""
    with house.store.read(CLI) as tx:
        return next((one.id for one in drives.drives(tx) if wanted in (one.id, one.label)), wanted)


def _id(house: "House", wanted: str) -> str:
    """The id of a medium by its id, or by its label where only one bears it."""
    with house.store.read(CLI) as tx:
        every = media.media(tx)
    named = [one for one in every if one.medium.label.casefold() == wanted.casefold()]
    able = [one for one in named if not one.medium.retired] or named
    return able[0].medium.id if len(able) == 1 else wanted


def _medium(house: "House", id_: str, args: Args) -> Args:
    with house.store.read(CLI) as tx:
        return _built(media_view.whole(house, tx, id_, _lang(args)))


OPERATIONS = (
    Operation("backups.plan", plan, offline=True),
    Operation("backups.plan_set", set_plan, offline=True),
    Operation("backups.calendar", calendar, offline=True),
    Operation("backups.drives", list_drives, offline=True),
    Operation("backups.drive_add", add_drive, offline=True),
    Operation("backups.drive_remove", remove_drive, offline=True),
    Operation("backups.sources", list_sources, offline=True),
    Operation("backups.source_set", set_source, offline=True),
    Operation("backups.source_remove", remove_source, offline=True),
    Operation("backups.source_test", try_source, offline=True),
    Operation("backups.media", list_media, offline=True),
    Operation("backups.medium_set_up", set_up_medium, offline=True),
    Operation("backups.medium_change", change_medium, offline=True),
)
