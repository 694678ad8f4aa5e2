"""What `praxisd backup log|answers|answer|coverage|protocol` do, in the server or under the folder's lock. JSON in and out."""

import base64
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.control import actor
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.service import Operation
from praxisd.kernel.store import Tx
from praxisd.kernel.texts import FIRST
from praxisd.services.backups.protocol import coverage, coverage_routes, log_keeping, log_view
from praxisd.services.backups.protocol import question_keeping as questions
from praxisd.services.backups.protocol.question_routes import answers_out

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]


def _lang(args: Args) -> str:
    return str(args.get("lang") or FIRST)


def log(house: "House", args: Args) -> Args:
    """The log of `day`, or the newest days; `late` says whether somebody should have looked by now."""
    with house.store.read(log_keeping.SYSTEM) as tx:
        if "day" in args:
            day = _day(args)
            found: Any = log_view.day(house, log_keeping.page(house, tx, day), day, _lang(args))
            return {**msgspec.to_builtins(found), "late": found.due}
        book = log_keeping.book(house, tx)
        return {**msgspec.to_builtins(log_view.days(book, 14)), "late": bool(book.late)}


def look(house: "House", args: Args) -> Args:
    """Note that `person` has looked at the log of `day` (the newest that is over, if not given)."""

    def kept(tx: Tx) -> date:
        day = _day(args) if "day" in args else log_keeping.book(house, tx).asked
        if day is None:
            raise not_found(log_keeping.SUBJECT)
        log_keeping.look(
            house,
            tx,
            day,
            remark=str(args.get("remark", ""))[:500],
            earlier=bool(args.get("earlier")),
            person=str(args.get("person", ""))[:80],
        )
        return day

    day = house.store.run(actor(house, args), kept)
    return log(house, {**args, "day": day.isoformat()})


def _day(args: Args) -> date:
    try:
        return date.fromisoformat(str(args["day"]))
    except ValueError as error:
        raise Problem("control.bad_arguments", 400, detail=str(error)) from None


def answers(house: "House", args: Args) -> Args:
    """The form's questions and what was answered."""
    with house.store.read(log_keeping.SYSTEM) as tx:
        found: Args = msgspec.to_builtins(answers_out(house, tx, _lang(args)))
    return found


def answer(house: "House", args: Args) -> Args:
    """Keep `value` as the answer to `question`, said by `person`."""
    given = (str(args.get(one, "")) for one in ("question", "value"))
    question, value = given
    person = str(args.get("person", ""))[:80]
    house.store.run(
        actor(house, args), lambda tx: questions.answer(house, tx, question, value, _lang(args), person)
    )
    return answers(house, args)


def covered(house: "House", args: Args) -> Args:
    """What there is and what covers it; `include` or `exclude` (an id) decides first, with `reason`, `source`, `person`."""
    for decision in ("include", "exclude"):
        if decision in args:
            house.store.run(actor(house, args), _decided(house, args, decision))
    found: Args = msgspec.to_builtins(coverage_routes.coverage_out(house, _lang(args)))
    return found


def _decided(house: "House", args: Args, decision: str) -> Callable[[Tx], None]:
    thing = coverage.thing(house, str(args[decision]))
    reason, source = str(args.get("reason", "")), str(args.get("source", ""))
    if decision != "exclude":
        coverage.ready(house, thing, source)

    def kept(tx: Tx) -> None:
        by = log_keeping.name(house, tx, str(args.get("person", ""))[:80])
        if decision == "exclude":
            coverage.exclude(tx, thing, reason, by)
        else:
            coverage.include(house, tx, thing, reason, by, source)

    return kept


def protocol(house: "House", args: Args) -> Args:
    """The form as PDF (`pdf`, base64), and how many answers it lacks (`open`)."""
    from praxisd.services.backups.protocol import form_sheet

    made = form_sheet.paper(house, actor(house, args), _lang(args)).pdf()
    return {"pdf": base64.b64encode(made).decode(), "bytes": len(made), "open": answers(house, args)["open"]}


OPERATIONS = (
    Operation("backups.log", log, offline=True),
    Operation("backups.log_look", look, offline=True),
    Operation("backups.answers", answers, offline=True),
    Operation("backups.answer", answer, offline=True),
    Operation("backups.coverage", covered, offline=True),
    Operation("backups.protocol", protocol, offline=True),
)
