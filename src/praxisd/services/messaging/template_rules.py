"""Texts with placeholders: what a template may say, and how it is filled in. Pure.

A placeholder is `{name}`, a plain name and nothing else; `{{` and `}}` are braces. Everything that could go wrong at night
is refused when the template is saved (SPEC 5.6); what is merely unwise is a warning.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, get_args

from praxisd.kernel.errors import Problem
from praxisd.model.communication import ChannelName, Kind, Template
from praxisd.services.messaging.segments import measure

_BOTH: tuple[Kind, ...] = get_args(Kind)
_REMINDER: tuple[Kind, ...] = tuple(one for one in _BOTH if one != "birthday")
_ASKS: tuple[Kind, ...] = ("proposal", "offer")
PLACEHOLDERS: dict[str, tuple[Kind, ...]] = {
    "salutation": _BOTH,
    "name": _BOTH,
    "givenName": _BOTH,
    "familyName": _BOTH,
    "weekday": _REMINDER,
    "date": _REMINDER,
    "time": _REMINDER,
    "duration": _REMINDER,
    "appointmentType": _REMINDER,
    "practitioner": _REMINDER,
    "place": _REMINDER,
    "age": ("birthday",),
    "reason": ("refusal",),
    "link": _ASKS,
    "until": _ASKS,
    "practice": _BOTH,
    "practicePhone": _BOTH,
    "practiceAddress": _BOTH,
}
"""For which kinds of message each placeholder is there."""
PARTS_GOOD = 2
"""More parts of an SMS than these are warned of."""
PARTS_MOST = 6
"""More parts are refused: several gateways take no longer message."""
SUBJECT_MOST = 200
TEXT_MOST = 4_000
"""Characters of a template's text."""
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"[A-Za-z]+")
_ELSEWHERE = re.compile(r"%[A-Za-zÄÖÜäöü_]{3,}%|<<[^<>]{3,40}>>|\[\[[^\[\]]{3,40}\]\]|\$[A-Za-z]{3,}")
"""How other programs write placeholders; here they would be sent as they stand."""
_SPACES = re.compile(r"[ \t]{2,}")
_BEFORE_MARKS = re.compile(r"[:.]?[ \t]+(?=[,.;](?:\s|$))|[ \t]+$", re.MULTILINE)
"""A gap before a mark, with what led up to the value: "by telephone: ." is "by telephone."."""
_BLANK_LINES = re.compile(r"\n{3,}")

Parts = tuple[tuple[str, str | None], ...]
"""A text cut at its placeholders: literal, then the name that follows it (None at the end)."""


class Hint(NamedTuple):
    """Something unwise about a template: a code with texts, and their parameters."""

    code: str
    params: Mapping[str, object] = {}


@lru_cache(maxsize=512)
def cut(text: str) -> Parts:
    """The text cut at its placeholders. Problem `messaging.placeholder_malformed` (422) for a brace that is none.

    `messaging.placeholder_unknown` (422, naming it) for a name that nobody fills in.
    """
    parts: list[tuple[str, str | None]] = []
    literal, end = "", 0
    for found in _BRACES.finditer(text):
        literal += text[end : found.start()]
        end = found.end()
        if found[0] in ("{{", "}}"):
            literal += found[0][0]
        elif found[1] is None:
            raise Problem("messaging.placeholder_malformed", 422, line=text.count("\n", 0, found.start()) + 1)
        elif found[1] not in PLACEHOLDERS:
            name = found[1] if _NAME.fullmatch(found[1]) else found[0]
            raise Problem("messaging.placeholder_unknown", 422, placeholder=name[:40])
        else:
            parts.append((literal, found[1]))
            literal = ""
    return (*parts, (literal + text[end:], None))


def used(*texts: str) -> list[str]:
    """Names of the placeholders in the texts, each once."""
    return list(dict.fromkeys(name for text in texts for _, name in cut(text) if name is not None))


def tidy(text: str) -> str:
    """A text as it is kept: composed letters, plain line ends, no invisible controls, no blank ends."""
    plain = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    return "".join(
        char for char in plain if char == "\n" or unicodedata.category(char) not in ("Cc", "Cs")
    ).strip()


def check(kind: Kind, channel: ChannelName, subject: str, text: str) -> None:
    """Refuse (422) what could not be sent: the codes above, and

    `messaging.placeholder_unavailable` for what this kind of message does not have, `messaging.template_empty` without
    text (or, for e-mail, without subject), `messaging.template_too_long`.
    """
    for field, value, most in (("subject", subject, SUBJECT_MOST), ("text", text, TEXT_MOST)):
        if field == "subject" and channel == "sms":
            continue
        if not value.strip():
            raise Problem("messaging.template_empty", 422, field=field)
        if len(value) > most:
            raise Problem("messaging.template_too_long", 422, field=field, limit=most)
    if "\n" in subject:
        raise Problem("messaging.template_too_long", 422, field="subject", limit=SUBJECT_MOST)
    for name in used(subject, text):
        if kind not in PLACEHOLDERS[name]:
            raise Problem("messaging.placeholder_unavailable", 422, placeholder=name)


def check_parts(channel: ChannelName, filled: str) -> None:
    """Refuse (`messaging.template_too_long`, 422) an SMS of too many parts, filled in with typical values."""
    if channel == "sms" and measure(filled).parts > PARTS_MOST:
        raise Problem("messaging.template_too_long", 422, field="text", limit=PARTS_MOST * 153)


def render(template: Template, values: Mapping[str, str]) -> tuple[str, str]:
    """Subject and text, filled in. A value stands on one line, and where it is empty no gap is left.

    What is filled in is never read again: a brace in a name stays a brace.
    """
    short = template.channel == "sms"
    return (
        " ".join(_filled(template.subject, values, short).split()),
        _filled(template.text, values, short).strip(),
    )


def _filled(text: str, values: Mapping[str, str], short: bool) -> str:
    done, gap = "", False
    for literal, name in cut(text):
        done += literal
        if name is None:
            continue
        value = " ".join(values[name].split())
        gap = gap or not value
        if short and name == "date":
            value = value.replace(
                "août", "aout"
            )  # as the reform of 1990 allows; û would take the other alphabet
        done += value
    if not gap:
        return done
    return _BLANK_LINES.sub("\n\n", _BEFORE_MARKS.sub("", _SPACES.sub(" ", done)))


def warnings(
    kind: Kind, channel: ChannelName, subject: str, text: str, filled: str, missing: Sequence[str]
) -> list[Hint]:
    """What is unwise. `filled` is the text with values, `missing` the placeholders for which the practice has no value."""
    found: list[Hint] = []
    names = used(subject, text)
    foreign = _ELSEWHERE.search(f"{subject}\n{text}")
    if foreign:
        found.append(Hint("messaging.template_foreign_placeholder", {"placeholder": foreign[0]}))
    if kind in ("reminder", "confirmation", *_ASKS) and not {"date", "time"} <= set(names):
        found.append(Hint("messaging.template_no_time"))
    if channel == "sms":
        taken = measure(filled)
        if taken.foreign:
            shown = " ".join(char for char in taken.foreign[:8] if char.isprintable())
            found.append(Hint("messaging.template_special_characters", {"characters": shown or "�"}))
        if taken.parts > PARTS_GOOD:
            found.append(Hint("messaging.template_long", {"parts": taken.parts}))
        if "practice" not in names:
            found.append(Hint("messaging.template_no_sender"))
    if "appointmentType" in names:
        found.append(Hint("messaging.template_reveals"))
    found += [Hint("messaging.template_value_missing", {"placeholder": name}) for name in missing]
    return found
