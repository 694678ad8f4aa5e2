"""How a fault in one of the two files is mended: the new bytes, and nothing but the lines the fault names. Pure.

Each follows the remedy of the seed: `Installed` becomes 1, blanks around `=` go, stale content goes but for the corrected
host name (seed 003, Hinweis). What only a new installation heals is not mended here.
"""

from dataclasses import dataclass

from praxisd.kernel.errors import Problem
from praxisd.services.serviceprovider import ini, rules
from praxisd.services.serviceprovider import seen as s
from praxisd.services.serviceprovider import words as w
from praxisd.services.serviceprovider.connection_rules import source_host
from praxisd.services.serviceprovider.rules import Fault
from praxisd.services.serviceprovider.seen import File, Seen

NO_VALUE, NOT_SEEN = "serviceprovider.value_unknown", "serviceprovider.not_seen"
CODES = (NO_VALUE, NOT_SEEN)
_VALUES = {
    w.NOT_ENABLED: s.INSTALLED,
    w.PVS_UNKNOWN: s.PVS_NAME,
    w.DATAPATH_MISSING: s.DATA_PATH,
    w.IDENTIFIER_DIFFERS: s.IDENTIFIER,
    w.PORT_DIFFERS: s.TCP_PORT,
    w.CUSTOMER_NUMBER_MISSING: s.CUSTOMER,
    w.HOSTNAME_MISSING: s.HOSTNAME,
    w.HOSTNAME_DIFFERS: s.HOSTNAME,
    w.HOSTNAME_LOCAL: s.HOSTNAME,
}
"""Codes that are mended by one value, and its key."""


@dataclass(frozen=True, slots=True)
class Mended:
    """A file as it shall be. `lines` are the numbers that changed, as they were counted before; none in a new file."""

    path: str
    data: bytes
    before: bytes | None
    lines: tuple[int, ...] = ()


def mend(seen: Seen, faults: tuple[Fault, ...]) -> list[Mended]:
    """The files as they shall be, so that these faults, all of one code, are gone.

    Problems: `serviceprovider.value_unknown` (409) where nobody knows what should stand there, `serviceprovider.not_seen`
    (409) for a file that cannot be reached.
    """
    now: dict[str, Mended] = {}
    for fault in faults:
        for file in _files(seen, fault):
            held = now.get(file.path)
            if held is None:
                if not file.path or file.state == "unseen":
                    raise Problem(NOT_SEEN, 409, file=file.path or "–")
                held = Mended(
                    file.path, file.ini.data if file.ini else b"", file.ini.data if file.ini else None
                )
            try:
                data = _changed(seen, fault, file, ini.read(held.data))
            except ValueError:  # the file's encoding has no such letters
                raise Problem(NO_VALUE, 409) from None
            lines = tuple(sorted({*held.lines, *_lines(fault, file)}))
            now[file.path] = Mended(file.path, data, held.before, lines)
    return [one for one in now.values() if one.data != one.before]


def _files(seen: Seen, fault: Fault) -> list[File]:
    install = seen.install.file if seen.install is not None else None
    both = [one for one in (seen.pvs, install) if one is not None and one.ini is not None]
    if fault.code == w.IDENTIFIER_DIFFERS:
        return both  # the identifier is one for both
    if fault.code == w.PORT_DIFFERS and fault.side == "install":
        return both
    if fault.side == "install":
        return [install] if install is not None else []
    return [seen.pvs]


def _lines(fault: Fault, file: File) -> list[int]:
    if fault.code in (w.SPACES, w.KEY_TWICE, w.STALE) and file.ini is not None:
        if fault.code == w.SPACES:
            return [one.number for one in file.ini.pairs() if one.gaps]
        if fault.code == w.KEY_TWICE:
            return [line for _, line in rules.twice(file)]
        return [one.number for one in file.ini.lines]
    line = file.line(_VALUES.get(fault.code, s.CONNECTION))
    return [] if line is None else [line.number]


def _changed(seen: Seen, fault: Fault, file: File, now: ini.Ini) -> bytes:
    if fault.code == w.SPACES:
        return ini.tightened(now)
    if fault.code == w.KEY_TWICE:
        return _once(file, now)
    if fault.code == w.STALE:
        return _own(seen, only_host(now, _known(seen.machine)))
    if fault.code == w.CONNECTION_HOST:
        return _connection(now, _known(seen.machine))
    if fault.code == w.INI_MISSING:
        if fault.side != "pvs":
            raise Problem(NO_VALUE, 409)
        return _own(seen, fresh(_known(seen.machine)))
    names = _VALUES.get(fault.code)
    if names is None:
        raise Problem(NO_VALUE, 409)
    return _written(now, names, _value(seen, fault))


