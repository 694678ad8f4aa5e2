"""Events and actors in words: the sentence of an event, the area it belongs to, and who a label stands for."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from praxisd.kernel.access import Kind
from praxisd.kernel.events import Event
from praxisd.kernel.store import Tx

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.registry import Registry

_KERNEL_AREAS = {
    "run": "jobs",
    "job": "jobs",
    "issue": "issues",
    "setting": "settings",
    "listing": "exports",
    "activity": "settings",
}
"""The kernel's own events are of several areas; those of any other service are one."""


def area_of(registry: "Registry", type_: str) -> str:
    """The area under which people find events of a type: the service that declares it, or a part of the kernel."""
    service = registry.event_services.get(type_, "kernel")
    if service == "kernel":
        return _KERNEL_AREAS.get(type_.partition(".")[0], "settings")
    return service


def is_alert(registry: "Registry", type_: str) -> bool:
    """True for events that tell of something gone wrong."""
    declared = registry.events.get(type_)
    return declared is not None and declared.alert


def types_of(registry: "Registry", area: str) -> list[str]:
    """The event types of an area; none for an area that does not exist."""
    return [name for name in registry.events if area_of(registry, name) == area]


def areas(house: "House", lang: str) -> list[tuple[str, str]]:
    """Every area and its title, by title."""
    found = {area_of(house.registry, name) for name in house.registry.events}
    titled = [(one, area_title(house, one, lang)) for one in found]
    return sorted(titled, key=lambda one: one[1].casefold())


def area_title(house: "House", area: str, lang: str) -> str:
    """What people call an area: its name where a plug-in brings no word for it."""
    for key in (f"console.word.area.{area}", f"console.service.{area}"):
        if house.texts.has(key):
            return house.texts.get(key, lang)
    return area


def sentence(house: "House", event: Event, lang: str) -> str:
    """What happened, as a person would say it: jobs, issues and settings by their titles, not by their codes."""
    texts = house.texts

    def titled(key: str, otherwise: object) -> object:
        return texts.get(key, lang) if texts.has(key) else otherwise

    words: dict[str, Any] = {
        "subject": event.subject_id,
        "actor": event.actor,
        "version": event.version,
        **event.codes,
    }
    if event.subject_type == "Issue":  # its code is what the sentence names, not what it is about
        words["subject"] = titled(f"{event.subject_id}.title", event.subject_id)
    elif event.subject_type == "Setting":
        words["subject"] = titled(f"{event.subject_id}.label", event.subject_id)
    elif event.subject_type == "Job":
        words["subject"] = titled(f"job.{event.subject_id}.title", event.subject_id)
    if event.type.startswith("run."):
        words["job"] = titled(f"job.{words.get('job')}.title", words.get("job"))
        words["state"] = titled(f"console.word.run_state.{words.get('state')}", words.get("state"))
        words["code"] = titled(f"{words.get('code')}.title", words.get("code"))
    if event.subject_type == "Activity":
        area = str(words.get("area") or "")
        words["area"] = area_title(house, area, lang) if area else texts.get("console.word.area.all", lang)
    if event.subject_type == "Listing":
        page = next((one for one in house.registry.pages if one.listing == event.subject_id), None)
        words["listing"] = event.subject_id if page is None else texts.get(f"console.page.{page.name}", lang)
    key = f"event.{event.type}"  # a plug-in that is gone has taken its words along
    return texts.get(key, lang, **words) if texts.has(key) else event.type


def actor_names(house: "House", tx: Tx, labels: Iterable[str], lang: str) -> dict[str, str]:
    """Who each label (`user:<id>`, `job:<name>`, `schedule` …) stands for, in the transaction's organization.

    People and keys are known to `house.shared["actor_names"]`; a label nobody knows any more stays what it is.
    """
    wanted = set(labels)
    ask = house.shared.get("actor_names")
    known: dict[str, str] = dict(ask(tx, wanted)) if ask is not None and wanted else {}
    return {one: known.get(one) or _by_kind(house, one, lang) for one in wanted}


def _by_kind(house: "House", label: str, lang: str) -> str:
    texts = house.texts
    kind, _, id_ = label.partition(":")
    if kind in ("job", "after"):
        key = f"job.{id_}.title"
        title = texts.get(key, lang) if texts.has(key) else id_
        return texts.get("console.actor.after", lang, job=title) if kind == "after" else title
    if kind in (Kind.SYSTEM, Kind.CLI, Kind.ANONYMOUS, "schedule"):
        return texts.get(f"console.actor.{kind}", lang)
    return label


def labels_called(house: "House", tx: Tx, labels: Sequence[str], wanted: str, lang: str) -> list[str]:
    """Those of the labels whose name holds all words of `wanted`, without regard to capitals and accents."""
    from praxisd.kernel.console import folded

    parts = folded(wanted).split()
    names = actor_names(house, tx, labels, lang)
    return [one for one in labels if all(part in folded(names[one]) for part in parts)]
