"""The port list as a file: sheet, table, or rules of a firewall."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from praxisd.kernel.access import INSTALLATION, Actor
from praxisd.kernel.errors import not_found
from praxisd.kernel.listings import CSV
from praxisd.kernel.paper import PDF
from praxisd.services.diagnosis import port_firewall_rules, port_sheet, port_view
from praxisd.services.diagnosis.machine import own_host
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_TEXT = "text/plain; charset=utf-8"
SHEETS = ("sheet.pdf", "sheet.csv")
SCRIPTS = ("windows.ps1", "nftables.nft", "ufw.sh")
FILES = (*SHEETS, *SCRIPTS)
_MAKERS: dict[str, Callable[..., str]] = {
    "windows.ps1": port_firewall_rules.windows,
    "nftables.nft": port_firewall_rules.nftables,
    "ufw.sh": port_firewall_rules.ufw,
}


def made(
    house: "House", actor: Actor, file: str, lang: str, source: str | None = None
) -> tuple[bytes, str, str]:
    """One of FILES: its bytes, media type, and name. Problem `http.not_found` for another one, or an unknown source."""
    if file not in FILES:
        raise not_found("File")
    rows = port_view.rows(house, lang, actor.organization, source)
    name = f"praxisd-ports-{file}" if file in SHEETS else f"praxisd-firewall-{file}"
    if file == "sheet.csv":
        return port_sheet.table(house, port_view.seen(house, rows), lang), CSV, name
    if file == "sheet.pdf":
        with house.store.read(actor) as tx:
            practice = None if actor.organization == INSTALLATION else directory.organization(tx)
            sheet = port_sheet.paper(
                house, tx, rows, lang, practice.name if practice else house.config.instance
            )
        return sheet.pdf(), PDF, name
    text = _MAKERS[file](rows, _words(house, file, lang))
    return (("\ufeff" if file == "windows.ps1" else "") + text).encode(), _TEXT, name


def _words(house: "House", file: str, lang: str) -> port_firewall_rules.Words:
    def say(key: str, **params: object) -> str:
        return house.texts.get(f"diagnosis.port_script.{key}", lang, **params)

    kind = file.partition(".")[0]
    head = [say("title", host=own_host()), *say(f"{kind}_how").splitlines(), *say("check").splitlines()]
    return port_firewall_rules.Words(
        head=head,
        inward=say("inward"),
        outward=say("outward"),
        left_out=say("left_out"),
        targets=say("targets"),
    )
