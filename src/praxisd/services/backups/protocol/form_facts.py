"""What the form „Sicherungsprotokoll“ is filled from: plan, media, passwords by number, sources, runs, proofs, answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from praxisd.kernel import sentences
from praxisd.kernel.access import INSTALLATION, Actor
from praxisd.model.backup_kept import (
    Answer,
    Drive,
    LogCheck,
    MediumKept,
    RunKept,
    Secret,
    SourceKept,
)
from praxisd.model.places import Organization
from praxisd.services.backups import snapshot, store
from praxisd.services.backups.engine import EngineFault
from praxisd.services.backups.engine_checks import engine_of
from praxisd.services.backups.keys import keyring
from praxisd.services.backups.plans import planning
from praxisd.services.backups.protocol import coverage, log_keeping, question_keeping
from praxisd.services.backups.protocol.coverage_rules import Judged
from praxisd.services.backups.protocol.log_keeping import Book
from praxisd.services.backups.protocol.question_rules import BY_ID
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

PARTNER, PARTNER_PHONE = "support.partner_name", "support.partner_phone"
"""Settings of another service; asked for only where it is there."""
DAYS = 14
"""So many days of the log go onto the form."""
_RUNS = 2_000
_PROOFS = 6


@dataclass(frozen=True, slots=True)
class FormFacts:
    """All of it as it is now. `engine`: name and version, "" where it is missing; `proofs`: the newest restore proofs that
    have ended, `runs` the backups, both newest first; `external`: the last copy for a backup software of the practice's own;
    `names` of people by actor label; `passwords`: the numbers of those that open a medium;
    `read`: when all of a medium was read last and was whole; `damaged`: media in use of which damage is known;
    `masked`: whoever reads it sees no names of people.
    """

    practice: Organization | None
    partner: str
    book: Book
    engine: str
    drives: list[Drive]
    media: list[MediumKept]
    passwords: Mapping[str, tuple[int, ...]]
    read: Mapping[str, int]
    damaged: frozenset[str]
    secrets: list[Secret]
    sources: list[SourceKept]
    things: list[Judged]
    runs: list[RunKept]
    proofs: list[RunKept]
    answers: Mapping[str, Answer]
    external: dict[str, Any] | None
    names: Mapping[str, str]
    masked: bool

    @property
    def variant(self) -> str:
        """The plan's variant, "" without one."""
        plan = self.book.around.plan
        return "" if plan is None else plan.plan.variant

    @property
    def good(self) -> RunKept | None:
        """The newest backup that was good."""
        return next((one for one in self.runs if one.state == "good"), None)

    @property
    def proven(self) -> RunKept | None:
        """The newest good restore proof."""
        return next((one for one in self.proofs if one.state == "good"), None)

    @property
    def password(self) -> Secret | None:
        """The password in force: its number, never itself."""
        found = [one for one in self.secrets if one.kind == "password" and one.until is None]
        return max(found, key=lambda one: one.no, default=None)

    @property
    def recovery(self) -> Secret | None:
        """The recovery key in force: when its sheet was printed, never itself."""
        found = [one for one in self.secrets if one.kind == "recovery" and one.until is None]
        return max(found, key=lambda one: one.since, default=None)

    @property
    def in_use(self) -> list[MediumKept]:
        """The media that are not retired."""
        return [one for one in self.media if not one.medium.retired]

    @property
    def days(self) -> list[tuple[date, LogCheck | None]]:
        """The newest days with something to look at, and who has looked; newest first."""
        told = [day for day in sorted(self.book.states, reverse=True) if self.book.states[day] != "nothing"]
        return [(day, self.book.checks.get(day)) for day in told if day < self.book.around.today][:DAYS]

    def who(self, by: str) -> str:
        """A person's name, whether it was kept as a name or as the label of an actor; "" for masked eyes."""
        return "" if self.masked else self.names.get(by, by)

    def value(self, question: str) -> str:
        """What was answered, "" if nobody has."""
        found = self.answers.get(question)
        if self.masked and BY_ID[question].people:
            found = None
        return "" if found is None else found.value


def gather(house: "House", actor: Actor, lang: str) -> FormFacts:
    """The facts, with the practice of `actor`. May wait some seconds for what this computer measures."""
    things = coverage.judged(house)
    engine = _engine(house)
    with house.store.read(actor) as tx:
        practice = _practice(tx)
        partner = " · ".join(filter(None, (_setting(house, tx, one) for one in (PARTNER, PARTNER_PHONE))))
    external = snapshot.last(house)
    with house.store.read(log_keeping.SYSTEM) as tx:
        said = {one.by for one in store.SOURCE.all(tx)} | {one.printed_by for one in store.SECRET.all(tx)}
        with planning.within(tx, actor.organization):
            names = sentences.actor_names(house, tx, [one for one in said if ":" in one], lang)
        media = store.MEDIUM.all(tx)
        states = {
            one.medium.id: [
                each for each in store.SNAPSHOT.by(tx, "medium", one.medium.id) if each.gone is None
            ]
            for one in media
        }
        return FormFacts(
            practice=practice,
            partner=partner,
            book=log_keeping.book(house, tx),
            engine=engine,
            drives=store.DRIVE.all(tx),
            media=media,
            passwords={one.medium.id: keyring.opened_by(tx, one.medium.id) for one in media},
            read={
                id: max(each.verified_at or 0 for each in found)
                for id, found in states.items()
                if found and all(each.verified == "all" for each in found)
            },
            damaged=frozenset(
                one.medium.id
                for one in media
                if not one.medium.retired and any(each.doubted for each in states[one.medium.id])
            ),
            secrets=store.SECRET.all(tx),
            sources=store.SOURCE.all(tx),
            things=things,
            runs=store.RUN.by(tx, "kind", "backup", most=_RUNS),
            proofs=[one for one in store.RUN.by(tx, "kind", "prove", most=50) if one.ended][:_PROOFS],
            answers=question_keeping.answers(tx),
            external=external,
            names=names,
            masked=actor.masked,
        )


def _practice(tx: "Tx") -> Organization | None:
    """That of the caller; on the installation's own command line the first one."""
    if tx.organization != INSTALLATION:
        return directory.organization(tx)
    for one in planning.practices(tx):
        with planning.within(tx, one):
            return directory.organization(tx)
    return None


def _setting(house: "House", tx: "Tx", key: str) -> str:
    return str(house.settings.get(tx, key)).strip() if key in house.registry.settings else ""


def _engine(house: "House") -> str:
    try:
        engine = engine_of(house)
        return f"{engine.name} {'.'.join(map(str, engine.version()))}"
    except EngineFault:
        return ""
