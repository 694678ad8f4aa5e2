"""The facts of the form in the words of one language: each field as it stands on the paper."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from praxisd import __version__
from praxisd.kernel.schedule import WEEKDAYS
from praxisd.model.backup import PlanJob
from praxisd.model.backup_kept import Drive, MediumKept, SourceKept
from praxisd.services.backups import plan_rules
from praxisd.services.backups.plans import labels
from praxisd.services.backups.protocol import coverage_rules
from praxisd.services.backups.protocol.coverage_routes import title
from praxisd.services.backups.protocol.form_facts import FormFacts

if TYPE_CHECKING:
    from praxisd.kernel.app import House

ON, OFF = "☑", "☐"
GAP = "\u00a0\u00a0\u00a0 "
"""Between boxes: plain spaces would fall together on paper."""
_COUNTED = ("removable", "nas", "remote", "folder")


class FormWords:
    """Says the fields of the form."""

    def __init__(self, house: "House", facts: FormFacts, lang: str) -> None:
        self.house, self.facts, self.lang = house, facts, lang
        self.zone = facts.book.around.zone
        plan = facts.book.around.plan
        self.plan = None if plan is None else plan.plan

    def say(self, key: str, /, **params: object) -> str:
        """A text of the form."""
        return self.house.texts.get(f"backups.form.{key}", self.lang, **params)

    def day(self, at: int) -> str:
        """The day of an instant."""
        form = "%d.%m.%Y" if self.lang.startswith("de") else "%Y-%m-%d"
        return datetime.fromtimestamp(at, self.zone).strftime(form)

    def moment(self, at: int) -> str:
        """Day and time of an instant."""
        return f"{self.day(at)}, {datetime.fromtimestamp(at, self.zone):%H:%M}"

    def answer(self, question: str) -> str:
        """What was answered; said plainly where nobody has."""
        return self.facts.value(question) or self.say("unanswered")

    def box(self, on: bool, word: str) -> str:
        """A box and its word."""
        return f"{ON if on else OFF}\u00a0{word}"

    def yes_no(self, value: str) -> str:
        """Two boxes; both empty and said so while nobody has answered."""
        text = GAP.join(self.box(value == one, self.say(one)) for one in ("yes", "no"))
        return text if value else f"{text}{GAP}({self.say('unanswered')})"

    def device(self) -> str:
        """Sicherungsgerät."""
        if self.facts.variant == "external":
            return self.answer("own_device")
        return "\n".join(self._drive(one) for one in self.facts.drives) or self.say("no_drive")

    def _drive(self, one: Drive) -> str:
        parts = [self.say(f"kind.{one.kind}")]
        if one.raid:
            typed = one.raid.upper().startswith("RAID")
            parts.append(one.raid if typed else self.say("raid", raid=one.raid))
        if one.fire_compartment:
            parts.append(self.say(f"fire.{one.fire_compartment}"))
        if one.country:
            parts.append(self.say("country", country=one.country))
        return f"{one.label} ({', '.join(parts)})"

    def software(self) -> str:
        """Sicherungssoftware, with versions."""
        if self.facts.variant == "external":
            return f"{self.answer('own_software')}\n{self.say('software_copy', version=__version__)}"
        engine = self.facts.engine or self.say("no_engine")
        return self.say("software", version=__version__, engine=engine)

    def media(self) -> str:
        """Sicherungsmedium: the labels by kind."""
        if self.facts.variant == "external":
            return self.answer("own_media")
        lines = []
        for kind in _COUNTED:
            found = [one.medium for one in self.ordered() if one.medium.kind == kind]
            if found:
                lines.append(f"{self.say(f'media.{kind}')}: {', '.join(one.label for one in found)}")
        return "\n".join(lines) or self.say("no_media")

    def ordered(self) -> list[MediumKept]:
        """The media in the order of the week, the others after them."""

        def turn(one: MediumKept) -> tuple[int, str]:
            day: Any = one.medium.slot[:3]
            return (WEEKDAYS.index(day) if day in WEEKDAYS else 7, one.medium.label)

        return sorted(self.facts.in_use, key=turn)

    def count(self) -> str:
        """Anzahl der Medien, and how many the plan wants."""
        if self.facts.variant == "external":
            return self.answer("own_media")
        kinds = [one.medium.kind for one in self.facts.in_use]
        told = ", ".join(self.say(f"count.{kind}", n=kinds.count(kind)) for kind in _COUNTED if kind in kinds)
        missing = self._missing()
        if missing:
            wanted = self.say("count.missing", labels=", ".join(missing))
            return f"{told}\n{wanted}" if told else wanted
        return told or "0"

    def _missing(self) -> list[str]:
        if self.plan is None:
            return []
        there = {one.medium.slot for one in self.facts.in_use}
        return [
            labels.label(self.house, one.id, self.lang)
            for one in plan_rules.slots(self.plan)
            if one.id not in there and one.use != "image"
        ]

    def encryption(self) -> str:
        """Verschlüsselung: offsite and onsite. Ours always is."""
        if self.facts.variant == "external":
            both = [(one, self.yes_no(self.facts.value(f"own_{one}"))) for one in ("offsite", "onsite")]
            return "\n".join(f"{one}:{GAP}{told}" for one, told in both)
        nothing = GAP.join(self.box(False, self.say(one)) for one in ("yes", "no"))
        boxes = nothing if self.plan is None else self.yes_no("yes")
        return f"offsite:{GAP}{boxes}\nonsite:{GAP}{boxes}\n{self.say('always_encrypted')}"

    def password(self) -> str:
        """Passwort für Verschlüsselung: its name, and where the recovery sheet stands. Never itself."""
        if self.facts.variant == "external":
            return self.say("password_own")
        secret, recovery = self.facts.password, self.facts.recovery
        if secret is None:
            return self.say("password_none")
        lines = [self.say("password", no=secret.no, since=self.day(secret.since))]
        if recovery is not None and recovery.printed is not None:
            by = self.who(recovery.printed_by)
            lines.append(self.say("sheet", day=self.day(recovery.printed), by=by))
        else:
            lines.append(self.say("sheet_missing"))
        return "\n".join(lines)

    def who(self, by: str) -> str:
        """A person; said plainly where the reader sees no names."""
        return self.facts.who(by) or self.say("hidden" if self.facts.masked else "unknown")

    def unencrypted(self) -> str:
        """Praxis wünscht keine Verschlüsselung."""
        own = {self.facts.value(f"own_{one}") for one in ("offsite", "onsite")}
        if self.facts.variant == "external":
            return self.box(own == {"no"}, self.say("unencrypted"))
        return f"{self.box(False, self.say('unencrypted'))}{GAP}({self.say('unencrypted_never')})"

    def kind(self) -> str:
        """Sicherungsart: by file, by image."""
        files, image = True, self.plan is not None and self.plan.image is not None
        more = ""
        if self.facts.variant == "external":
            said = self.facts.value("own_kind")
            files, image = "files" in said, "image" in said
            more = "" if said else f"{GAP}({self.say('unanswered')})"
        elif self.plan is not None and self.plan.image is not None:
            wanted = self.plan.image
            more = "\n" + self.say(
                "image", media=wanted.media, days=wanted.every_days, locked=wanted.locked_days
            )
        return f"{self.box(files, self.say('files'))}{GAP}{self.box(image, self.say('imaged'))}{more}"

    def days(self) -> str:
        """Sicherung erfolgt am: the weekdays of the first job."""
        if self.facts.variant == "external":
            return self.answer("own_times")
        on: Sequence[str] = self.plan.jobs[0].days if self.plan is not None else ()
        text = GAP.join(self.box(one in on, self.say(f"short.{one}")) for one in WEEKDAYS)
        return text if self.plan is not None else f"{text}\n{self.say('no_plan')}"

    def begin(self) -> str:
        """Sicherungsbeginn: at a time, or by hand."""
        if self.facts.variant == "external":
            return self.answer("own_times")
        if self.plan is None:
            return self.say("no_plan")
        job = self.plan.jobs[0]
        by_hand = job.start == "desk"
        time = self.box(not by_hand, self.say("at_time" if not by_hand else "time", time=job.time))
        hand = self.box(by_hand, self.say("by_hand_at" if by_hand else "by_hand", time=job.time))
        return f"{time}{GAP}{hand}"

    def log(self) -> str:
        """Sicherungsprotokoll: whose log."""
        other = self.facts.value("log_other")
        ours = self.facts.variant != "external"
        first = self.box(ours, self.say("log_software"))
        return f"{first}{GAP}{self.box(bool(other), self.say('log_other'))} {other}".rstrip()

    def extras(self) -> Iterator[str]:
        """The further backups: those of the plan, then those that were answered."""
        jobs: Sequence[PlanJob] = ()
        if self.plan is not None:
            jobs = self.plan.jobs if self.facts.variant == "external" else self.plan.jobs[1:]
        for job in jobs:
            yield self.say("extra", kind=self._target(job), when=self._when(job))
        if self.plan is not None and self.plan.image is not None:
            yield self.say(
                "extra", kind=self.say("imaged"), when=self.say("every", days=self.plan.image.every_days)
            )
        for one in ("extra_1", "extra_2"):
            if self.facts.value(one):
                yield self.facts.value(one)
        if not self.facts.value("extra_1"):
            yield f"{self.say('extra_more')}: {self.say('unanswered')}"

    def _target(self, job: PlanJob) -> str:
        return self.say(f"use.{job.use}")

    def _when(self, job: PlanJob) -> str:
        days = self.say("daily") if len(job.days) == len(WEEKDAYS) else self._span(job)
        return f"{days}, {self.say('at_time', time=job.time)}"

    def _span(self, job: PlanJob) -> str:
        places = [WEEKDAYS.index(one) for one in job.days]
        short = [self.say(f"short.{one}") for one in job.days]
        in_row = len(places) > 2 and places == list(range(places[0], places[0] + len(places)))
        return f"{short[0]}–{short[-1]}" if in_row else ", ".join(short)

    def monitoring(self) -> str:
        """Monitoring, and by whom."""
        said = self.facts.value("monitoring")
        by = self.answer("monitoring_by") if said == "yes" else ""
        return f"{self.yes_no(said)}{GAP}{by}".rstrip()

    def folders(self) -> str:
        """Partitionen und Datenverzeichnisse."""
        if self.facts.variant == "external":
            return f"{self.answer('own_content')}\n{self._copy()}"
        lines = [self.say("own_folder", path=str(self.house.folder.absolute()))]
        for one in self.facts.sources:
            if one.kind == "folders":
                lines.append(self._folder(one))
        return "\n".join(lines)

    def _copy(self) -> str:
        """What praxisd provides for the practice's own software, and how old it is."""
        last = self.facts.external
        if last is None:
            return self.say("copy_none")
        return self.say("copy", path=str(last["to"]), at=self.moment(int(last["at"])))

    def _folder(self, one: SourceKept) -> str:
        path = str(one.spec.get("path", ""))
        without = ", ".join(map(str, one.spec.get("without", ())))
        ours = one.name == coverage_rules.source_name(coverage_rules.Thing("folder", path, path))
        parts = [path if ours or path in one.name else f"{one.name}: {path}"]
        if without:
            parts.append(self.say("without", patterns=without))
        if one.spec.get("window"):
            parts.append(self.say("window"))
        return " – ".join(parts)

    def databases(self) -> str:
        """SQL-Datenbanken, each by its own backup."""
        engine = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}.get(self.house.store.engine.name, "")
        lines = [self.say("own_database", engine=engine)]
        for one in self.facts.sources if self.facts.variant != "external" else ():
            if one.kind in ("sqlite", "postgres", "command"):
                lines.append(f"{one.name} ({self.say(f'source.{one.kind}')})")
        return "\n".join(lines)

    def sql_plugin(self) -> str:
        """SQL-Plugin: not ticked while a database is known that nothing covers."""
        missing = any(
            one.state == "open" and one.thing.kind in ("database", "server") for one in self.facts.things
        )
        return self.box(not missing, self.say("sql_plugin"))

    def left_out(self) -> str:
        """What is left out with its reason, and what is open."""
        lines = [
            self.say("left_out_line", name=self._thing_or(one), reason=one.reason, by=self.who(one.by), day=self.day(one.at))
            for one in self.facts.sources
            if one.kind == "excluded"
        ]  # fmt: skip
        lines += [
            self.say("open_line", name=title(self.house, one.thing, self.lang))
            for one in self.facts.things
            if one.state == "open"
        ]
        if self.plan is None:
            lines.insert(0, self.say("no_plan"))
        return "\n".join(lines) or self.say("nothing")

    def _thing_or(self, one: SourceKept) -> str:
        for each in self.facts.things:
            if coverage_rules.source_name(each.thing) == one.name:
                return title(self.house, each.thing, self.lang)
        return one.name
