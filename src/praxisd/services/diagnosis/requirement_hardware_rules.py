"""Whether the parts of a computer are what a product needs: processor, memory, disks, network, screen. Pure."""

from typing import Any

from praxisd.model import requirement as needs
from praxisd.model.machine import Disk, Fact, Graphics, MachineFacts, disk_of
from praxisd.services.diagnosis.requirement_verdict import (
    Judge,
    Place,
    Said,
    Verdict,
    decided,
    undetermined,
    version_of,
    yes,
)


def _number(fact: Fact[Any], least: float, unit: str) -> Verdict:
    wanted = Said(f"least_{unit}", {"number": least})
    if fact.value is None:
        return undetermined(wanted, fact.why)
    return decided(fact.value >= least, wanted, Said(unit, {"number": fact.value}))


def _cpu(one: needs.CpuGhz, facts: MachineFacts, _: Place) -> Verdict:
    return _number(facts.cpu.ghz, one.least, "ghz")


def _memory(one: needs.MemoryGb, facts: MachineFacts, _: Place) -> Verdict:
    return _number(facts.memory_gb, one.least, "gb")


def _sessions(one: needs.SessionMemoryGb, facts: MachineFacts, _: Place) -> Verdict:
    """Against the sessions that are open now: nobody knows how many there will be."""
    wanted = Said("least_gb_session", {"number": one.least})
    memory, open_now = facts.memory_gb, facts.sessions
    if memory.value is None or open_now.value is None:
        return undetermined(wanted, memory.why or open_now.why)
    if open_now.value < 1:
        return undetermined(wanted, "no_session")
    measured = Said("gb_sessions", {"number": memory.value, "count": open_now.value})
    return decided(memory.value >= one.least * open_now.value, wanted, measured)


def _network(one: needs.NetworkMbit, facts: MachineFacts, _: Place) -> Verdict:
    """By the adapters that are parts of the computer. Nobody knows which of several leads to the practice's network."""
    wanted = Said("least_mbit", {"number": one.least})
    if facts.network.value is None:
        return undetermined(wanted, facts.network.why)
    parts = [n.mbit for n in facts.network.value if n.mbit.why != "virtual_adapter"]
    if not parts:
        return undetermined(wanted, "virtual_adapter" if facts.network.value else "not_here")
    unclear = next((s.why for s in parts if s.value is None), None)
    if unclear is not None:
        return undetermined(wanted, unclear)
    speeds = sorted(s.value for s in parts if s.value is not None)
    if speeds[0] < one.least <= speeds[-1]:
        return undetermined(wanted, "several_adapters")
    return decided(speeds[0] >= one.least, wanted, Said("mbit", {"number": speeds[0]}))


def _internet(one: needs.InternetMbit, _facts: MachineFacts, _: Place) -> Verdict:
    return undetermined(Said("least_mbit", {"number": one.least}), "not_asked")


def _free(one: needs.DiskFreeGb, facts: MachineFacts, place: Place) -> Verdict:
    wanted = Said(f"least_free_{one.where}", {"number": one.least})
    disk, why = _disk(one.where, facts, place)
    if disk is None:
        return undetermined(wanted, why)
    if disk.free_gb.value is None:
        return undetermined(wanted, disk.free_gb.why)
    measured = Said("free", {"number": disk.free_gb.value, "volume": disk.volume})
    return decided(disk.free_gb.value >= one.least, wanted, measured)


def _disk(where: str, facts: MachineFacts, place: Place) -> tuple[Disk | None, str | None]:
    """The volume of the data, or of the system; None with the reason."""
    if facts.disks.value is None:
        return None, facts.disks.why
    if where == "system":
        found = next((d for d in facts.disks.value if d.system.value), None)
        return found, None if found is not None else "no_volume"
    if not place.data_here:
        return None, "other_host"
    if not place.data_folder:
        return None, "no_data_folder"
    found = disk_of(facts.disks.value, place.data_folder)
    return found, None if found is not None else "no_volume"


def _disk_kind(one: needs.DiskKind, facts: MachineFacts, place: Place) -> Verdict:
    """The disk of the data where it is known, else all that stay in the computer."""
    wanted = Said("disk_kind", {"kind": one.is_.upper()})
    if facts.disks.value is None:
        return undetermined(wanted, facts.disks.why)
    data, _ = _disk("data", facts, place)
    asked = [data] if data is not None else [d for d in facts.disks.value if not _away(d)]
    if not asked:
        return undetermined(wanted, "no_volume")
    others = [d for d in asked if d.kind.known and d.kind.value != one.is_]
    if others:
        words = {"kind": str(others[0].kind.value).upper(), "volume": others[0].volume}
        return Verdict("not_fulfilled", wanted, Said("disk_is", words))
    unclear = next((d for d in asked if not d.kind.known), None)
    if unclear is not None:
        return undetermined(wanted, unclear.kind.why)
    return Verdict("fulfilled", wanted, Said("disk_is", {"kind": one.is_.upper(), "volume": asked[0].volume}))


