"""Facts of a computer in words: what is shown of each, and why there is nothing to show. No fact names a person."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.model.machine import Disk, Fact, MachineFacts

if TYPE_CHECKING:
    from praxisd.kernel.texts import Texts

FACTS = (
    "computer_name", "addresses", "os", "bits", "language", "cpu", "cores", "memory_gb", "sessions", "disk", "network",
    "graphics", "directx", "screen", "usb", "dotnet", "dotnet_runtimes", "office", "pdf_reader", "sql", "services",
    "printer", "domain", "ups", "remote_access", "antivirus", "firewall", "updates_pending", "encrypted", "worn",
)  # fmt: skip
"""Every fact has a label `diagnosis.fact.<id>`."""
WHYS = (
    "not_measured", "not_here", "denied", "no_program", "timeout", "failed", "not_measurable", "not_asked", "virtual",
    "virtual_adapter", "several_adapters",
    "no_session", "no_volume", "no_data_folder", "other_host", "no_screen", "no_printer",
)  # fmt: skip
"""Every reason is a text `diagnosis.why.<code>`."""


class FactRow(msgspec.Struct, rename="camel", frozen=True):
    """One fact as it is shown: what it is called, its value in words, or why there is none."""

    id: str
    label: str
    value: str | None
    why: str | None = None
    reason: str | None = None


class Words:
    """Speaks one language."""

    def __init__(self, texts: "Texts", lang: str) -> None:
        self._texts, self._lang = texts, lang

    def text(self, key: str, **params: object) -> str:
        """A text of the diagnosis; numbers are written as the language does."""
        shown = {name: self.number(v) if isinstance(v, int | float) else v for name, v in params.items()}
        return self._texts.get(f"diagnosis.{key}", self._lang, **shown)

    def number(self, value: float) -> str:
        """2.8 is `2,8` in German; whole numbers have no comma."""
        word = f"{value:g}" if abs(value) < 1e6 else str(round(value))
        return word.replace(".", ",") if self._lang.startswith("de") else word

    def why(self, code: str | None) -> str:
        """The reason of a code; one that a newer seat sends is shown as "could not be measured"."""
        return self.text(f"why.{code if code in WHYS else 'failed'}")

    def row(self, name: str, fact: Fact[Any], value: str = "", of: str = "") -> FactRow:
        """The row of a fact. `of` says which of several it is about (a volume)."""
        label = self.text(f"fact.{name}") + (f" {of}" if of else "")
        if fact.value is None:
            code = fact.why or "failed"
            return FactRow(name, label, None, code, self.why(code))
        return FactRow(name, label, value or self._plain(fact.value))

    def _plain(self, value: Any) -> str:
        if isinstance(value, bool):
            return self.text("said.present" if value else "said.absent")
        if isinstance(value, int | float):
            return self.number(value)
        if isinstance(value, tuple):
            return ", ".join(map(str, value)) or self.text("said.absent")
        return str(value) or self.text("said.absent")


def rows(facts: MachineFacts, words: Words) -> list[FactRow]:
    """All facts of a computer, in the order of a data sheet."""
    return list(_rows(facts, words))


def _rows(facts: MachineFacts, words: Words) -> Iterator[FactRow]:
    row = words.row
    yield row("computer_name", facts.computer_name)
    yield row("addresses", facts.addresses)
    name = " ".join(filter(None, (facts.os.name.value, facts.os.edition.value)))
    version = facts.os.version.value
    yield row("os", facts.os.name, f"{name} ({version})" if version else name)
    yield row("bits", facts.os.bits, words.text("said.bits", number=facts.os.bits.value or 0))
    yield row("language", facts.os.language)
    ghz = facts.cpu.ghz.value
    clock = "" if ghz is None else words.text("said.ghz", number=ghz)
    yield row("cpu", facts.cpu.name, " · ".join(filter(None, (facts.cpu.name.value, clock))))
    yield row("cores", facts.cpu.cores)
    yield row("memory_gb", facts.memory_gb, words.text("said.gb", number=facts.memory_gb.value or 0))
    yield row("sessions", facts.sessions)
    yield from _many(facts.disks, "disk", words, lambda one: _disk(one, words))
    yield from _many(facts.network, "network", words, lambda one: _network(one, words))
    yield from _many(facts.graphics, "graphics", words, lambda one: [_sized(one, words)])
    yield row("directx", facts.directx)
    yield row(
        "screen", facts.screens, ", ".join(f"{one.width} × {one.height}" for one in facts.screens.value or ())
    )
    yield row("usb", facts.usb)
    yield row("dotnet", facts.dotnet)
    yield row("dotnet_runtimes", facts.dotnet_runtimes)
    yield row("office", facts.office, ", ".join(one.name for one in facts.office.value or ()))
    yield row("pdf_reader", facts.pdf_reader)
    known = [f"{one.instance} {one.release.value or '?'}" for one in facts.sql.value or ()]
    yield row("sql", facts.sql, ", ".join(known))
    yield row("services", facts.services, words.number(len(facts.services.value or ())))
    yield row("printer", facts.printers, ", ".join(one.name for one in facts.printers.value or ()))
    for plain in ("domain", "ups", "remote_access", "antivirus", "firewall", "updates_pending"):
        yield row(plain, getattr(facts, plain))


def _many(fact: Fact[Any], name: str, words: Words, show: Any) -> Iterator[FactRow]:
    if not fact.value:
        yield words.row(name, fact)
    for one in fact.value or ():
        yield from show(one)


def _disk(disk: Disk, words: Words) -> Iterator[FactRow]:
    free = disk.free_gb if disk.free_gb.value is None else disk.total_gb
    parts = [words.text("said.free_of", number=disk.free_gb.value or 0, total=disk.total_gb.value or 0)]
    if disk.mapped.value:
        parts.append(words.text("said.mapped", target=disk.target.value or "?"))
    elif disk.kind.value is not None:
        parts.append(disk.kind.value.upper())
    yield words.row("disk", free, ", ".join(parts), disk.volume)
    if not disk.mapped.value:
        yield words.row("encrypted", disk.encrypted, of=disk.volume)
        worn = "" if disk.worn.value is None else words.text("said.percent", number=disk.worn.value)
        yield words.row("worn", disk.worn, worn, disk.volume)


def _network(one: Any, words: Words) -> Iterator[FactRow]:
    speed = "" if one.mbit.value is None else words.text("said.mbit", number=one.mbit.value)
    yield words.row("network", one.mbit, ", ".join(filter(None, (speed, one.address.value))), one.name)


def _sized(one: Any, words: Words) -> FactRow:
    size = "" if one.memory_mb.value is None else words.text("said.mb", number=one.memory_mb.value)
    return words.row("graphics", one.memory_mb, size, one.name)