def _value(seen: Seen, fault: Fault) -> str:
    """What shall stand there."""
    install = seen.install
    wanted = {
        w.NOT_ENABLED: "1",
        w.PVS_UNKNOWN: seen.pvs_names[0],
        w.DATAPATH_MISSING: seen.wanted_path if seen.here and seen.pvs.state == "read" else "",
        w.IDENTIFIER_DIFFERS: rules.identifier(seen),
        w.PORT_DIFFERS: str(fault.params["wanted"]) if install is not None else "",
        w.CUSTOMER_NUMBER_MISSING: seen.customer,
        w.HOSTNAME_MISSING: seen.machine,
        w.HOSTNAME_DIFFERS: seen.machine,
        w.HOSTNAME_LOCAL: seen.machine,
    }
    return _known(wanted[fault.code])


def _known(value: str) -> str:
    if not value:
        raise Problem(NO_VALUE, 409)
    return value


def _written(now: ini.Ini, names: tuple[str, ...], value: str) -> bytes:
    try:
        return ini.edit(now, names[0], value, *names[1:])
    except ValueError:
        raise Problem(NO_VALUE, 409) from None


def _once(file: File, now: ini.Ini) -> bytes:
    """Without what stands a second time; the first is what counted."""
    gone = {line for _, line in rules.twice(File(file.side, file.path, "read", now))}
    lines = list(now.lines)
    for at, line in enumerate(lines):
        if line.kind == "more" and at and lines[at - 1].number in gone:
            gone.add(line.number)
    return ini.without(now, [line for line in lines if line.number in gone])


def _own(seen: Seen, data: bytes) -> bytes:
    """praxisd fills its own file at once; another provider does it when it starts."""
    if not seen.own:
        return data
    if not seen.own_port:
        raise Problem(NO_VALUE, 409)
    return filled(data, seen.machine, _known(rules.identifier(seen)), seen.own_port)


def _connection(now: ini.Ini, machine: str) -> bytes:
    """The host in the connection string, and nothing else of it, on whichever of its lines it stands."""
    line = now.find(*s.CONNECTION)
    if line is None:
        raise Problem(NO_VALUE, 409)
    unit = 2 if now.encoding.startswith("utf-16") else 1
    text, places = "", list[int]()
    for one in now.lines[now.lines.index(line) :]:
        if one is not line and one.kind != "more":
            break
        if text:  # lines are joined by a blank, as the reader does it
            text, places = text + " ", [*places, places[-1] + unit]
        text += ini.units(now, one.value_start, one.value_end)
        places += range(one.value_start, one.value_end, unit)
    span = source_host(text)
    if span is None:
        raise Problem(NO_VALUE, 409)
    places.append(places[-1] + unit if places else line.value_end)
    return ini.spliced(now, [(places[span[0]], places[span[1]], machine)])


def only_host(now: ini.Ini, machine: str) -> bytes:
    """Everything gone but the section and the host name, which is put right."""
    head, line = now.head(), now.find(*s.HOSTNAME)
    gone = [one for one in now.lines if one is not head and one is not line]
    bare = ini.without(now, gone)
    bare = bare[: len(bare) - (len(now.data) - now.text_end)]
    return _written(ini.read(bare), s.HOSTNAME, machine)


def fresh(machine: str) -> bytes:
    """The file in the data folder before an installation."""
    return _written(ini.read(b""), s.HOSTNAME, machine)


def filled(before: bytes, machine: str, guid: str, port: int) -> bytes:
    """The file in the data folder for an installed provider; what else stood there stays."""
    data = before
    for names, value in (
        (s.HOSTNAME, machine),
        (s.IDENTIFIER, guid),
        (s.INSTALLED, "1"),
        (s.TCP_PORT, str(port)),
    ):
        data = _written(ini.read(data), names, value)
    return data


def installation(guid: str, port: int, pvs_name: str, data_path: str, customer: str) -> bytes:
    """The file of an installation, in the order of the seed's example."""
    data = b""
    for names, value in (
        (s.INSTALLED, "1"),
        (s.IDENTIFIER, guid),
        (s.TCP_PORT, str(port)),
        (s.PVS_NAME, pvs_name),
        (s.DATA_PATH, data_path),
        (s.CUSTOMER, customer),
    ):
        if value or names is s.DATA_PATH:
            data = _written(ini.read(data), names, value)
    return data
