"""The sheet of the export of one patient: what the practice keeps about a person, in words (Art. 15 GDPR)."""

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.paper import Column, Paper
from praxisd.kernel.store import Tx
from praxisd.model.people import Patient
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Rows = dict[str, list[dict[str, Any]]]
LOG_MOST = 300
"""Lines of the log on paper; all of it is in `log.json`."""


def paper(
    house: "House", tx: Tx, patient: Patient, rows: Rows, log: list[dict[str, Any]], lang: str
) -> Paper:
    """The sheet; what it leaves out stands in the files beside it, and it says so."""
    return _Sheet(house, tx, lang).made(patient, rows, log)


class _Sheet:
    def __init__(self, house: "House", tx: Tx, lang: str) -> None:
        self._house, self._tx, self._lang = house, tx, lang
        self._zone = zone_of(zone_name(house, tx))

    def _say(self, key: str, **params: object) -> str:
        return self._house.texts.get(f"exchange.export.{key}", self._lang, **params)

    def _when(self, epoch: Any) -> str:
        if not isinstance(epoch, int):
            return "–"
        form = "%d.%m.%Y %H:%M" if self._lang == "de" else "%Y-%m-%d %H:%M"
        return datetime.fromtimestamp(epoch, self._zone).strftime(form)

    def _day(self, written: Any) -> str:
        """A date of the record, perhaps partial (`2024-03`), as the language writes it."""
        text = str(written or "–")
        if self._lang == "de" and re.fullmatch(r"\d{4}-\d\d(-\d\d)?", text):
            return ".".join(reversed(text.split("-")))
        return text

    def _word(self, group: str, code: Any) -> str:
        """The word the console has for a code; a code it has no word for stays as it is."""
        key = f"{group}.{code}"
        return self._house.texts.get(key, self._lang) if self._house.texts.has(key) else str(code or "–")

    def made(self, patient: Patient, rows: Rows, log: list[dict[str, Any]]) -> Paper:
        practice = directory.organization(self._tx)
        printed = datetime.fromtimestamp(self._house.clock.now(), self._zone)
        sheet = Paper(self._say("sheet"), self._lang, organization=practice.name, printed=printed)
        sheet.text(self._say("lead", practice=practice.name))
        sheet.heading(self._say("person")).facts(self._person(patient))
        self._appointments(sheet, rows)
        self._treatments(sheet, rows)
        self._medication(sheet, rows)
        self._messages(sheet, rows)
        self._wishes(sheet, rows)
        self._log(sheet, log)
        sheet.heading(self._say("all")).text(self._say("all_help"), small=True)
        sheet.table(
            [Column(self._say("what"), 3), Column(self._say("file"), 3), Column(self._say("count"), 1)],
            [(self._title(t), f"data/{t}.json", str(len(found))) for t, found in sorted(rows.items())],
        )
        return sheet

    def _title(self, table: str) -> str:
        key = f"exchange.kept.{table}"
        return self._house.texts.get(key, self._lang) if self._house.texts.has(key) else table

    def _person(self, one: Patient) -> list[tuple[str, str]]:
        pairs = [
            (self._say("name"), one.display),
            (self._say("birth"), self._day(one.birth_date)),
            (self._say("gender"), self._word("console.patients.word.gender", one.gender)),
            (self._say("language"), self._word("exchange.export.language_name", one.language)),
        ]
        for place in one.address:
            parts = (
                *place.line,
                " ".join(filter(None, (place.postal_code, place.city))),
                place.country or "",
            )
            pairs.append((self._say("address"), ", ".join(filter(None, parts))))
        pairs += [
            (
                self._say("contact"),
                f"{c.value} ({self._word('exchange.export.contact_use', c.use or c.system)})",
            )
            for c in one.telecom
        ]
        pairs += [(self._say("number"), f"{i.value} ({i.system or '–'})") for i in one.identifiers]
        if one.note:
            pairs.append((self._say("note"), one.note))
        if one.dead:
            pairs.append((self._say("death"), self._day(one.deceased)))
        return pairs

    def _table(self, sheet: Paper, key: str, columns: tuple[tuple[str, float], ...], cells: Any) -> None:
        found = [tuple(map(str, row)) for row in cells]
        sheet.heading(self._say(key))
        if found:
            sheet.table([Column(self._say(name), share) for name, share in columns], found)
        else:
            sheet.text(self._say("nothing"), small=True)

    def _appointments(self, sheet: Paper, rows: Rows) -> None:
        types = {one.id: one.name for one in calendar.types(self._tx)}
        found = sorted((row["doc"] for row in rows.get("calendar_appointment", ())), key=lambda d: d["start"])
        self._table(
            sheet,
            "appointments",
            (("at", 2), ("kind", 2), ("state", 1), ("note", 3)),
            (
                (
                    self._when(d["start"]),
                    types.get(d["service"] or "", "–"),
                    self._word("console.calendar.status", d["status"]),
                    d["note"] or "–",
                )
                for d in found
            ),
        )

    def _treatments(self, sheet: Paper, rows: Rows) -> None:
        names = {one.id: one.name for one in directory.mandators(self._tx)}
        self._table(
            sheet,
            "treatments",
            (("since", 1), ("until", 1), ("by", 2), ("note", 3)),
            (
                (
                    self._day(d["opened"]),
                    self._day(d["closed"]),
                    names.get(d["mandator"], d["mandator"]),
                    d["note"] or "–",
                )
                for d in (row["doc"] for row in rows.get("directory_treatment", ()))
            ),
        )

    def _medication(self, sheet: Paper, rows: Rows) -> None:
        self._table(
            sheet,
            "medication",
            (("what", 3), ("dosage", 2), ("since", 1), ("until", 1), ("state", 1)),
            (
                (
                    d["text"],
                    d["dosage"] or "–",
                    self._day(d["since"]),
                    self._day(d["until"]),
                    self._word("console.medication.status", d["status"]),
                )
                for d in (row["doc"] for row in rows.get("medication_statement", ()))
            ),
        )
        self._table(
            sheet,
            "risks",
            (("what", 3), ("since", 1), ("note", 3)),
            (
                (d["text"], self._day(d["since"]), d["note"] or "–")
                for d in (row["doc"] for row in rows.get("medication_risk", ()))
            ),
        )

    def _messages(self, sheet: Paper, rows: Rows) -> None:
        self._table(
            sheet,
            "messages",
            (("at", 2), ("channel", 1), ("state", 1), ("text", 5)),
            (
                (
                    self._when(r["prepared_at"]),
                    self._word("console.word.message_channel", r["channel"]),
                    self._word("console.word.outbox_state", r["state"]),
                    r["text"],
                )
                for r in rows.get("messaging_outbox", ())
            ),
        )

    def _wishes(self, sheet: Paper, rows: Rows) -> None:
        self._table(
            sheet,
            "wishes",
            (("at", 2), ("kind", 2), ("channel", 1), ("state", 1), ("note", 3)),
            (
                (
                    self._when(r["at"]),
                    self._word("console.word.message_purpose", r["purpose"]),
                    self._word("console.word.message_channel", r["channel"]),
                    self._word("console.word.consent_state", r["state"]),
                    r["note"] or "–",
                )
                for r in rows.get("messaging_consent", ())
            ),
        )

    def _log(self, sheet: Paper, log: list[dict[str, Any]]) -> None:
        self._table(
            sheet,
            "log",
            (("at", 2), ("what", 4), ("who", 2)),
            ((self._when(_epoch(one["at"])), one["what"], one["who"]) for one in log[:LOG_MOST]),
        )
        if len(log) > LOG_MOST:
            sheet.text(self._say("log_more", count=len(log) - LOG_MOST), small=True)


def _epoch(at: str) -> int:
    """Seconds since 1970 of an RFC 3339 time."""
    return int(datetime.fromisoformat(at).timestamp())
