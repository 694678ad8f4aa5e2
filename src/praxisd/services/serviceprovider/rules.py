"""What is wrong with a ServiceProvider, from what was seen of it. One cause, one code: the most exact one (SPEC 7.6).

The seed's table names six messages; its text around them the rest (seed 003, Konfigurationsanleitung zum Service-Provider).
What could not be looked at is never judged. Pure.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from praxisd.services.serviceprovider import seen as s
from praxisd.services.serviceprovider import words as w
from praxisd.services.serviceprovider.connection_rules import source_host
from praxisd.services.serviceprovider.reaching import ONLY_HERE
from praxisd.services.serviceprovider.seen import File, Seen

DOTNET = "4.8"
"""The least .NET Framework (seed 003, Vor der Installation)."""
_HERE = frozenset({".", "(local)", "(localdb)", "localhost", "127.0.0.1", "::1", "[::1]"})
_NOTHING = "–"
_ANEW = frozenset({w.NOT_INSTALLED, w.WRONG_MACHINE, w.SQL_MISSING, w.INSTALLED_TWICE})
"""Healed by a new installation, whatever else is wrong."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `side`: of which file ("" of none); `line` and `key` where in it; `params` for its texts."""

    code: str
    side: str = ""
    line: int = 0
    key: str = ""
    params: Mapping[str, object] = field(default_factory=dict)


def judge(seen: Seen) -> tuple[Fault, ...]:
    """All that is wrong, each cause once."""
    found = list(_all(seen))
    return tuple(Fault(one.code, one.side, one.line, one.key, _params(seen, one)) for one in found)


def _all(seen: Seen) -> Iterator[Fault]:
    if not seen.measured and not seen.own:
        yield Fault(w.FACTS_MISSING)
    if seen.dotnet is not None and not seen.own and below(seen.dotnet, DOTNET):
        yield Fault(w.DOTNET_OLD, params={"found": seen.dotnet or _NOTHING, "wanted": DOTNET})
    place = list(_place(seen))
    yield from place
    if any(one.code in _ANEW for one in place):
        return  # what the files say of a provider that must be installed anew does not matter
    inside = [*_pvs(seen), *_install(seen)]
    yield from inside
    if {one.code for one in (*place, *inside)} - w.WARNINGS:
        return
    answer = list(_answer(seen))
    yield from answer
    if seen.pvs.fresh and seen.pvs.state == "read" and not {one.code for one in answer} - w.WARNINGS:
        yield Fault(w.NOT_FILLED, "pvs")  # it answers, and has not written there yet


def _place(seen: Seen) -> Iterator[Fault]:
    """Is it there, once, in the right place, and running?"""
    services, install = seen.services, seen.install
    if seen.own and install is not None:  # praxisd is it; what else is there was replaced by it
        if [one for one in (services or ())[1:] if one.state == "running"]:
            places = [one.folder for one in seen.mine if not one.own]
            names = [one.name for one in (services or ())[1:]]
            yield Fault(w.LEFT_BEHIND, params={"found": "; ".join([*names, *places])})
        return
    folders = [one for one in seen.mine if one.programs]
    twice = len({one.guid.casefold() for one in seen.mine}) > 1 and bool(folders)
    if twice or len(folders) > 1 or (services is not None and len(services) > 1):
        places = [one.folder for one in seen.mine] if twice or len(folders) > 1 else []
        yield Fault(
            w.INSTALLED_TWICE, params={"found": "; ".join(places or [x.name for x in services or ()])}
        )
        return
    if seen.sql_absent:
        yield Fault(w.SQL_MISSING)
        return
    if services is not None and not services and install is None:
        if seen.runs_on:
            yield Fault(w.WRONG_MACHINE, params={"found": seen.runs_on, "wanted": seen.machine})
        elif not (seen.claimed and seen.asked.state == "open") or (seen.here and seen.roots_seen):
            yield Fault(w.NOT_INSTALLED)
        return
    if services is not None and install is not None and not services:
        yield Fault(w.SERVICE_MISSING, params={"folder": install.folder})
    elif services and install is None and seen.roots_seen:
        yield Fault(w.FOLDER_MISSING, params={"service": services[0].name, "folder": seen.root})
    if services and services[0].state == "stopped":
        yield Fault(w.STOPPED, params={"service": services[0].name})
    if install is not None and install.mapped:
        yield Fault(w.MAPPED_DRIVE, params={"folder": install.folder, "wanted": seen.wanted_path or _NOTHING})


