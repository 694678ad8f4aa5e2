"""The list for the new computer on paper: what came along, and what is still to be done, to be ticked."""

from datetime import datetime
from typing import TYPE_CHECKING

from praxisd.kernel.access import INSTALLATION, Actor
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.paper import Box, Paper
from praxisd.services.backups.moving.view import out
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NAME = "praxisd-umzug.pdf"


def paper(house: "House", actor: Actor, lang: str) -> Paper | None:
    """The list as it stands now; None where nothing has moved in."""
    found = out(house, lang, actor).arrival
    if found is None:
        return None
    with house.store.read(actor) as tx:
        name = (
            house.config.instance if actor.organization == INSTALLATION else directory.organization(tx).name
        )
        zone = zone_of(zone_name(house, tx))
        now = datetime.fromtimestamp(tx.now, zone)

    def say(key: str) -> str:
        return house.texts.get(f"backups.move_sheet.{key}", lang)

    made = Paper(say("title"), lang, organization=name, printed=now)
    at = datetime.fromisoformat(found.at).astimezone(zone)
    made.facts([(say("host"), found.host or "-"), (say("at"), f"{at:%d.%m.%Y %H:%M}")])
    made.heading(say("followed"))
    made.checkboxes(Box(one, True) for one in found.followed)
    made.heading(say("todo"))
    made.text(say("how"), small=True)
    made.checkboxes(Box(one.title, one.state == "done", one.help) for one in found.steps)
    made.signatures([say("date"), say("signature")])
    return made
