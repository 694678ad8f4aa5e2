"""REST operations on the form: the questions it asks once, and the form itself."""

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.service import Call, Raw, Route
from praxisd.kernel.store import Tx
from praxisd.services.backups.plans.rights import MANAGE, READ
from praxisd.services.backups.protocol import question_keeping as keeping
from praxisd.services.backups.protocol import question_rules as rules
from praxisd.services.backups.protocol.log_keeping import PERSON

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_TAGS = ("backups",)


class BackupChoiceOut(msgspec.Struct, rename="camel", frozen=True):
    """One of several answers."""

    value: str
    label: str


class BackupAnswerOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """A question and what was answered. `needed`: the form lacks something without it. `value` "" while nobody answered;
    `by`, `at` (RFC 3339): who did, and when. `hidden`: there are names of people in it, and the caller sees none.
    """

    question: str
    title: str
    help: str
    kind: rules.Kind
    choices: tuple[BackupChoiceOut, ...]
    needed: bool
    value: str
    by: str
    at: str | None
    hidden: bool


class BackupAnswersOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """The questions that are of use now, in the order of the form; `open`: how many answers the form lacks."""

    answers: tuple[BackupAnswerOut, ...]
    open: int


class BackupAnswerIn(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer; an empty one takes it back. `person`: as with the log, for programs with a key only."""

    value: Annotated[str, Meta(max_length=rules.LONGEST)]
    person: Annotated[str, Meta(max_length=80)] = ""


def answers_out(house: "House", tx: Tx, lang: str, masked: bool = False) -> BackupAnswersOut:
    """All questions in words."""
    kept, now = keeping.answers(tx), keeping.now(tx)
    values = {id_: one.value for id_, one in kept.items()}
    say = house.texts.get
    found = []
    for one in rules.asked(now, values):
        answer = kept.get(one.id)
        found.append(
            BackupAnswerOut(
                question=one.id,
                title=say(f"backups.question.{one.id}.title", lang),
                help=say(f"backups.question.{one.id}.help", lang),
                kind=one.kind,
                choices=tuple(
                    BackupChoiceOut(c, say(f"backups.question_word.{c}", lang)) for c in one.choices
                ),
                needed=one.needed,
                value="" if answer is None or (masked and one.people) else answer.value,
                by="" if answer is None or masked else answer.by,
                at=None if answer is None else format_rfc3339(answer.at),
                hidden=masked and one.people,
            )
        )
    return BackupAnswersOut(answers=tuple(found), open=len(rules.open_ones(now, values)))


def list_answers(call: Call) -> BackupAnswersOut:
    """What the form „Sicherungsprotokoll“ asks

    Only what no program can measure: who was instructed, the technician, further backups, monitoring. Asked once and kept.
    """
    with call.read() as tx:
        return answers_out(call.house, tx, call.lang, call.actor.masked)


def put_answer(call: Call) -> BackupAnswersOut:
    """Answer one of the form's questions

    Kept with the name of who answered; said again, the last word stands.
    """
    body: BackupAnswerIn = call.body
    keeping.answer(call.house, call.writing, call.path["question"], body.value, call.lang, body.person)
    return answers_out(call.house, call.writing, call.lang, call.actor.masked)


def get_protocol(call: Call) -> Raw:
    """The form „Sicherungsprotokoll“

    As PDF with all fields of the vendor's form, filled from facts; what nobody has said yet is named as open. With the proof
    of the restore, the media, the looks at the log and the sizes over time. No password stands on it.
    """
    from praxisd.services.backups.protocol import form_sheet

    return form_sheet.paper(call.house, call.actor, call.lang).answer(form_sheet.NAME)


ROUTES = (
    Route("GET", "/backups/answers", "backupAnswers.list", list_answers, READ, BackupAnswersOut, tags=_TAGS, safe=True),
    Route(
        "PUT", "/backups/answers/{question}", "backupAnswers.put", put_answer, MANAGE, BackupAnswersOut,
        body=BackupAnswerIn, problems=((404, "http.not_found"), (422, rules.INVALID), (422, PERSON)), tags=_TAGS,
        safe=True,
    ),
    Route(
        "GET", "/backups/protocol.pdf", "backupProtocol.print", get_protocol, READ, media_type="application/pdf",
        tags=_TAGS, safe=True,
    ),
)  # fmt: skip