def _file(file: File) -> Iterator[Fault]:
    """What is wrong with a file as such."""
    if file.state == "unreadable":
        yield Fault(w.INI_UNREADABLE, file.side, params={"reason": f"why_{file.why}"})
    if file.ini is None:
        return
    spaced = [one for one in file.ini.pairs() if one.gaps]
    if spaced:
        lines = ", ".join(str(one.number) for one in spaced)
        yield Fault(w.SPACES, file.side, spaced[0].number, spaced[0].key, {"lines": lines})
    for key, line in twice(file):
        yield Fault(w.KEY_TWICE, file.side, line, key, {"lines": str(line)})
        return


def twice(file: File) -> list[tuple[str, int]]:
    """Keys that stand twice in the section that counts: as written there, and the line that is not read.

    Another spelling is another key to Windows, and may be the one that the provider reads: it is none of these.
    """
    if file.ini is None:
        return []
    head, known, found = file.ini.head(), set[str](), []
    for one in file.ini.lines:
        if head is None or one.kind != "key" or one.start < head.start:
            continue
        if one.section.casefold() == head.section.casefold():
            name = one.key.casefold()
            found += [(one.key, one.number)] if name in known else []
            known.add(name)
    return found


def meaning(key: str) -> str:
    """What a key means, by any of its spellings; "" for one that is not known."""
    folded = key.casefold()
    return next((name for name, all_ in s.KEYS.items() if folded in {one.casefold() for one in all_}), "")


def _pvs(seen: Seen) -> Iterator[Fault]:
    """The file in the data folder, alone and against the installed one."""
    pvs, install = seen.pvs, seen.install
    yield from _file(pvs)
    if pvs.state == "missing" and seen.path_state not in ("no_ini", "missing") and (install or seen.here):
        yield Fault(w.INI_MISSING, "pvs", params={"wanted": seen.machine})
    if pvs.ini is None or pvs.state == "unreadable":
        return
    other = install.file if install is not None else File("install")
    if is_stale(seen):
        found = ", ".join(
            filter(None, (pvs.value(s.HOSTNAME), pvs.value(s.IDENTIFIER), pvs.value(s.TCP_PORT)))
        )
        yield _at(w.STALE, pvs, s.HOSTNAME, found, seen.machine)
        return
    host = pvs.value(s.HOSTNAME)
    if not host:
        yield _at(w.HOSTNAME_MISSING, pvs, s.HOSTNAME, _NOTHING, seen.machine)
    elif host.casefold() in _HERE and seen.devices == 0 and seen.names:
        yield _at(w.HOSTNAME_LOCAL, pvs, s.HOSTNAME, host, seen.machine)
    elif not _names_it(seen, host):
        yield _at(w.HOSTNAME_DIFFERS, pvs, s.HOSTNAME, host, seen.machine, reason=_why_there(seen, host))
    yield from _connection(seen, pvs)
    if pvs.fresh:
        return
    if pvs.value(s.INSTALLED) != "1":
        yield _at(w.NOT_ENABLED, pvs, s.INSTALLED, pvs.value(s.INSTALLED) or _NOTHING, "1")
    if other.ini is None:
        return
    mine, named = pvs.value(s.IDENTIFIER), identifier(seen)
    if named and mine.casefold() not in (named.casefold(), other.value(s.IDENTIFIER).casefold()):
        yield _at(w.IDENTIFIER_DIFFERS, pvs, s.IDENTIFIER, mine or _NOTHING, named)
    if (pvs.value(s.TCP_PORT) or other.value(s.TCP_PORT)) and (pvs.port or 0) != _port_of(other):
        yield _at(w.PORT_DIFFERS, pvs, s.TCP_PORT, pvs.value(s.TCP_PORT) or _NOTHING, str(_port_of(other)))


