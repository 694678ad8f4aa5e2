"""REST doors of the outbox: what went out and what did not, and what a person decides about it."""

from typing import Any

from praxisd.kernel import events
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.resource import check_version
from praxisd.kernel.service import Answer, Call, Route
from praxisd.kernel.store import Tx
from praxisd.services.directory import api as directory
from praxisd.services.messaging import outbox, outbox_views, outcome, reply_store, statistics
from praxisd.services.messaging import outbox_shapes as shapes
from praxisd.services.messaging import outbox_view_store as seen
from praxisd.services.messaging import outgoing_store as rows

_TAGS = ("messages",)
_NO_PRACTICE = (409, "directory.organization_missing")
_CHANGE = ((404, "http.not_found"), (412, "resource.stale"), _NO_PRACTICE)


def search_outbox(call: Call) -> shapes.Messages:
    """Messages to patients, the newest first."""
    asked: shapes.OutboxSearch = call.body
    if call.actor.masked and asked.patient is not None:
        raise Problem("directory.search_masked", 403)
    wanted = {
        "state": asked.state,
        "kind": asked.kind,
        "channel": asked.channel,
        "patient": asked.patient,
        "appointment": asked.appointment,
        "letter": asked.letter,
        "run": asked.run,
    }
    with call.read() as tx:
        found = seen.newest(tx, wanted, asked.cursor, asked.limit + 1)
        more = found[asked.limit - 1].id if len(found) > asked.limit else None
        return shapes.Messages(
            messages=outbox_views.views(call.house, tx, found[: asked.limit], call.lang), next=more
        )


def read_message(call: Call) -> Answer:
    """One message, with what the patient wrote back."""
    with call.read() as tx:
        row = _need(tx, call.path["id"])
        found, people = _detail(call, tx, row), directory.contacts(tx, [row.patient])
    directory.saw(call.house, call.actor, people.values())
    return found


def resolve_message(call: Call) -> Answer:
    """Say what became of an unsure message: it went out, it did not, or it is to be sent again."""
    tx, row = call.writing, _current(call)
    if row.state != "unsure":
        raise Problem("messaging.not_unsure", 409)
    said = call.body.outcome
    settle(call.house, tx, row, said)
    return _detail(call, tx, _need(tx, row.id))


def settle(house: Any, tx: Tx, row: Any, said: str) -> None:
    """What a person found out about an unsure message."""
    if said == "sent":
        outcome.accept(tx, row, outcome.Route(row.gateway or "", True), "")
    elif said == "not_sent":
        outcome.fail(house, tx, row, "messaging.settled_by_hand", "", ("unsure",))
    else:
        outcome.again(tx, row)
    events.note(tx, "communication.settled", outbox.SUBJECT, row.id, outcome=said, channel=row.channel)


def withdraw_message(call: Call) -> Answer:
    """Take back a message that was not sent yet."""
    tx, row = call.writing, _current(call)
    if not outbox.withdraw(call.house, tx, row.id, "messaging.withdrawn_by_hand"):
        raise Problem("messaging.under_way", 409)
    return _detail(call, tx, _need(tx, row.id))


def mark_letter(call: Call) -> Answer:
    """Say whether the letter in place of a message was written."""
    tx, row = call.writing, _current(call)
    if row.letter is None:
        raise Problem("messaging.no_letter", 409)
    wanted = "done" if call.body.done else "open"
    if row.letter != wanted:
        rows.change(tx, row.id, ("failed", "expired"), letter=wanted)
        outbox.tell(tx, row.id, "communication.lettered", letter=wanted)
    return _detail(call, tx, _need(tx, row.id))


def read_statistics(call: Call) -> shapes.Statistics:
    """What became of messages, per month, mandator, kind and channel, and what they cost."""
    with call.read() as tx:
        return statistics.of_months(tx, call.query.months)


def _need(tx: Tx, id_: str) -> Any:
    found = rows.get(tx, id_)
    if found is None:
        raise not_found("Message")
    return found


def _current(call: Call) -> Any:
    row = _need(call.writing, call.path["id"])
    check_version(call.if_match, row.version, "Message")
    return row


def _detail(call: Call, tx: Tx, row: Any) -> Answer:
    names, where = directory.name(tx, [row.patient]), outbox_views.here(tx)
    values = outbox_views.values(call.house, tx, row, call.lang, names, outbox_views.mandators(tx), where)
    replies = [
        shapes.AnswerView(
            at=format_rfc3339(one.at, where), meaning=one.meaning, communication=one.communication
        )
        for one in reply_store.of_message(tx, row.id)
    ]
    return Answer(shapes.MessageDetail(replies=replies, **values), version=row.version)


ROUTES = (
    Route(
        "POST", "/outbox/search", "outbox.search", search_outbox, "messaging.outbox.read",
        answer=shapes.Messages, body=shapes.OutboxSearch, transaction=False, tags=_TAGS,
        problems=(_NO_PRACTICE, (403, "directory.search_masked")),
    ),
    Route(
        "GET", "/outbox/{id}", "outbox.read", read_message, "messaging.outbox.read",
        answer=shapes.MessageDetail, problems=((404, "http.not_found"), _NO_PRACTICE), tags=_TAGS,
    ),
    Route(
        "POST", "/outbox/{id}/resolve", "outbox.resolve", resolve_message, "messaging.outbox.write",
        answer=shapes.MessageDetail, body=shapes.Resolution, problems=(*_CHANGE, (409, "messaging.not_unsure")),
        tags=_TAGS,
    ),
    Route(
        "POST", "/outbox/{id}/withdraw", "outbox.withdraw", withdraw_message, "messaging.outbox.write",
        answer=shapes.MessageDetail, problems=(*_CHANGE, (409, "messaging.under_way")), tags=_TAGS,
    ),
    Route(
        "POST", "/outbox/{id}/letter", "outbox.letter", mark_letter, "messaging.outbox.write",
        answer=shapes.MessageDetail, body=shapes.LetterChange, problems=(*_CHANGE, (409, "messaging.no_letter")),
        tags=_TAGS,
    ),
    Route(
        "GET", "/messages/statistics", "messages.statistics", read_statistics, "messaging.outbox.read",
        answer=shapes.Statistics, query=shapes.StatisticsQuery, problems=(_NO_PRACTICE,), tags=_TAGS,
    ),
)  # fmt: skip
