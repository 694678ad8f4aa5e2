"""The checklist on paper: what is fulfilled is ticked, the rest has a box and room to sign."""

from datetime import date, datetime
from typing import TYPE_CHECKING

from praxisd.kernel.access import INSTALLATION, Actor
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.paper import Box, Paper
from praxisd.model.directive import Line
from praxisd.services.diagnosis.directive_catalogue import catalogue
from praxisd.services.diagnosis.directive_rules import ORDER
from praxisd.services.diagnosis.directive_view import Words, sheet
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NAME = "praxisd-390.pdf"


def paper(house: "House", actor: Actor, lang: str) -> Paper:
    """The list of the actor's practice as it stands now, masked for whoever is."""
    words, found = Words(house, lang, actor.masked), sheet(house, actor)
    with house.store.read(actor) as tx:
        practice = None if actor.organization == INSTALLATION else directory.organization(tx)
        now = datetime.fromtimestamp(tx.now, zone_of(zone_name(house, tx)))
    name = practice.name if practice else house.config.instance
    made = Paper(words.say("directive_sheet.title"), lang, organization=name, printed=now)
    source, size = catalogue().source, found.practice
    made.facts(
        [
            (words.say("directive_sheet.source"), f"{source.title}, {source.stand:%d.%m.%Y}"),
            (
                words.say("directive_sheet.size"),
                words.say(f"directive_size.{size.size if size else 'unknown'}"),
            ),
        ]
    )
    made.text(words.say("directive_sheet.how"), small=True)
    for annex in ORDER:
        lines = [one for one in found.lines if one.item.annex == annex]
        if lines:
            made.heading(words.annex(annex))
            made.checkboxes(_box(words, one, found.today) for one in lines)
    made.signatures([words.say("directive_sheet.date"), words.say("directive_sheet.signature")])
    return made


def _box(words: Words, one: Line, today: date) -> Box:
    shown = words.item(one, today)
    place = words.place(one)
    parts = [words.say(f"directive_state.{one.state}"), shown.measured or ""]
    if shown.person:
        parts.append(words.say("directive_sheet.by", person=shown.person))
    if one.note and one.note.due:
        parts.append(words.say("directive_sheet.due", due=f"{one.note.due:%d.%m.%Y}"))
    parts += [shown.note, shown.todo if one.state in ("bad", "due", "open") else ""]
    title = f"{place}: {shown.title}" if place else shown.title
    return Box(title, one.state in ("good", "done", "not_applicable"), " · ".join(filter(None, parts)))
