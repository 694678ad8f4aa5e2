"""Load the plug-ins of a data folder; one that fails is switched off with its reason, and the server runs on (SPEC 6.4).

Each is imported from its own place, at the end of the path of modules, so that none can stand before the program's own.
What fails: the import, what it declares (alone, or beside the others), its start. One that ends or hangs the whole program
at import is noticed at the next starts (`plugin_places.Loading`); the guard's third start is safe mode, which loads none.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import invalidate_caches
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.kernel import plugin_places
from praxisd.kernel.plugin_places import GROUP, Loading, Place
from praxisd.kernel.registry import APART, DeclarationError, Registry, freeze
from praxisd.kernel.service import Check, Finding, Service, Severity
from praxisd.kernel.texts import TextError

if TYPE_CHECKING:
    from praxisd.kernel.app import House

SWITCHED_OFF = "plugins.switched_off"
CODES = (SWITCHED_OFF,)
_TELLING = (ImportError, SyntaxError, DeclarationError, TextError)
"""Errors whose words are about code and nothing else; of others only the kind is kept."""
Freeze = Callable[[Sequence[Service]], Registry]


@dataclass
class Loaded:
    """The plug-ins that are in, with what each brings."""

    data: Path
    found: list[tuple[Place, tuple[Service, ...]]] = field(default_factory=list)

    @property
    def services(self) -> list[Service]:
        """All that they bring."""
        return [service for _, services in self.found for service in services]

    def place_of(self, service: Service) -> Place | None:
        """The plug-in that brings a service; None for those of the program and of installed packages."""
        return next((place for place, services in self.found if service in services), None)

    def drop(self, place: Place, reason: str, error: BaseException | None = None) -> None:
        """Switch it off now."""
        detail = "" if error is None else _words(error)
        plugin_places.switch_off(self.data, place, reason, detail)
        self.found = [one for one in self.found if one[0] is not place]


def load(data: Path) -> Loaded:
    """Import all that are on. Never raises an Exception for what a plug-in does."""
    loaded = Loaded(data)
    places = [one for one in plugin_places.places(data) if one.off is None]
    if not places:
        return loaded
    loading = Loading(data)
    for place in places:
        if loading.ended_by(place):
            loaded.drop(place, "ended")
            loading.done()
            continue
        loading.begin(place)
        try:
            services = tuple(_import(place.folder))
        except Exception as error:
            loaded.drop(place, "import", error)
        else:
            loaded.found.append((place, services))
        loading.done()
    return loaded


def _import(folder: Path) -> Iterator[Service]:
    if str(folder) not in sys.path:
        APART.add(str(folder))
        sys.path.append(str(folder))
        invalidate_caches()
    try:
        points = [
            one
            for dist in distributions(path=[str(folder)])
            for one in dist.entry_points
            if one.group == GROUP
        ]
        if not points:
            raise DeclarationError(f"no entry point of {GROUP}")
        for point in points:
            service = point.load()
            if not isinstance(service, Service):
                raise DeclarationError(f"{point.value} is no Service")
            yield service
    except BaseException:
        sys.path.remove(str(folder))
        raise


def registry_with(own: Sequence[Service], loaded: Loaded, make: Freeze = freeze) -> Registry:
    """The registry of `own` and of all plug-ins that can be declared beside them; the others are switched off.

    DeclarationError and TextError only for what is wrong with `own`.
    """
    if loaded.found:
        try:
            return make((*own, *loaded.services))
        except Exception:
            _weed(own, loaded, make)
    return make((*own, *loaded.services))


def _weed(own: Sequence[Service], loaded: Loaded, make: Freeze) -> None:
    """Declare one after the other; whoever needs another plug-in waits for it as long as any other comes in."""
    make(own)
    good: list[Service] = list(own)
    waiting, came = list(loaded.found), True
    failed: list[tuple[Place, Exception]] = []
    while waiting and came:
        failed, came = [], False
        for place, services in tuple(waiting):
            try:
                make((*good, *services))
            except Exception as error:
                failed.append((place, error))
            else:
                good += services
                waiting.remove((place, services))
                came = True
    for place, fault in failed:
        loaded.drop(place, "declaration", fault)


def spoiled(loaded: Loaded, error: Exception) -> None:
    """The database could not be opened with them, and could without: whoever brings tables is switched off, else all."""
    guilty = [place for place, services in loaded.found if any(one.tables for one in services)]
    for place in guilty or [place for place, _ in loaded.found]:
        loaded.drop(place, "start", error)


def start_failed(house: "House", service: Service, error: Exception) -> bool:
    """A service did not start. True if a plug-in brings it: it is switched off, the house goes on without it."""
    loaded = house.shared.get("plugins")
    place = loaded.place_of(service) if isinstance(loaded, Loaded) else None
    if place is None:
        return False
    house.log.error("plugin_failed", plugin=place.name, error=error)
    plugin_places.switch_off(house.folder, place, "start", _words(error))
    return True


def _words(error: BaseException) -> str:
    kind = type(error).__name__
    return f"{kind}: {error}" if isinstance(error, _TELLING) else kind


def _off(house: "House") -> Iterator[Finding]:
    """Plug-ins that praxisd switched off by itself; what a person switched off is as it should be."""
    for one in plugin_places.places(house.folder):
        if one.off is not None and one.off.by != plugin_places.PERSON:
            facts = {
                "name": one.name,
                "version": one.version,
                "reason": one.off.reason,
                "detail": one.off.detail or "–",
            }
            yield Finding(SWITCHED_OFF, one.name, Severity.WARNING, facts)


CHECKS = (Check("kernel.plugins", CODES, _off, grave=Severity.WARNING),)
