"""The recovery sheet: the recovery key on paper, and word for word how to get the data back with it.

It is the one answer of the program that holds a secret. Owners alone get it, each time is noted, and nothing of it is kept.
"""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.kernel.access import INSTALLATION, Actor
from praxisd.kernel.paper import Column, Paper
from praxisd.kernel.store import Tx
from praxisd.model.backup_kept import MediumKept, Secret
from praxisd.services.backups.keys import alphabet, instructions, keeping
from praxisd.services.backups.plans import drives, looking, media, planning
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NAME = "praxisd-recovery.pdf"
_VAULT_MOST = 64 * 1024


def paper(house: "House", actor: Actor, lang: str) -> Paper:
    """The sheet of now; that it was given out is noted first."""
    secret = house.store.run(actor, lambda tx: keeping.printed(house, tx))
    vault = _vault_lines(house)
    with house.store.read(actor) as tx:
        return _Sheet(house, tx, lang, vault).made(secret)


def _vault_lines(house: "House") -> list[str] | None:
    """The file of the vault's key, line by line; None where it cannot be read."""
    try:
        with Path(house.config.vault_key or house.folder / "vault.key").open(encoding="ascii") as file:
            return [line for line in file.read(_VAULT_MOST).splitlines() if line.strip()]
    except (OSError, ValueError):
        return None


class _Sheet:
    def __init__(self, house: "House", tx: Tx, lang: str, vault: list[str] | None) -> None:
        self._house, self._tx, self._lang, self._vault = house, tx, lang, vault
        self._zone = planning.zone(house, tx)

    def say(self, key: str, **words: object) -> str:
        return self._house.texts.get(f"backups.sheet.{key}", self._lang, **words)

    def steps(self, key: str, **words: object) -> str:
        return self._house.texts.get(key, self._lang, **words)

    def made(self, secret: Secret) -> Paper:
        """All of it, the key on the first page."""
        now = datetime.fromtimestamp(self._tx.now, self._zone)
        made = Paper(self.say("title"), self._lang, organization=self._practice(), printed=now)
        made.text(self.say("lead"))
        made.heading(self.say("key", no=secret.no, since=self._day(secret.since)))
        key = keeping.text_of(self._house, secret)
        groups = alphabet.shown(key).split(" ")
        made.key([" ".join(groups[at : at + 3]) for at in range(0, len(groups), 3)], key)
        made.text(self.say("signs"), small=True)
        self._media(made, secret)
        made.text(self.steps("backups.steps.lead")).text(self.steps("backups.steps.how"))
        for heading, steps in (
            ("linux", instructions.linux(self.steps)),
            ("windows", instructions.windows(self.steps)),
        ):
            made.heading(self.steps(f"backups.steps.{heading}"))
            for number, step in enumerate(steps, 1):
                made.typed([f"{step.prompt}{line}" for line in step.lines], f"{number}. {step.text}")
        made.heading(self.steps("backups.steps.then"))
        made.text(self.steps("backups.steps.back")).text(self.steps("backups.steps.older"))
        self._passwords(made)
        made.heading(self.say("vault")).text(self.say("vault_lead"), small=True)
        made.typed(self._vault or [self.say("vault_gone")])
        return made.signatures([self.say("keeper"), self.say("date")])

    def _media(self, made: Paper, secret: Secret) -> None:
        made.heading(self.say("media"))
        every = [one for one in media.media(self._tx) if one.repository]
        if not every:
            made.text(self.say("no_media"))
            return
        rows = [self._row(one, secret) for one in every]
        columns = [
            Column(self.say("label"), 2),
            Column(self.say("opened"), 2),
            Column(self.say("password"), 2),
            Column(self.say("where"), 4),
        ]
        made.table(columns, rows)
        if any(one.medium.kind == "remote" for one in every):
            made.text(self.say("far"), small=True)

    def _row(self, kept: MediumKept, secret: Secret) -> list[str]:
        noted = keeping.wraps(self._tx, kept.medium.id)
        sheets = [one.no for one in noted if one.kind == "recovery"]
        if secret.no in sheets:
            opened = self.say("this_key")
        elif sheets:
            opened = self.say("old_key", no=sheets[0])
        else:
            opened = self.say("no_key")
        numbers = ", ".join(
            self.say("number", no=one.no, since=self._day(one.since))
            for one in noted
            if one.kind == "password"
        )
        drive = drives.get(self._tx, kept.drive)
        fixed = drive is not None and kept.medium.kind != "removable"
        where = looking.place(drive) if fixed and drive is not None else kept.medium.id
        return [kept.medium.label, opened, numbers, where]

    def _passwords(self, made: Paper) -> None:
        made.heading(self.say("passwords")).text(self.say("passwords_lead"), small=True)
        rows = [
            [
                str(one.no),
                self._day(one.since),
                self.say("still") if one.until is None else self.say("until", until=self._day(one.until)),
                self.say("chosen" if one.chosen else "made"),
            ]
            for one in keeping.passwords(self._tx)
        ]
        made.table([self.say("password"), self.say("from"), self.say("state"), self.say("origin")], rows)

    def _practice(self) -> str:
        own = self._tx.organization
        found = None if own == INSTALLATION else directory.organization(self._tx)
        return found.name if found is not None else self._house.config.instance

    def _day(self, at: int) -> str:
        return f"{datetime.fromtimestamp(at, self._zone):%d.%m.%Y}"