def _install(seen: Seen) -> Iterator[Fault]:
    """The file of the installation, and its program."""
    install = seen.install
    if install is None:
        return
    file = install.file
    yield from _file(file)
    if file.state == "missing":
        yield Fault(w.INI_MISSING, "install", params={"wanted": install.guid})
    if file.ini is not None and file.state == "read":
        if file.value(s.INSTALLED) != "1":
            yield _at(w.NOT_ENABLED, file, s.INSTALLED, file.value(s.INSTALLED) or _NOTHING, "1")
        mine = file.value(s.IDENTIFIER)
        if is_guid(install.guid) and mine.casefold() != install.guid.casefold():
            yield _at(w.IDENTIFIER_DIFFERS, file, s.IDENTIFIER, mine or _NOTHING, install.guid)
        wanted = seen.own_port or seen.pvs.port or s.PORT
        if (file.value(s.TCP_PORT) and file.port is None) or (seen.own_port and file.port != seen.own_port):
            yield _at(w.PORT_DIFFERS, file, s.TCP_PORT, file.value(s.TCP_PORT) or _NOTHING, str(wanted))
        name = file.value(s.PVS_NAME)
        if name.casefold() not in {one.casefold() for one in seen.pvs_names}:
            yield _at(w.PVS_UNKNOWN, file, s.PVS_NAME, name or _NOTHING, seen.pvs_names[0])
        yield from _data_path(seen, file)
        number = file.value(s.CUSTOMER)
        if not number or (seen.customer and number != seen.customer):
            where = "number_of_software" if seen.several else "number_of_practice"
            yield _at(
                w.CUSTOMER_NUMBER_MISSING, file, s.CUSTOMER, number or _NOTHING, seen.customer or _NOTHING, reason=where
            )  # fmt: skip
        yield from _connection(seen, file)
    if install.version and seen.setup_version and below(install.version, seen.setup_version):
        facts = {"found": install.version, "wanted": seen.setup_version, "setup": seen.setup}
        yield Fault(w.OUTDATED, params=facts)


def _data_path(seen: Seen, file: File) -> Iterator[Fault]:
    path = file.value(s.DATA_PATH)
    if not path:
        if not seen.path_may_be_empty:
            yield _at(w.DATAPATH_MISSING, file, s.DATA_PATH, _NOTHING, seen.wanted_path or _NOTHING)
    elif seen.path_mapped:
        yield _at(w.MAPPED_DRIVE, file, s.DATA_PATH, path, seen.wanted_path or _NOTHING, folder=path)
    elif seen.path_state == "missing":
        yield _at(w.DATAPATH_MISSING, file, s.DATA_PATH, path, seen.wanted_path or _NOTHING)
    elif seen.path_state in ("no_ini", "elsewhere"):
        yield _at(w.DATAPATH_INVALID, file, s.DATA_PATH, path, seen.wanted_path or _NOTHING)


def _why_there(seen: Seen, host: str) -> str:
    """Why the computer is another one: only what was seen is said to run."""
    if host.casefold() in _HERE:
        return "why_only_here"
    runs = any(one.state == "running" for one in seen.services or ())
    return "why_runs_there" if runs else "why_belongs_there"


def _connection(seen: Seen, file: File) -> Iterator[Fault]:
    """The computer in the connection string must be the one with SQL Server."""
    text = file.value(s.CONNECTION)
    span = source_host(text)
    if not text or span is None or seen.where != "sql":
        return
    host = text[slice(*span)]
    if host.casefold() not in _HERE and not _names_it(seen, host):
        yield _at(w.CONNECTION_HOST, file, s.CONNECTION, host or _NOTHING, seen.machine)


def _answer(seen: Seen) -> Iterator[Fault]:
    """What the address answers, where nothing else explains it."""
    code = {
        "closed": w.UNREACHABLE,
        "unresolved": w.UNREACHABLE,
        "filtered": w.FILTERED,
        "wrong": w.WRONG_ANSWER,
    }
    asked = seen.asked
    if asked.why == ONLY_HERE:
        yield Fault(w.ONLY_LOCAL)
    elif asked.state in code:
        yield Fault(code[asked.state], params={"reason": f"why_{asked.why}"})
    elif _old_answer(seen):
        facts = {"found": asked.version, "wanted": seen.setup_version, "setup": seen.setup}
        yield Fault(w.OUTDATED, params=facts)


