"""Text templates: one per kind, channel and language; proposals that ship with praxisd. In the caller's transaction."""

import tomllib
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from typing import Any, get_args

import msgspec

from praxisd.kernel import events
from praxisd.kernel.clock import zone
from praxisd.kernel.engines import Violation
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.resource import changed_fields, check_version
from praxisd.kernel.store import Tx
from praxisd.model.communication import ChannelName, Kind, Language, Template
from praxisd.services.directory import api as directory
from praxisd.services.messaging import template_rules as rules
from praxisd.services.messaging import template_store, values

LANGUAGES: tuple[Language, ...] = get_args(Language)
KINDS: tuple[Kind, ...] = get_args(Kind)
CHANNELS: tuple[ChannelName, ...] = get_args(ChannelName)
_TEMPLATES = template_store.TEMPLATES
render = rules.render


def load(tx: Tx) -> dict[tuple[Kind, ChannelName, Language], Template]:
    """All templates by kind, channel and language."""
    return {(one.kind, one.channel, one.language): one for one in _TEMPLATES.all(tx)}


def language_of(told: str | None, practice: str) -> Language:
    """The language in which to write to a patient: the one told (`fr-CH` is `fr`) if we write it, else the practice's."""
    for one in (told, practice):
        short = (one or "")[:2].lower()
        if short in LANGUAGES and (len(one or "") == 2 or (one or "")[2:3] in "-_"):
            return short  # type: ignore[return-value]
    return "de"


def create(tx: Tx, kind: Kind, channel: ChannelName, language: Language, subject: str, text: str) -> Template:
    """A new template. Problem `messaging.template_exists` (409); refusals of `checked`."""
    made = checked(
        tx, Template(id=new_id(), kind=kind, channel=channel, language=language, subject=subject, text=text)
    )
    if _TEMPLATES.count(tx, *template_store.of(kind, channel, language)):
        raise Problem("messaging.template_exists", 409)
    try:
        saved = _TEMPLATES.insert(tx, made)
    except Violation:
        raise Problem("messaging.template_exists", 409) from None  # somebody was faster
    _note(tx, saved, "created", ())
    return saved


def change(
    tx: Tx, id_: str, subject: str | None, text: str | None, expected: int | None, fence: int | None
) -> Template:
    """Change subject and text (None: as they are). Nothing new changes nothing, not even the version."""
    before = _TEMPLATES.need(tx, id_)
    after = msgspec.structs.replace(
        before,
        subject=before.subject if subject is None else subject,
        text=before.text if text is None else text,
    )
    after = checked(tx, after)
    fields = changed_fields(before, after)
    if not fields:
        check_version(expected, before.version, "Template")
        return before
    saved = _TEMPLATES.save(tx, after, expected, fence)
    _note(tx, saved, "changed", fields)
    return saved


def remove(tx: Tx, id_: str, expected: int | None, fence: int | None) -> None:
    """Take a template away: nothing of its kind is written on its channel in its language any more."""
    before = _TEMPLATES.need(tx, id_)
    _TEMPLATES.delete(tx, id_, before.version if expected is None else expected, fence)
    _note(tx, before, "deleted", ())


def _note(tx: Tx, one: Template, what: str, fields: Collection[str]) -> None:
    events.note(
        tx, "template.changed", "Template", one.id, version=one.version, fields=fields,
        what=what, kind=one.kind, channel=one.channel, language=one.language,
    )  # fmt: skip


def checked(tx: Tx, template: Template) -> Template:
    """The template as it is kept, or a Problem (422): see `template_rules.check`. An SMS has no subject."""
    subject = "" if template.channel == "sms" else rules.tidy(template.subject)
    made = msgspec.structs.replace(template, subject=subject, text=rules.tidy(template.text))
    rules.check(made.kind, made.channel, made.subject, made.text)
    rules.check_parts(made.channel, render(made, sample(tx, made.kind, made.language))[1])
    return made


def sample(tx: Tx, kind: Kind, language: Language) -> values.Values:
    """Typical values: an invented patient in the real practice."""
    practice = directory.organization(tx)
    return values.sample(kind, language, practice, tx.now, zone(practice.zone))


def missing(tx: Tx, template: Template) -> list[str]:
    """Placeholders of the template for which the practice's record has no value yet."""
    filled = sample(tx, template.kind, template.language)
    names = rules.used(template.subject, template.text)
    return [one for one in values.OF_THE_PRACTICE if one in names and not filled[one]]


def hints(tx: Tx, template: Template, filled: str | None = None) -> list[rules.Hint]:
    """What is unwise about a template, measured with typical values, or with those it was just filled with."""
    if filled is None:
        filled = render(template, sample(tx, template.kind, template.language))[1]
    return rules.warnings(
        template.kind, template.channel, template.subject, template.text, filled, missing(tx, template)
    )


@cache
def proposals(language: Language) -> tuple[Template, ...]:
    """The texts that ship with praxisd in a language, without ids."""
    path = files("praxisd.services.messaging").joinpath("proposals", f"{language}.toml")
    told: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(
        Template(
            kind=kind,
            channel=channel,
            language=language,
            subject=told[kind][channel].get("subject", ""),
            text=told[kind][channel]["text"].strip(),
        )
        for kind in KINDS
        for channel in CHANNELS
    )


def proposal(kind: Kind, channel: ChannelName, language: Language) -> Template:
    """The text that ships for this kind, channel and language."""
    return next(one for one in proposals(language) if (one.kind, one.channel) == (kind, channel))


def propose(
    tx: Tx,
    languages: Collection[Language],
    kinds: Collection[Kind] = KINDS,
    channels: Collection[ChannelName] = CHANNELS,
) -> list[Template]:
    """Take over the proposals where the practice has no text of its own; what is new."""
    known = load(tx)
    return [
        create(tx, one.kind, one.channel, one.language, one.subject, one.text)
        for language in LANGUAGES
        if language in languages
        for one in proposals(language)
        if one.kind in kinds and one.channel in channels and (one.kind, one.channel, language) not in known
    ]
