"""Looking at the ServiceProviders of this installation: files, folders, services and answers become one `Seen` each.

What lies on another computer is seen only as far as its paths can be reached from here, its services only if it has sent
its facts. Nothing is written.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from praxisd import __version__
from praxisd.services.diagnosis import api as diagnosis
from praxisd.services.serviceprovider import belonging, places, reaching
from praxisd.services.serviceprovider import seen as s
from praxisd.services.serviceprovider.flight import Flights, is_late
from praxisd.services.serviceprovider.room import Provided, ini_of, provided, pvs_file, pvs_path, room_of
from praxisd.services.serviceprovider.seen import Asked, File, Install, Seen, Service

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_FLIGHTS = "serviceprovider.looks"


def look(house: "House", only: str | None = None, *, passing: bool = False) -> list[Seen]:
    """Everything, or what concerns one practice software. Takes some seconds at most: what is late is `late`.

    `passing`: somebody only wants to see, and does not wait for long where others wait already.
    """
    asked = time.monotonic()
    everything = provided(house)
    flights: Flights[_Looker] = house.shared.setdefault(_FLIGHTS, Flights())
    flights.keep(one.software.id for one in everything)
    chosen = [
        (one.software.id, partial(_Looker, house, one, everything))
        for one in everything
        if only in (None, one.software.id)
    ]
    for key, make in chosen:
        flights.begin(key, make, asked)
    found = [flights.wait(house, key, make, asked, passing) for key, make in chosen]
    return [look.result() if ended else look.late(is_late(look)) for look, ended in found]


class _Looker:
    """Looks at one of them."""

    def __init__(self, house: "House", one: Provided, everything: Sequence[Provided]) -> None:
        self._house, self._one = house, one
        # Folders of another node are none of this computer, even where they are called the same.
        self._others = [x for x in everything if x.software.id != one.software.id and not x.away]
        self._room = room_of(house)
        self._top = places.top_folder(one.software.data_folder, one.places.data_path)
        self._facts: diagnosis.MachineFacts | None = None
        self._pvs = File("pvs")
        self._seen: Seen | None = None
        self._fault: BaseException | None = None
        self._touches: tuple[s.Side, str] = ("pvs", "")
        self.begun, self.over = time.monotonic(), threading.Event()
        self.files_since: float | None = None
        host = one.software.host.casefold().partition(".")[0]
        self._here = not host or host in (diagnosis.own_host(), "localhost")
        self._said = bool(host or one.software.data_folder or one.software.program_folder or one.pair)

    def run(self) -> None:
        """Look, in a thread of its own; a daemon's, since a share that is gone may hang for a minute."""
        try:
            self._seen = self.seen()
        except BaseException as error:
            self._fault = error
        finally:
            self.over.set()

    def late(self, silent: bool) -> Seen:
        """What is known while the look goes on; if it is `silent`, which file or folder does not answer, if it is one."""
        base = replace(self._unsaid(), machine=next(iter(self._names()), ""), late=True)
        (side, path), waits = self._touches, self.files_since is not None
        if not (silent and waits):
            return base
        file = File(side, path, "unreadable", why="timeout")
        if side == "pvs":
            return replace(base, pvs=file)
        return replace(base, pvs=self._pvs, installs=(Install(path, "", path, file),))

    def _touch(self, side: s.Side, path: str) -> None:
        """From here on a file or folder is waited for."""
        self._touches = (side, path)
        if self.files_since is None:
            self.files_since = time.monotonic()

    def result(self) -> Seen:
        """What was seen; the exception that came instead."""
        if self._fault is not None:
            raise self._fault
        if self._seen is None:
            raise RuntimeError("not looked yet")
        return self._seen

    def seen(self) -> Seen:
        """All there is to see; nothing where nobody said where the software lies."""
        one = self._one
        if not self._said or one.away:
            return self._unsaid()
        facts = self._facts = self._room.facts(self._house, one.software.host or None)
        self._touch("pvs", pvs_path(one))
        pvs = self._pvs = pvs_file(one)
        # Theirs are read too, to tell apart whose an installation is: which of them hangs?
        for other in self._others:
            self._touch("pvs", pvs_path(other))
            pvs_file(other)
        self._touch("install", one.software.program_folder or places.DEFAULTS[0])
        found_in = self._roots()
        if one.pair is not None and self._given_back(found_in, pvs):
            one = self._one = replace(one, pair=None)
        installs = self._installs(found_in, pvs)
        services = self._services(installs)
        roots_seen = one.pair is not None or any(root.is_dir() for root in found_in)
        if self._top:
            self._touch("install", self._top)
        setup = places.joined(places.joined(self._top, one.places.setup), one.places.setup_program)
        names = tuple(dict.fromkeys(self._names()))
        seen = Seen(
            software=one.software.id,
            product=one.product,
            where=one.places.install_where,
            pvs_names=one.places.pvs_names,
            path_may_be_empty=one.places.data_path_may_be_empty,
            machine=names[0] if names else one.software.host,
            here=self._here,
            measured=facts is not None,
            names=names,
            devices=one.software.devices,
            pvs=pvs,
            installs=installs,
            roots_seen=roots_seen,
            root=str(found_in[0]) if found_in else one.software.program_folder or places.DEFAULTS[0],
            services=services,
            dotnet=None if facts is None else facts.dotnet.value,
            sql_absent=self._sql_absent(installs, services),
            wanted_path=places.joined(self._top, one.places.data_path) if self._top else "",
            setup=setup if self._top else "",
            setup_version=self._setup_version(),
            setup_there=self._setup_there(),
            customer=one.customer,
            several=one.several,
            own=one.pair is not None,
            own_port=urlsplit(str(self._house.shared.get("url") or "")).port or 0 if one.pair else 0,
        )
        state, mapped = self._data_path(seen)
        seen = replace(seen, path_state=state, path_mapped=mapped)
        self.files_since = None
        asked = self._ask(seen)
        return replace(seen, asked=asked, runs_on=self._runs_on(seen, asked))

    def _unsaid(self) -> Seen:
        one = self._one
        return Seen(
            software=one.software.id,
            product=one.product,
            where=one.places.install_where,
            pvs_names=one.places.pvs_names,
            path_may_be_empty=one.places.data_path_may_be_empty,
            machine=self._one.software.host if self._one.away else "",
            here=self._here,
            measured=True,
            away=self._one.away,
        )

    def _names(self) -> Iterable[str]:
        """What the computer is called, first as it calls itself, and its addresses."""
        facts = self._facts
        if facts is not None:
            yield from filter(None, (facts.computer_name.value, facts.host))
            yield from facts.addresses.value or ()
        if self._one.software.host:
            yield self._one.software.host

    def _roots(self) -> list[Path]:
        named = self._one.software.program_folder
        if not named and not self._here:
            return []  # the usual folders of another computer are not those of this one
        return places.roots(named)

    def _given_back(self, found_in: Sequence[Path], pvs: File) -> bool:
        """The practice software has another provider again, which is installed here: praxisd's pair counts no more."""
        named = pvs.value(s.IDENTIFIER).casefold()
        return any(guid.casefold() == named for root in found_in for _, guid in places.installed(root))

    def _installs(self, found_in: Sequence[Path], pvs: File) -> tuple[Install, ...]:
        found = []
        for root in found_in:
            for folder, guid in places.installed(root):
                file = places.read_file("install", places.ini_in(folder))
                found.append(
                    Install(
                        str(folder),
                        guid,
                        str(root),
                        file,
                        version=places.program_version(folder),
                        mapped=self._is_mapped(str(folder)),
                        foreign=belonging.is_foreign(file, guid, pvs, self._one, self._others),
                        programs=not places.is_program_data(root),
                    )
                )
        pair = self._one.pair
        if pair is not None:
            folder = self._house.folder / f"{places.PREFIX}{pair.guid}"
            file = places.read_file("install", places.ini_in(folder))
            if folder.is_dir():
                home = str(self._house.folder)
                found.append(Install(str(folder), pair.guid, home, file, version=__version__, own=True))
        return tuple(found)

    def _services(self, installs: Sequence[Install]) -> tuple[Service, ...] | None:
        own = [Service("praxisd", "running")] if self._one.pair is not None else []
        if self._facts is None or not self._facts.services.known or self._cannot_run():
            return tuple(own) or None
        away = [tuple(places.parts(one.folder.casefold())) for one in installs if one.foreign]
        listed = [
            (
                Service(one.display or one.name, one.state, one.program),
                f"{one.name} {one.display} {one.program}",
            )
            for one in self._facts.services.value or ()
            if _is_provider(one.name, one.display, one.program)
            and not any(_below(one.program, folder) for folder in away)
        ]
        ours = {self._pvs.value(s.IDENTIFIER), *(one.guid for one in installs if not one.foreign)}
        host = self._one.software.host.casefold()
        beside = [one for one in self._others if one.software.host.casefold() == host]
        found = belonging.services_of(listed, ours, beside)
        return (*own, *found) if found is not None else tuple(own) or None

    def _cannot_run(self) -> bool:
        """A computer without Windows has no such service; that it is not there says nothing, unless a folder is named."""
        family = None if self._facts is None else self._facts.os.family.value
        return family in ("linux", "other") and not self._one.software.program_folder

    def _sql_absent(self, installs: Sequence[Install], services: tuple[Service, ...] | None) -> bool:
        if self._one.places.install_where != "sql" or self._facts is None or self._one.pair is not None:
            return False
        return self._facts.sql.value == () and bool(installs or services)

    def _setup_program(self) -> Path | None:
        """The set-up that belongs to the practice software, where this computer can look."""
        top = places.local(self._top)
        if top is None or self._one.pair is not None:
            return None
        return places.inside(places.inside(top, self._one.places.setup), self._one.places.setup_program)

    def _setup_version(self) -> str:
        program = self._setup_program()
        return "" if program is None else places.file_version(program)

    def _setup_there(self) -> bool:
        program = self._setup_program()
        return program is not None and program.is_file()

    def _is_mapped(self, path: str) -> bool:
        if path.startswith("\\\\"):
            return self._here
        disk = None if self._facts is None else self._facts.disk_of(path)
        return disk is not None and disk.mapped.value is True

    def _data_path(self, seen: Seen) -> tuple[s.PathState, bool]:
        """What is at the end of the data path of the installation, and whether that lies on another computer's drive."""
        text = "" if seen.install is None else seen.install.file.value(s.DATA_PATH)
        if not text:
            return "empty", False
        path, mapped = places.local(text), self._is_mapped(text)
        if mapped or not self._here or path is None:
            return "unseen", mapped
        self._touch("install", text)
        if not path.is_dir():
            return "missing", False
        inside = [places.ini_in(path)]
        if not self._one.places.data_path:  # the file lies below what is the data folder here
            inside += [ini_of(path, relative) for relative in self._one.places.ini]
        there = [one for one in inside if one.is_file()]
        if not there:
            return "no_ini", False
        mine = Path(seen.pvs.path)
        if seen.pvs.state in ("missing", "unseen") or any(one.samefile(mine) for one in there):
            return "right", False
        return "elsewhere", False

    def _ask(self, seen: Seen) -> Asked:
        """The address that the programs of the practice have. Our own is not asked while we do not serve."""
        host = seen.pvs.value(s.HOSTNAME) or seen.machine
        if not host or (seen.own and not seen.own_port):
            return Asked(host, "", seen.port)
        if self._here and (host.casefold() in {one.casefold() for one in seen.names} or seen.own):
            alone = self._one.software.devices == 1
            return reaching.ask_here(self._room.ask, host, seen.port, self._addresses(seen), alone)
        # by its name, as the programs of the practice do; what it once reported of itself may be old
        return self._room.ask(host, "", seen.port)

    def _addresses(self, seen: Seen) -> tuple[str, ...]:
        """Under which others find this computer; first the one that our own door has."""
        url = urlsplit(str(self._house.shared.get("url") or "")).hostname if seen.own else None
        known = () if self._facts is None else self._facts.addresses.value or ()
        return tuple(dict.fromkeys(reaching.outer((*filter(None, (url,)), *known))))

    def _runs_on(self, seen: Seen, asked: Asked) -> str:
        """Another computer that the file names, and which has the provider; "" if it does not name one that has."""
        host = seen.pvs.value(s.HOSTNAME)
        if not host or host.casefold() in {"localhost", "127.0.0.1", *(one.casefold() for one in seen.names)}:
            return ""
        facts = self._room.facts(self._house, host)
        listed = () if facts is None else facts.services.value or ()
        has = any(_is_provider(one.name, one.display, one.program) for one in listed)
        return host if has or asked.state == "open" else ""


