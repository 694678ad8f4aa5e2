"""REST doors of text templates: read and change them, see one filled in for a real appointment, take over proposals."""

from praxisd.kernel.clock import format_rfc3339, zone
from praxisd.kernel.errors import not_found
from praxisd.kernel.service import Answer, Call, Route
from praxisd.kernel.store import Tx
from praxisd.model.communication import ChannelName, Language, Template
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.messaging import outbox, segments, template_rules, template_store, templates, values
from praxisd.services.messaging import template_shapes as shapes


def list_templates(call: Call) -> shapes.Templates:
    """All templates

    With the placeholders that may stand in them, and how many shipped texts could be taken over per language.
    """
    with call.read() as tx:
        found = templates.load(tx)
        language = templates.language_of(call.lang, "de")
        waiting = {
            one: sum((p.kind, p.channel, one) not in found for p in templates.proposals(one))
            for one in templates.LANGUAGES
        }
        return shapes.Templates(
            templates=[_view(call, tx, one) for _, one in sorted(found.items())],
            placeholders=_placeholders(call, tx, language),
            proposals={one: count for one, count in waiting.items() if count},
        )


def read_template(call: Call) -> Answer:
    """One template."""
    with call.read() as tx:
        return _answer(call, tx, template_store.TEMPLATES.need(tx, call.path["id"]))


def create_template(call: Call) -> Answer:
    """A new template."""
    told, tx = call.body, call.writing
    made = templates.create(tx, told.kind, told.channel, told.language, told.subject, told.text)
    return _answer(call, tx, made, 201)


def change_template(call: Call) -> Answer:
    """Change a template

    What was prepared before keeps its text.
    """
    told, tx = call.body, call.writing
    saved = templates.change(tx, call.path["id"], told.subject, told.text, call.if_match, call.fence)
    return _answer(call, tx, saved)


def delete_template(call: Call) -> Answer:
    """Take a template away

    Nothing of its kind goes out on its channel in its language any more.
    """
    templates.remove(call.writing, call.path["id"], call.if_match, call.fence)
    return Answer(status=204)


def preview_template(call: Call) -> shapes.PreviewOut:
    """See a template filled in

    For an appointment, a patient, or an invented one: its text, its parts and its cost. Nothing is saved or sent.
    """
    told: shapes.PreviewIn = call.body
    with call.read() as tx:
        template = templates.checked(
            tx,
            Template(
                kind=told.kind, channel=told.channel, language=told.language, subject=told.subject, text=told.text
            ),
        )  # fmt: skip
        real = _real(tx, told)
        filled = real or templates.sample(tx, told.kind, told.language)
        subject, text = templates.render(template, filled)
        taken = segments.measure(text)
        unit = outbox.prices(tx).get(told.channel)
        answer = shapes.PreviewOut(
            subject=subject,
            text=text,
            example=real is None,
            values={name: filled[name] for name in template_rules.used(template.subject, template.text)},
            measure=_measure(told.channel, taken),
            cost=None if unit is None else unit * (taken.parts if told.channel == "sms" else 1),
            unit_cost=unit,
            warnings=_warnings(call, templates.hints(tx, template, text)),
            suggestion=segments.suggestion(template.text) if told.channel == "sms" else None,
        )
    directory.saw(call.house, call.actor, [real.patient] if real else [])
    return answer


def take_proposals(call: Call) -> shapes.Taken:
    """Take over the shipped texts

    Where the practice has no text of its own for a kind, channel and language.
    """
    told, tx = call.body, call.writing
    own = templates.language_of(directory.organization(tx).language, "de")
    made = templates.propose(
        tx,
        told.languages or (own,),
        told.kinds or templates.KINDS,
        told.channels or templates.CHANNELS,
    )
    return shapes.Taken(taken=len(made), templates=[_view(call, tx, one) for one in made])


def _real(tx: Tx, told: shapes.PreviewIn) -> values.Values | None:
    """The values of the real appointment or patient that was asked for; None if none was, or may not be seen."""
    if tx.actor.masked or not (told.appointment or told.patient):
        return None
    practice = directory.organization(tx)
    here = zone(practice.zone)
    about, patient = None, told.patient
    if told.appointment is not None:
        about = calendar.appointment_facts(tx, [told.appointment]).get(told.appointment)
        if about is None:
            raise not_found("Appointment")
        patient = about.patient
    person = directory.contacts(tx, [patient]).get(patient) if patient else None
    if told.patient is not None and told.appointment is None and person is None:
        raise not_found("Patient")
    if person is None or (told.kind != "birthday" and about is None):
        return None
    today = values.day_of(tx.now, here)
    about = None if told.kind == "birthday" else about
    return values.Values(
        told.kind,
        told.language,
        practice,
        person,
        about,
        None if about else values.birthday(person, today),
        here,
        values.example(told.language, about.start, here) if about else {},
    )