def _away(disk: Disk) -> bool:
    return bool(disk.mapped.value) or disk.kind.value in ("removable", "network")


def _graphics(one: needs.Graphics, facts: MachineFacts, _: Place) -> Verdict:
    wanted = Said("graphics", {"number": one.memory_mb, "directx": one.directx})
    parts = (_graphics_memory(facts.graphics, one.memory_mb), _directx(facts.directx, one.directx))
    known = {"number": parts[0][1], "directx": parts[1][1]}
    for good, _value, _why in parts:
        if good is False:
            return Verdict("not_fulfilled", wanted, Said("graphics", known))
    unclear = next((why for good, _value, why in parts if good is None), None)
    if unclear is not None:
        return undetermined(wanted, unclear, Said("graphics", known))
    return Verdict("fulfilled", wanted, Said("graphics", known))


def _graphics_memory(
    fact: Fact[tuple[Graphics, ...]], least: float
) -> tuple[bool | None, int | str, str | None]:
    if fact.value is None:
        return None, "?", fact.why
    sizes = [g.memory_mb for g in fact.value]
    best = max((s.value for s in sizes if s.value is not None), default=None)
    if best is None or (best < least and not all(s.known for s in sizes)):
        return None, "?", next((s.why for s in sizes if not s.known), "not_here")
    return best >= least, best, None


def _directx(fact: Fact[str], least: str) -> tuple[bool | None, int | str, str | None]:
    if fact.value is None:
        return None, "?", fact.why
    return version_of(fact.value) >= version_of(least), fact.value, None


def _screen(one: needs.Screen, facts: MachineFacts, _: Place) -> Verdict:
    wanted = Said("screen", {"width": one.width, "height": one.height})
    if not facts.screens.value:
        return undetermined(wanted, facts.screens.why or "no_screen")
    best = max(facts.screens.value, key=lambda s: s.width * s.height)
    good = any(s.width >= one.width and s.height >= one.height for s in facts.screens.value)
    return decided(good, wanted, Said("screen", {"width": best.width, "height": best.height}))


def _usb(_one: needs.Usb, facts: MachineFacts, _: Place) -> Verdict:
    return yes(facts.usb, "usb")


def _ups(_one: needs.Ups, facts: MachineFacts, _: Place) -> Verdict:
    return yes(facts.ups, "ups")


def _printer(one: needs.PrinterDpi, facts: MachineFacts, _: Place) -> Verdict:
    wanted = Said("least_dpi", {"number": one.least})
    if not facts.printers.value:
        return undetermined(wanted, facts.printers.why or "no_printer")
    resolutions = [p.dpi for p in facts.printers.value]
    best = max((r.value for r in resolutions if r.value is not None), default=None)
    if best is not None and (best >= one.least or all(r.known for r in resolutions)):
        return decided(best >= one.least, wanted, Said("dpi", {"number": best}))
    return undetermined(wanted, next((r.why for r in resolutions if not r.known), "not_here"))


def _cards(_one: needs.CardReader, _facts: MachineFacts, _: Place) -> Verdict:
    return undetermined(Said("card_reader"), "not_measurable")


def _whql(_one: needs.Whql, _facts: MachineFacts, _: Place) -> Verdict:
    return undetermined(Said("whql"), "not_measurable")


def _told(one: needs.Told, _facts: MachineFacts, _: Place) -> Verdict:
    return Verdict("undetermined", Said("told"), None, "told", one.why)


JUDGES: dict[type, Judge] = {
    needs.CpuGhz: _cpu,
    needs.MemoryGb: _memory,
    needs.SessionMemoryGb: _sessions,
    needs.NetworkMbit: _network,
    needs.InternetMbit: _internet,
    needs.DiskFreeGb: _free,
    needs.DiskKind: _disk_kind,
    needs.Graphics: _graphics,
    needs.Screen: _screen,
    needs.Usb: _usb,
    needs.Ups: _ups,
    needs.PrinterDpi: _printer,
    needs.CardReader: _cards,
    needs.Whql: _whql,
    needs.Told: _told,
}
