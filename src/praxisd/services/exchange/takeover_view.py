"""Take-overs in words: what stands in the tables as the doors give it, in the caller's language."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.sentences import actor_names
from praxisd.kernel.store import Tx
from praxisd.model.exchange import KINDS
from praxisd.services.directory import api as directory
from praxisd.services.exchange import takeover_store as store
from praxisd.services.exchange import takeovers
from praxisd.services.exchange.format import ReadOptions
from praxisd.services.exchange.takeover_shapes import (
    CountsOut,
    ItemOut,
    LeftOut,
    MappingOut,
    OptionsIn,
    ProgressOut,
    ReasonOut,
    TakeoverOut,
    WarningOut,
)

if TYPE_CHECKING:
    from praxisd.kernel.app import House

ACTIONS = ("new", "merged", "same", "refused", "doubt")


class View:
    """Words for one caller."""

    def __init__(self, house: "House", tx: Tx, lang: str) -> None:
        self._house, self._tx, self._lang = house, tx, lang
        self._zone = zone_of(zone_name(house, tx))

    def text(self, code: str, params: Any = None) -> str:
        """The title of a code, or the code itself where nobody has words for it; what is not told stands as `…`."""
        key = f"{code}.title"
        texts = self._house.texts
        if not code or not texts.has(key):
            return code
        return _UNTOLD.sub("…", texts.get(key, self._lang, **dict(params or {})))

    def word(self, key: str) -> str:
        """A word of the page."""
        return self._house.texts.get(f"console.exchange.{key}", self._lang)

    def field(self, name: str) -> str:
        """What people call a field; the field itself where nobody has a word."""
        key = f"console.exchange.field.{name}"
        return self._house.texts.get(key, self._lang) if self._house.texts.has(key) else name

    def report_head(self) -> list[str]:
        """Heads of the report as a table."""
        keys = ("line", "kind", "source", "becomes", "code", "why", "fields_head")
        return [self.word(f"report.{one}") for one in keys]

    def report_row(self, one: ItemOut, code: str, text: str) -> list[str]:
        """A record in the report, for one thing that is said of it."""
        return [
            str(one.line), self.word(f"kind.{one.kind}"), one.source_id or "", self.word(f"report.action.{one.action}"),
            code, text, ", ".join(self.field(name) for name in one.differs),
        ]  # fmt: skip

    def takeovers(self, rows: Iterable[Any]) -> list[TakeoverOut]:
        """Take-overs."""
        rows = list(rows)
        names = actor_names(self._house, self._tx, {one.created_by for one in rows}, self._lang)
        return [self._one(one, names.get(one.created_by, one.created_by)) for one in rows]

    def _one(self, row: Any, who: str) -> TakeoverOut:
        settings = takeovers.settings_of(row)
        stand = store.states(self._tx, row.id) if row.state != "uploaded" else {}
        code = "" if row.code.startswith("exchange.undo_") else row.code
        return TakeoverOut(
            id=row.id, name=self._seen(row.name) or "", format=row.format, bytes=row.bytes, sha256=row.sha256, state=row.state,
            progress=ProgressOut(done=row.done, total=row.total), counts=self._counts(row), options=options(settings.options),
            leads=list(settings.leads), origin=settings.origin, waiting=stand.get("changed", 0),
            kept=stand.get("kept", 0), code=code, problem=self.text(code),
            source_gone=bool(row.source_gone), created_at=self._time(row.created_at), created_by=who,
            changed_at=self._time(row.changed_at),
        )  # fmt: skip

    def _seen(self, text: str | None) -> str | None:
        """What a masked caller does not see: names of files, numbers of people."""
        return None if self._tx.actor.masked else text

    def _time(self, at: int) -> str:
        return format_rfc3339(at, self._zone)

    def _counts(self, row: Any) -> CountsOut:
        counts = msgspec.json.decode(row.counts, type=dict[str, int])
        left = msgspec.json.decode(row.left_out, type=dict[str, int])
        kinds = {
            kind: {name: counts[f"{kind} {name}"] for name in ACTIONS if f"{kind} {name}" in counts}
            for kind in KINDS
        }
        return CountsOut(
            **{name: counts.get(name, 0) for name in ACTIONS},
            kinds={kind: found for kind, found in kinds.items() if found},
            reasons=self._reasons(counts, "code "), flaws=self._reasons(counts, "flaw "),
            warnings=self._reasons(counts, "warning "),
            left_out=[self._left(key, number) for key, number in sorted(left.items(), key=lambda one: -one[1])],
        )  # fmt: skip

    def _reasons(self, counts: dict[str, int], begin: str) -> list[ReasonOut]:
        found = {name.removeprefix(begin): n for name, n in counts.items() if name.startswith(begin)}
        ordered = sorted(found.items(), key=lambda one: (-one[1], one[0]))
        return [ReasonOut(code=code, text=self.text(code), count=n) for code, n in ordered]

    def _left(self, key: str, count: int) -> LeftOut:
        what, _, label = key.partition("\n")
        return LeftOut(what=what, label=label, count=count)

    def items(self, rows: Iterable[Any]) -> list[ItemOut]:
        """Records of a take-over, with the names of patients who are known."""
        rows = list(rows)
        people = list({one.patient for one in rows if one.patient is not None})
        names = directory.name(self._tx, people)
        out = []
        for one in rows:
            fields = msgspec.json.decode(one.fields, type=list[str])
            out.append(
                ItemOut(
                    no=one.no, kind=one.kind, line=one.line, source_id=self._seen(one.source_id), action=one.action,
                    state=one.state,
                    code=one.code, text=self.text(one.code), flaw=one.flaw, flaw_text=self.text(one.flaw),
                    fields=[name for name in fields if not name.startswith("!")],
                    differs=[name[1:] for name in fields if name.startswith("!")],
                    patient=one.patient, name=names.get(one.patient or ""),
                )
            )  # fmt: skip
        return out

    def warnings(self, rows: Iterable[Any]) -> list[WarningOut]:
        """Warnings of a file."""
        return [
            WarningOut(
                line=one.line, code=one.code, text=self.text(one.code, msgspec.json.decode(one.params))
            )
            for one in rows
        ]

    def mappings(self, rows: Iterable[Any]) -> list[MappingOut]:
        """Remembered ways to read tables."""
        return [
            MappingOut(
                id=one.id, name=one.name, options=msgspec.json.decode(one.doc, type=OptionsIn), used_at=self._time(one.used_at)
            )
            for one in rows
        ]  # fmt: skip


_UNTOLD = re.compile(r"\{[a-z_]+\}")
"""Stands in the words of a sum, which has no single number."""


def options(told: ReadOptions) -> OptionsIn:
    """How a file is read, as it was chosen."""
    return OptionsIn(**{name: getattr(told, name) for name in OptionsIn.__struct_fields__})
