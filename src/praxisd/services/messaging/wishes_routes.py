"""REST doors of what patients want: read it with its history, change it, take it over from another program."""

from datetime import tzinfo
from typing import Any

from praxisd.kernel.access import Kind
from praxisd.kernel.clock import format_rfc3339, zone
from praxisd.kernel.errors import Problem
from praxisd.kernel.resource import check_version
from praxisd.kernel.sentences import actor_names
from praxisd.kernel.service import Answer, Call, Route
from praxisd.kernel.store import Tx
from praxisd.services.directory import api as directory
from praxisd.services.messaging import consent_rules, consent_store, phones, reach, wishes
from praxisd.services.messaging import wishes_shapes as shapes

_HISTORY_MOST = 200


def read_wishes(call: Call) -> Answer:
    """What a patient wants

    Consents and withdrawals per purpose and channel, the preferred channel, how the patient can be reached, and the
    history. A masked caller reads neither notes nor numbers.
    """
    with call.read() as tx:
        found, people = _view(call, tx, call.path["id"]), directory.contacts(tx, [call.path["id"]])
    directory.saw(call.house, call.actor, people.values())
    return found


def change_wishes(call: Call) -> Answer:
    """Note what a patient said

    What was said before stays in the history. A withdrawal counts for every channel of its purpose, until a later
    consent names one.
    """
    tx, patient = call.writing, call.path["id"]
    wishes.known(tx, patient, change=True)
    check_version(call.if_match, consent_store.version(tx, patient), "Wishes")
    _apply(call, tx, patient, call.body, "desk" if call.actor.kind is Kind.USER else "api")
    return _view(call, tx, patient)


def import_wishes(call: Call) -> shapes.ImportOut:
    """Take over wishes

    Of up to 200 patients, as another program kept them. Told again they change nothing.
    """
    tx = call.writing
    changed, unchanged, unknown = 0, 0, []
    facts = directory.contacts(tx, [one.patient for one in call.body.entries])
    for entry in call.body.entries:
        found = facts.get(entry.patient)
        if found is None or found.merged_into is not None:
            unknown.append(entry.patient)
        elif _apply(call, tx, entry.patient, entry, "import"):
            changed += 1
        else:
            unchanged += 1
    return shapes.ImportOut(changed=changed, unchanged=unchanged, unknown=unknown)


def _apply(call: Call, tx: Tx, patient: str, told: shapes.WishesIn, source: wishes.Source) -> bool:
    words: list[wishes.Word] = [(one.purpose, one.channel, one.state) for one in told.said]
    if len({word[:2] for word in words}) < len(words):
        raise Problem("messaging.said_twice", 422)
    new = bool(wishes.say(call.house, tx, patient, words, source, told.note.strip()))
    return (told.preferred is not None and wishes.prefer(call.house, tx, patient, told.preferred)) or new


def _view(call: Call, tx: Tx, patient: str) -> Answer:
    facts = wishes.known(tx, patient)
    practice = directory.organization(tx)
    here = zone(practice.zone)
    words, chosen = consent_store.history(tx, patient, _HISTORY_MOST)
    masked = call.actor.masked
    if masked:
        words = [one._replace(note="") for one in words]
    names = actor_names(call.house, tx, {one.actor for one in (*words, *chosen)}, call.lang)
    version = consent_store.version(tx, patient)
    body = shapes.WishesOut(
        patient=patient,
        version=version,
        preferred=wishes.of(tx, patient).preferred,
        purposes=_purposes(call, tx, patient, words, names, here),
        reach=[] if masked else [_reach(one) for one in reach.ways(facts, practice.country)],
        history=_history(words, chosen, names, here),
    )
    return Answer(body, version=version)


def _purposes(
    call: Call, tx: Tx, patient: str, words: list[Any], names: dict[str, str], here: tzinfo
) -> list[shapes.PurposeOut]:
    told, needed = wishes.of(tx, patient), wishes.needs(call.house, tx)
    rows = {one.id: one for one in words}
    found = []
    for purpose in consent_rules.PURPOSES:
        channels = []
        for channel in consent_rules.CHANNELS:
            said = told.said.get((purpose, channel))
            row = rows.get(said.order) if said else None
            reason = consent_rules.allowed(told, purpose, channel, needed)
            channels.append(
                shapes.WordOut(
                    channel=channel,
                    state=said.state if said else "open",
                    at=format_rfc3339(row.at, here) if row else None,
                    by=names[row.actor] if row else None,
                    source=row.source if row else None,
                    note=(row.note or None) if row else None,
                    allowed=reason is None,
                    reason=reason,
                    reason_title=call.house.texts.get(f"{reason}.title", call.lang) if reason else None,
                )
            )
        found.append(shapes.PurposeOut(purpose=purpose, needs_consent=needed[purpose], channels=channels))
    return found


def _reach(one: reach.Way) -> shapes.ReachOut:
    verdicts: dict[type, Any] = {
        phones.Mobile: "mobile", phones.Landline: "landline", phones.Mail: "email", phones.Doubtful: "doubtful",
    }  # fmt: skip
    return shapes.ReachOut(
        system="phone" if one.system == "phone" else "email",
        value=one.value,
        use=one.use,
        verdict=verdicts[type(one.found)],
        doubt=one.doubt,
    )


def _history(
    words: list[Any], chosen: list[Any], names: dict[str, str], here: tzinfo
) -> list[shapes.HistoryOut]:
    found = [
        (
            one.id,
            shapes.HistoryOut(
                at=format_rfc3339(one.at, here), by=names[one.actor], source=one.source, what="consent",
                purpose=one.purpose, channel=one.channel, state=one.state, note=one.note or None,
            ),
        )
        for one in words
    ] + [
        (
            one.id,
            shapes.HistoryOut(
                at=format_rfc3339(one.at, here), by=names[one.actor], what="preference", channel=one.channel,
                source="desk" if one.actor.startswith(f"{Kind.USER}:") else "api",
            ),
        )
        for one in chosen
    ]  # fmt: skip
    return [one for _, one in sorted(found, key=lambda pair: pair[0], reverse=True)][:_HISTORY_MOST]


_TAGS = ("wishes",)
_READ, _WRITE = "messaging.consent.read", "messaging.consent.write"
_NO_PRACTICE = (409, "directory.organization_missing")
ROUTES = (
    Route(
        "GET", "/patients/{id}/wishes", "wishes.read", read_wishes, _READ, answer=shapes.WishesOut,
        problems=((404, "http.not_found"), _NO_PRACTICE), tags=_TAGS,
    ),
    Route(
        "PUT", "/patients/{id}/wishes", "wishes.change", change_wishes, _WRITE, answer=shapes.WishesOut,
        body=shapes.WishesIn, tags=_TAGS,
        problems=(
            (404, "http.not_found"), (409, "directory.patient_merged"), (412, "resource.stale"),
            (422, "messaging.said_twice"), _NO_PRACTICE,
        ),
    ),
    Route(
        "POST", "/wishes/import", "wishes.import", import_wishes, _WRITE, answer=shapes.ImportOut,
        body=shapes.ImportIn, problems=((422, "messaging.said_twice"),), tags=_TAGS,
    ),
)  # fmt: skip
