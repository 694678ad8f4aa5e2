"""What the form „Sicherungsprotokoll“ asks and no program can measure (SPEC 8.7; seed 003, the form at its end). Pure.

Asked once and kept. Labels and helps are texts: `backups.question.<id>.title` and `.help`, words of choices
`backups.question_word.<value>`.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Literal

from praxisd.kernel.errors import Problem

INVALID = "backups.answer_invalid"
CODES = (INVALID,)
LONGEST, MOST_LINES = 2_000, 40
Kind = Literal["text", "lines", "choice"]
When = Literal["always", "external", "no_good_run", "not_proven", "monitored"]
"""When a question is of use: always; for the plan „external“; while no run was good; while no restore has proved anything;
when somebody is said to watch.
"""
YES_NO = ("yes", "no")


@dataclass(frozen=True, slots=True)
class Question:
    """`needed` false: nothing is missing from the form without an answer. `people`: names of staff, not for masked eyes."""

    id: str
    kind: Kind
    when: When = "always"
    choices: tuple[str, ...] = ()
    needed: bool = True
    people: bool = False


QUESTIONS = (
    Question("technician", "lines"),
    Question("instructed", "lines", people=True),
    Question("monitoring", "choice", choices=YES_NO),
    Question("monitoring_by", "text", "monitored"),
    Question("extra_1", "text"),
    Question("extra_2", "text", needed=False),
    Question("log_other", "text", needed=False),
    Question("extra_products", "text"),
    Question("no_test_run", "text", "no_good_run"),
    Question("proof_declined", "choice", "not_proven", YES_NO),
    Question("own_software", "text", "external"),
    Question("own_device", "text", "external"),
    Question("own_media", "text", "external"),
    Question("own_kind", "choice", "external", ("files", "image", "files_image")),
    Question("own_times", "text", "external"),
    Question("own_content", "lines", "external"),
    Question("own_offsite", "choice", "external", YES_NO),
    Question("own_onsite", "choice", "external", YES_NO),
)
BY_ID: Mapping[str, Question] = {one.id: one for one in QUESTIONS}


def asked(now: Set[When], answers: Mapping[str, str]) -> tuple[Question, ...]:
    """The questions that are of use now; what was answered once is shown on."""
    on = {"always", *now} | ({"monitored"} if answers.get("monitoring") == "yes" else set())
    return tuple(one for one in QUESTIONS if one.when in on or one.id in answers)


def open_ones(now: Set[When], answers: Mapping[str, str]) -> tuple[Question, ...]:
    """Those whose answer is missing on the form."""
    return tuple(one for one in asked(now, answers) if one.needed and one.id not in answers)


def read(question: Question, value: str) -> str:
    """The answer as it is kept, "" for none. Problem `backups.answer_invalid` (422): too long, or not one of the choices."""
    lines = [" ".join(line.split()) for line in value.splitlines()]
    text = "\n".join(line for line in lines if line) if question.kind == "lines" else " ".join(lines).strip()
    wrong = question.kind == "choice" and text not in ("", *question.choices)
    if wrong or len(text) > LONGEST or text.count("\n") >= MOST_LINES:
        raise Problem(INVALID, 422)
    return text