def _answer(call: Call, tx: Tx, one: Template, status: int = 200) -> Answer:
    return Answer(_view(call, tx, one), status, version=one.version)


def _view(call: Call, tx: Tx, one: Template) -> shapes.TemplateOut:
    text = templates.render(one, templates.sample(tx, one.kind, one.language))[1]
    taken = _measure(one.channel, segments.measure(text))
    here = zone(directory.organization(tx).zone)
    return shapes.TemplateOut(
        id=one.id,
        version=one.version,
        kind=one.kind,
        channel=one.channel,
        language=one.language,
        subject=one.subject,
        text=one.text,
        parts=taken.parts if taken else None,
        encoding=taken.encoding if taken else None,
        warnings=_warnings(call, templates.hints(tx, one, text)),
        changed_at=format_rfc3339(template_store.TEMPLATES.changed_at(tx, one.id), here),
    )


def _measure(channel: ChannelName, taken: segments.Measure) -> shapes.MeasureOut | None:
    if channel != "sms":
        return None
    return shapes.MeasureOut(
        encoding=taken.encoding,
        units=taken.units,
        parts=taken.parts,
        left=taken.left,
        foreign=list(taken.foreign),
    )


def _warnings(call: Call, found: list[template_rules.Hint]) -> list[shapes.WarningOut]:
    say = call.house.texts.get
    return [
        shapes.WarningOut(
            code=one.code,
            title=say(f"{one.code}.title", call.lang, **one.params),
            cause=say(f"{one.code}.cause", call.lang, **one.params),
            solution=say(f"{one.code}.solution", call.lang, **one.params),
        )
        for one in found
    ]


def _placeholders(call: Call, tx: Tx, language: Language) -> list[shapes.PlaceholderOut]:
    samples = {kind: templates.sample(tx, kind, language) for kind in templates.KINDS}
    say, found = call.house.texts.get, []
    for name, kinds in template_rules.PLACEHOLDERS.items():
        example = samples[kinds[0]][name]
        key = "console.placeholder_help" if example else "console.placeholder_missing"
        found.append(
            shapes.PlaceholderOut(
                name=name,
                label=say(f"console.placeholder.{name}", call.lang),
                help=say(key, call.lang, sample=example),
                kinds=list(kinds),
                sample=example,
            )
        )
    return found


_TAGS = ("templates",)
_READ, _WRITE = "messaging.template.read", "messaging.template.write"
_NO_PRACTICE = (409, "directory.organization_missing")
_BAD = (
    (422, "messaging.placeholder_malformed"),
    (422, "messaging.placeholder_unknown"),
    (422, "messaging.placeholder_unavailable"),
    (422, "messaging.template_empty"),
    (422, "messaging.template_too_long"),
    _NO_PRACTICE,
)
_SAVE = ((404, "http.not_found"), (412, "resource.stale"), (423, "seats.locked"), (423, "seats.lock_lost"))
ROUTES = (
    Route(
        "GET", "/templates", "templates.list", list_templates, _READ, answer=shapes.Templates,
        problems=(_NO_PRACTICE,), tags=_TAGS,
    ),
    Route(
        "POST", "/templates", "templates.create", create_template, _WRITE, answer=shapes.TemplateOut,
        body=shapes.TemplateIn, status=201, problems=((409, "messaging.template_exists"), *_BAD), tags=_TAGS,
    ),
    Route(
        "POST", "/templates/preview", "templates.preview", preview_template, _READ, answer=shapes.PreviewOut,
        body=shapes.PreviewIn, problems=((404, "http.not_found"), *_BAD), transaction=False, tags=_TAGS,
    ),
    Route(
        "POST", "/templates/proposals", "templates.propose", take_proposals, _WRITE, answer=shapes.Taken,
        body=shapes.ProposalsIn, problems=((409, "messaging.template_exists"), _NO_PRACTICE), tags=_TAGS,
    ),
    Route(
        "GET", "/templates/{id}", "templates.read", read_template, _READ, answer=shapes.TemplateOut,
        problems=((404, "http.not_found"), _NO_PRACTICE), tags=_TAGS,
    ),
    Route(
        "PUT", "/templates/{id}", "templates.change", change_template, _WRITE, answer=shapes.TemplateOut,
        body=shapes.TemplateChange, problems=(*_SAVE, *_BAD), tags=_TAGS,
    ),
    Route(
        "DELETE", "/templates/{id}", "templates.delete", delete_template, _WRITE, status=204,
        problems=_SAVE, tags=_TAGS,
    ),
)  # fmt: skip
