"""`praxisd import`: FHIR Bundles and single resources from outside, in the order in which they need each other.

Every resource is stored whole or not at all, at most 100 of a file in one transaction; one that cannot be stored is
reported with its place and the others go on. The same file again changes nothing.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from praxisd.kernel import control, events
from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Operation
from praxisd.kernel.store import Tx
from praxisd.kernel.texts import Texts
from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_primitives import valid_id
from praxisd.model.fhir_shapes import dump_json, load_json
from praxisd.model.fhir_validation import check
from praxisd.model.fhir_xml_reading import bundle_entries
from praxisd.services.calendar import importing_records, store
from praxisd.services.calendar.importing_ids import Stored
from praxisd.services.calendar.importing_records import ORDER
from praxisd.services.calendar.view import touch

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Dict = dict[str, Any]
CHUNK = 100
_LANGUAGES = ("de", "en")
IMPORTED = "data.imported"
_SUBJECT = "Import"


@dataclass
class Item:
    """One resource of a file: where it stands, what else it is called by, and what became of it."""

    file: int
    place: str
    resource: Dict
    names: tuple[str, ...]

    @property
    def label(self) -> str:
        """`Schedule/abc`."""
        return f"{self.resource['resourceType']}/{self.resource['id']}"


@dataclass
class Report:
    """What an import did; lines name resources and codes, never what stands in them."""

    counts: Counter[str] = field(default_factory=Counter)
    replaced: list[Dict] = field(default_factory=list)
    warnings: list[Dict] = field(default_factory=list)
    errors: list[Dict] = field(default_factory=list)

    def fault(self, file: int, where: str, error: Problem | FhirError) -> None:
        """A resource that was not stored."""
        if isinstance(error, FhirError):
            entry: Dict = {"code": error.code, "path": error.path, "detail": error.diagnostics}
            params: Dict = {}
        else:
            entry = {"code": error.code, "detail": error.detail}
            params = {k: str(v) for k, v in error.params.items()}
        shown = {k: v for k, v in entry.items() if v}
        self.errors.append({"file": file, "resource": where, **shown, "params": params})

    def answer(self, texts: Texts, lang: str) -> Dict:
        """The report as plain values, with sentences in both languages and lines in one."""
        for one in (*self.warnings, *self.errors):
            params = one.pop("params", {})
            key = f"{one['code']}.title"
            one["text"] = {each: texts.get(key, each, **params) for each in _LANGUAGES if texts.has(key)}
        numbers = {name: self.counts[name] for name in ("created", "updated", "unchanged")}
        summary = {**numbers, "warnings": len(self.warnings), "errors": len(self.errors)}
        lines = [texts.get("calendar.import.summary", lang, **summary)]
        for one in self.replaced:
            lines.append(texts.get("calendar.import.replaced", lang, **one))
        for one in (*self.warnings, *self.errors):
            where = f"{one['resource']} {one.get('path', '')}".strip()
            lines.append(f"{where}: {one['text'].get(lang, one['code'])} ({one['code']})")
        return {
            **numbers,
            "replacedIds": self.replaced,
            "warnings": self.warnings,
            "errors": self.errors,
            "lines": lines,
        }


def import_bundle(house: "House", args: Dict) -> Dict:
    """`files`: texts of Bundles or resources, JSON or XML; `release`: switch what comes on for portals too."""
    files = args.get("files")
    if not isinstance(files, list) or not all(isinstance(one, str) for one in files):
        raise Problem("control.bad_arguments", 400)
    actor = control.actor(house, args)
    lang = "en" if args.get("lang") == "en" else "de"
    report = import_files(house, actor, files, release=args.get("release") is True)
    created, updated = report.counts["created"], report.counts["updated"]
    if created or updated:
        house.store.run(
            actor,
            lambda tx: events.note(
                tx, IMPORTED, _SUBJECT, tx.organization, files=len(files), created=created, updated=updated
            ),
        )
    return report.answer(house.texts, lang)


def imported_before(tx: Tx) -> bool:
    """True if Bundles have brought anything into the transaction's practice."""
    return bool(events.about(tx, _SUBJECT, tx.organization, limit=1))


def import_files(house: "House", actor: Actor, files: list[str], *, release: bool = False) -> Report:
    """Import all files one after another."""
    report = Report()
    for number, text in enumerate(files):
        try:
            items = list(_items(number, text, report))
        except FhirError as error:
            report.fault(number, f"#{number}", error)
            continue
        items.sort(key=lambda item: ORDER.index(item.resource["resourceType"]))
        known: dict[str, str] = {}
        for start in range(0, len(items), CHUNK):
            _chunk(house, actor, items[start : start + CHUNK], known, release, report)
    return report