def _is_provider(name: str, display: str, program: str) -> bool:
    """A service is the provider by its name, or by the folder of its program."""
    plain = [one.casefold().replace("-", "").replace(" ", "") for one in (name, display)]
    folders = [one.casefold() for one in places.parts(program)]
    named = any(
        one.startswith("serviceprovider") or ("medatixx" in one and "serviceprovider" in one) for one in plain
    )
    return named or any(one.startswith(places.PREFIX.casefold()) for one in folders)


def _below(program: str, folder: tuple[str, ...]) -> bool:
    return tuple(places.parts(program.casefold()))[: len(folder)] == folder


def state_of(seen: Seen) -> str:
    """running, stopped, absent, or unknown where nobody told."""
    if seen.services:
        return "stopped" if seen.services[0].state != "running" and seen.asked.state != "open" else "running"
    if seen.services is not None and seen.install is None and (seen.roots_seen or seen.asked.state != "open"):
        return "absent"
    if seen.asked.state == "open":
        return "running" if seen.claimed else "unknown"  # something answers, whoever's it is
    return "stopped" if seen.services is not None else "unknown"


def version_of(seen: Seen) -> str:
    """The version: as the provider says it, else that of its program; "" unknown."""
    told = seen.asked.version if seen.claimed else ""
    return told or ("" if seen.install is None else seen.install.version)
