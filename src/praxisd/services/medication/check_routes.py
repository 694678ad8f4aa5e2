"""REST doors of the check, of the conditions it knows, and of notices."""

from praxisd.kernel.service import Call, Route
from praxisd.services.directory import api as directory
from praxisd.services.medication import checking, knowing, notices, sets_reading, statement_shapes
from praxisd.services.medication.check_shapes import CheckIn, CheckOut, Condition, Conditions
from praxisd.services.medication.sets_reading import MEDICATION
from praxisd.services.medication.statement_routes import READ, looked, unmasked

USE, NOTICE = "medication.check.use", "medication.notice.read"
_DATA = (409, "medication.no_data")


def check(call: Call) -> CheckOut:
    """What the data set says of a list, and what it does not know; never "no interaction"."""
    told: CheckIn = call.body
    if told.patient is not None:
        unmasked(call, USE)
        call.actor.require(READ)
    with call.read() as tx:
        patient = None if told.patient is None else directory.known(tx, told.patient).id
        found = checking.check(call.house, tx, told, patient, call.lang)
    if patient is not None:
        looked(call, [patient])
    return found


def conditions(call: Call) -> Conditions:
    """What may be chosen as a patient's risk."""
    opened = sets_reading.open_set(call.house, MEDICATION)
    rows = knowing.all_conditions(opened, call.lang)
    return Conditions(
        conditions=[
            Condition(id=id_, name=name, kind=kind, icd10=icd10)  # type: ignore[arg-type]
            for id_, name, kind, icd10 in rows
        ]
    )


def list_notices(call: Call) -> statement_shapes.Notices:
    """Notices of the data set, and how many this seat or person has not read."""
    with call.read() as tx:
        return notices.listed(call.house, tx, call.actor.label, call.lang, call.query.since, call.query.limit)


def see_notices(call: Call) -> statement_shapes.SeenOut:
    """These were read."""
    unread = notices.see(call.house, call.writing, call.actor.label, call.body.notices)
    return statement_shapes.SeenOut(unread=unread)


_TAGS = ("medication",)
ROUTES = (
    Route(
        "POST", "/medication/check", "medicationCheck.view", check, USE, answer=CheckOut, body=CheckIn,
        problems=((422, "directory.patient_unknown"), _DATA, (409, "medication.unconfirmed"),
                  (404, "medication.no_version")),
        transaction=False, tags=_TAGS,
    ),
    Route(
        "GET", "/medication/conditions", "conditions.list", conditions, USE, answer=Conditions,
        problems=(_DATA,), tags=_TAGS,
    ),
    Route(
        "GET", "/medication/notices", "notices.list", list_notices, NOTICE,
        answer=statement_shapes.Notices, query=statement_shapes.NoticeQuery, tags=_TAGS,
    ),
    Route(
        "POST", "/medication/notices/seen", "notices.see", see_notices, NOTICE,
        answer=statement_shapes.SeenOut, body=statement_shapes.NoticesSeen, tags=_TAGS,
    ),
)  # fmt: skip