def _items(file: int, text: str, report: Report) -> Iterator[Item]:
    """The resources of a file, checked one by one; faults go into the report."""
    for number, (url, resource) in enumerate(_entries(text.lstrip("\ufeff"))):
        place = f"#{number}"
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        try:
            if isinstance(resource, FhirError):
                raise resource
            check(resource)
            if kind not in ORDER:
                raise Problem("calendar.import_type", 422, kind=str(kind))
        except (FhirError, Problem) as error:
            label = f"{kind}/{resource.get('id', '?')}" if isinstance(resource, dict) else ""
            report.fault(file, f"{place} {label}".strip(), error)
            continue
        yield _named(file, place, resource, url)


def _entries(text: str) -> Iterator[tuple[str | None, Any]]:
    """(fullUrl, resource, unchecked) of a Bundle's entries, or of the one resource a file is. Raises FhirError."""
    if text.lstrip().startswith("<"):
        yield from bundle_entries(text.encode())
        return
    try:
        found = load_json(text)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise FhirError("fhir.syntax", "", "the file is not valid JSON") from error
    if not isinstance(found, dict):
        raise FhirError("fhir.invalid", "", "a resource is a JSON object")
    if found.get("resourceType") != "Bundle":
        yield None, found
        return
    entries = found.get("entry", [])
    if not isinstance(entries, list):
        raise FhirError("fhir.invalid", "Bundle.entry", "expected an array")
    for entry in entries:
        url = entry.get("fullUrl") if isinstance(entry, dict) else None
        resource = entry.get("resource") if isinstance(entry, dict) else None
        yield (url if isinstance(url, str) else None), resource


def _named(file: int, place: str, resource: Dict, url: str | None) -> Item:
    """A resource without an id takes that of its address, else one made from its content: the same each time."""
    id_ = resource.get("id")
    if id_ is None:
        last = (url or "").replace(":", "/").rpartition("/")[2]
        id_ = last if valid_id(last) else hashlib.blake2b(dump_json(resource), digest_size=16).hexdigest()
    names = (f"{resource['resourceType']}/{id_}", *([url] if url else []))
    return Item(file, place, {**resource, "id": id_}, names)


def _chunk(
    house: "House", actor: Actor, items: list[Item], known: dict[str, str], release: bool, report: Report
) -> None:
    """Store a chunk in one transaction; a resource that fails is left out and the rest tried again, from the start."""
    left = list(items)
    while left:
        failed: list[tuple[Item, Problem | FhirError]] = []

        def work(
            tx: Tx, left: list[Item] = left, failed: Any = failed
        ) -> tuple[dict[str, str], list[Stored]]:
            failed.clear()
            return _store(house, tx, left, dict(known), release, failed)

        try:
            fresh, done = house.store.run(actor, work)
        except (Problem, FhirError) as error:
            if not failed:
                raise
            item = failed[0][0]
            _refused(item, error, report, known)
            left = [one for one in left if one is not item]
            continue
        known.update(fresh)
        for item, stored in zip(left, done, strict=True):
            _note(item, stored, report)
        return


def _store(
    house: "House", tx: Tx, items: list[Item], known: dict[str, str], release: bool, failed: list[Any]
) -> tuple[dict[str, str], list[Stored]]:
    store.line_up(tx, store.revisions(tx))
    done = []
    for item in items:
        try:
            stored = importing_records.put(house, tx, _resolved(item.resource, known), release)
        except (Problem, FhirError) as error:
            failed.append((item, error))
            raise
        known.update(dict.fromkeys(item.names, f"{item.resource['resourceType']}/{stored.id}"))
        done.append(stored)
    if any(one.opens for one in done):
        touch(house, tx)
    return known, done


def _refused(item: Item, error: Problem | FhirError, report: Report, known: dict[str, str]) -> None:
    if isinstance(error, Problem) and error.code == "calendar.import_differs":
        # The record that is there stays; what refers to it still finds it.
        known.update(dict.fromkeys(item.names, item.label))
        warning = {"file": item.file, "resource": item.label, "code": error.code, "params": {}}
        report.warnings.append(warning)
        return
    report.fault(item.file, f"{item.place} {item.label}".strip(), error)


def _note(item: Item, stored: Stored, report: Report) -> None:
    report.counts[stored.outcome] += 1
    if stored.replaced:
        kind, old = item.label.split("/", 1)
        report.replaced.append({"type": kind, "from": old, "to": stored.id})
    for code in stored.warnings:
        params = {"kind": item.resource["resourceType"]}
        report.warnings.append({"file": item.file, "resource": item.label, "code": code, "params": params})


def _resolved(value: Any, known: dict[str, str]) -> Any:
    """The resource with references to resources of this file turned to the ids they have here."""
    if isinstance(value, dict):
        out = {name: _resolved(one, known) for name, one in value.items()}
        reference = out.get("reference")
        if isinstance(reference, str) and reference in known:
            out["reference"] = known[reference]
        return out
    return [_resolved(one, known) for one in value] if isinstance(value, list) else value


OPERATIONS = (Operation("calendar.import_bundle", import_bundle, offline=True),)
PROBLEMS = (
    "calendar.import_conflict",
    "calendar.import_differs",
    "calendar.import_no_column",
    "calendar.import_type",
    "calendar.import_unresolved",
)