def _old_answer(seen: Seen) -> bool:
    """The provider says its version, its program did not, and that is lower than the one to install."""
    known = not seen.claimed or (seen.install is not None and seen.install.version)
    told = "" if known else seen.asked.version
    return bool(told and seen.setup_version) and below(told, seen.setup_version)


def is_stale(seen: Seen) -> bool:
    """The file in the data folder speaks of an earlier installation: another identifier, and another host or port."""
    pvs, install = seen.pvs, seen.install
    if pvs.ini is None or install is None or install.file.ini is None or pvs.fresh:
        return False
    mine, named = pvs.value(s.IDENTIFIER), identifier(seen)
    if not mine or not named or mine.casefold() == named.casefold():
        return False
    host, port = pvs.value(s.HOSTNAME), pvs.port
    return bool(host and not _names_it(seen, host)) or (port is not None and port != _port_of(install.file))


def identifier(seen: Seen) -> str:
    """The instance name that is installed: that of the folder, else of the file in it."""
    install = seen.install
    if install is None:
        return ""
    return install.guid if is_guid(install.guid) else install.file.value(s.IDENTIFIER)


def _port_of(file: File) -> int:
    return file.port or s.PORT


def _names_it(seen: Seen, host: str) -> bool:
    """True if the name means the computer where the provider belongs; not told apart where its name is not known."""
    folded = host.strip().casefold()
    if not seen.names:
        return True
    known = {name.casefold() for name in seen.names}
    if folded in _HERE:
        return seen.devices < 2  # nobody else has to find it, as far as is known
    asked = seen.asked
    if asked.host.casefold() == folded and asked.address in known and asked.address not in _HERE:
        return True  # another name that leads to this computer
    return folded in known or folded.partition(".")[0] in {name for name in known if not name[:1].isdigit()}


def _at(code: str, file: File, names: tuple[str, ...], found: str, wanted: str, **more: object) -> Fault:
    line = file.line(names)
    facts = {"found": found, "wanted": wanted, **more}
    return Fault(code, file.side, 0 if line is None else line.number, line.key if line else names[0], facts)


def _params(seen: Seen, fault: Fault) -> dict[str, object]:
    """What the texts may name: the same for every code, so that each can be exact."""
    install = seen.install
    file = seen.pvs if fault.side == "pvs" else install.file if install is not None else File("install")
    services = seen.services or ()
    base: dict[str, object] = {
        "product": seen.product,
        "host": seen.pvs.value(s.HOSTNAME) or seen.machine or _NOTHING,
        "machine": seen.machine or _NOTHING,
        "port": seen.port,
        "pvs_file": seen.pvs.path or _NOTHING,
        "install_file": (install.file.path if install is not None else "") or _NOTHING,
        "file": (file.path if fault.side else seen.pvs.path) or _NOTHING,
        "line": fault.line or _NOTHING,
        "key": fault.key or _NOTHING,
        "found": _NOTHING,
        "wanted": _NOTHING,
        "lines": _NOTHING,
        "folder": (install.folder if install is not None else seen.root) or _NOTHING,
        "setup": seen.setup or _NOTHING,
        "service": services[0].name if services else "Service-Provider",
    }
    return {**base, **fault.params}


def is_guid(text: str) -> bool:
    """True for 8-4-4-4-12 hexadecimal digits."""
    return re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", text) is not None


def below(version: str, least: str) -> bool:
    """True if a version is certainly lower: `4.7.2` below `4.8`; numbers count, what is no number does not."""
    have, need = numbers(version), numbers(least)
    size = max(len(have), len(need))
    return have + (0,) * (size - len(have)) < need + (0,) * (size - len(need))


def numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version."""
    return tuple(int(one) for one in re.findall(r"\d{1,9}", version)[:6])
