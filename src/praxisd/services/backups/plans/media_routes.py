"""REST operations of the media: setting one up, saying where it is, keeping it back, taking it out."""

from praxisd.kernel import sentences
from praxisd.kernel.clock import parse_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Answer, Call, Route
from praxisd.services.backups import engine, whereabouts_rules
from praxisd.services.backups.plans import drives, looking, media, media_view, setting_up
from praxisd.services.backups.plans.media_shapes import (
    EjectedOut,
    ImagedIn,
    MediaOut,
    MediumAnswer,
    MediumChangeIn,
    MediumIn,
    MovedIn,
)
from praxisd.services.backups.plans.rights import MANAGE, OPERATE, READ

_TAGS = ("backups",)


def list_media(call: Call) -> MediaOut:
    """The media of the practice

    Where each is, who said so, when it was written last, and how many backups are on it.
    """
    with call.read() as tx:
        return MediaOut(media=media_view.shown(call.house, tx, call.lang))


def get_medium(call: Call) -> MediumAnswer:
    """A medium with its history"""
    return _shown(call)


def _shown(call: Call) -> MediumAnswer:
    with call.read() as tx:
        return media_view.whole(call.house, tx, call.path["id"], call.lang)


def set_up(call: Call) -> Answer:
    """Set up the medium in a drive

    It gets its name and an empty, encrypted store of its own. Nothing that lies on it is overwritten: a medium with other
    files is refused. One of ours that is not in the list is taken into it again.
    """
    body: MediumIn = call.body
    made = setting_up.set_up(call.house, call.actor, body.drive, body.slot, body.label, call.lang)
    with call.read() as tx:
        return Answer(media_view.whole(call.house, tx, made.medium.id, call.lang), 201)


def change_medium(call: Call) -> MediumAnswer:
    """Give a medium another slot or name

    After a change of the plan, or to make a spare one the medium of a day. What is on it stays.
    """
    body: MediumChangeIn = call.body
    setting_up.change(call.house, call.actor, call.path["id"], body.slot, body.label)
    return _shown(call)


def moved(call: Call) -> MediumAnswer:
    """Say where a medium is

    A person by name: in the drive, in the safe, or outside of the practice.
    """
    body: MovedIn = call.body
    tx = call.writing
    person = (
        body.person.strip()
        or sentences.actor_names(call.house, tx, [call.actor.label], call.lang)[call.actor.label]
    )
    at = None if body.at is None else parse_rfc3339(body.at, "at")
    media.moved(tx, call.path["id"], body.place, person, at)
    return media_view.whole(call.house, tx, call.path["id"], call.lang)


def hold(call: Call) -> MediumAnswer:
    """Keep a medium back

    Nothing is written on it until it is released: for a restore, or while something is to be cleared up.
    """
    media.hold(call.writing, call.path["id"], True)
    return media_view.whole(call.house, call.writing, call.path["id"], call.lang)


def release(call: Call) -> MediumAnswer:
    """Release a medium that was kept back"""
    media.hold(call.writing, call.path["id"], False)
    return media_view.whole(call.house, call.writing, call.path["id"], call.lang)


def retire(call: Call) -> MediumAnswer:
    """Retire a medium

    It is never written again, and its slot can be given to a new one. What is on it can still be restored.
    """
    media.retire(call.writing, call.path["id"])
    return media_view.whole(call.house, call.writing, call.path["id"], call.lang)


def imaged(call: Call) -> MediumAnswer:
    """Confirm an image backup

    Your own program or service partner made it; the medium is then locked for as long as the plan says.
    """
    body: ImagedIn = call.body
    at = None if body.at is None else parse_rfc3339(body.at, "at")
    media.imaged(call.writing, call.path["id"], at)
    return media_view.whole(call.house, call.writing, call.path["id"], call.lang)


def eject(call: Call) -> EjectedOut:
    """Take a medium out of its drive

    Only where the drive was entered as one that can do it.
    """
    with call.read() as tx:
        kept = media.need(tx, call.path["id"])
        busy = bool(media.at_work(tx, kept.medium.id))
        drive = drives.get(tx, kept.drive)
    if busy:
        raise Problem(media.BUSY, 409, label=kept.medium.label)
    if drive is None:
        return EjectedOut(ejected=False)
    out = media.eject(drive)
    seen = looking.glance(call.house, drive)
    call.house.store.run(call.actor, lambda tx: media.follow(call.house, tx, {drive.id: seen}))
    return EjectedOut(ejected=out)


_THERE = ((404, "http.not_found"),)
_TIMES = ((400, "clock.bad_time"), (400, "clock.naive_time"))
_STAY = ((422, whereabouts_rules.STAY_TIME),)
_SET_UP = (
    (422, setting_up.SLOT), (409, setting_up.SLOT_TAKEN), (409, setting_up.LABEL_TAKEN), (409, setting_up.KNOWN),
    (409, setting_up.ELSEWHERE),
    *((409, code) for code in setting_up.FAULTS), *((409, code) for code in engine.CODES if code not in setting_up.FAULTS),
)  # fmt: skip


def _change(verb: str, call: object, permission: str = MANAGE, **more: object) -> Route:
    problems = (*_THERE, *more.pop("problems", ()))  # type: ignore[misc]
    return Route(
        "POST", f"/backups/media/{{id}}/{verb}", f"backupMedium.{verb}", call, permission, MediumAnswer,  # type: ignore[arg-type]
        problems=problems, tags=_TAGS, **more,  # type: ignore[arg-type]
    )  # fmt: skip


ROUTES = (
    Route("GET", "/backups/media", "backupMedia.list", list_media, READ, MediaOut, safe=True, tags=_TAGS),
    Route(
        "GET", "/backups/media/{id}", "backupMedium.read", get_medium, READ, MediumAnswer, problems=_THERE, safe=True,
        tags=_TAGS,
    ),
    Route(
        "POST", "/backups/media", "backupMedia.create", set_up, MANAGE, MediumAnswer, body=MediumIn, status=201,
        problems=(*_THERE, *_SET_UP), transaction=False, tags=_TAGS,
    ),
    Route(
        "PUT", "/backups/media/{id}", "backupMedium.update", change_medium, MANAGE, MediumAnswer, body=MediumChangeIn,
        problems=(*_THERE, (422, setting_up.SLOT), (409, setting_up.SLOT_TAKEN), (409, setting_up.LABEL_TAKEN)),
        transaction=False, tags=_TAGS,
    ),
    _change(
        "moved", moved, OPERATE, body=MovedIn,
        problems=(*_TIMES, *((422, code) for code in whereabouts_rules.REFUSALS)),
    ),
    _change("hold", hold, OPERATE),
    _change("release", release),
    _change("retire", retire),
    _change("image", imaged, OPERATE, body=ImagedIn, problems=(*_TIMES, *_STAY, (409, media.NOT_AN_IMAGE))),
    Route(
        "POST", "/backups/media/{id}/eject", "backupMedium.eject", eject, OPERATE, EjectedOut,
        problems=(*_THERE, (409, media.BUSY)), transaction=False, tags=_TAGS,
    ),
)  # fmt: skip
