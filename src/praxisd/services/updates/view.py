"""How updates stand, in the shapes of the operations: elements with their versions, orders, and what is new to a user."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from praxisd.kernel import job_store, sentences
from praxisd.kernel.access import system
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.services.updates import guarding, places, plugins, rules, settings, shapes, slots, store, words

if TYPE_CHECKING:
    from datetime import tzinfo

    from praxisd.kernel.access import Actor
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

JOB = "updates.download"
FINAL = ("kept", "rolled_back", "refused")
ASK_AGAIN_S = 1
"""How often a console asks how an order goes. Seconds."""
_SHOWN_AVAILABLE = 20


@dataclass(frozen=True)
class Installed:
    """Version in use of an element, the one before it, and the day the one in use was released."""

    version: str | None
    previous: str | None = None
    released: str | None = None


class View:
    """Rows in words: one language, one zone, one read."""

    def __init__(self, house: "House", tx: "Tx", actor: "Actor", lang: str) -> None:
        self._house, self._tx, self._lang = house, tx, lang
        self._zone: tzinfo = zone_of(zone_name(house, tx))
        self._guard = guarding.known(house)
        self._version = guarding.running_version(house)
        self._actor = actor
        with store.installation(tx):
            self._packages = store.packages(tx)
            self._elements = {one.element: one for one in store.elements(tx)}
            self._seen = store.seen(tx, actor.label)
        self._names = sentences.actor_names(house, tx, {p.actor for p in self._packages if p.actor}, lang)

    def at(self, seconds: int | None) -> str | None:
        """A time as RFC 3339."""
        return None if seconds is None else format_rfc3339(seconds, self._zone)

    def _title(self, element: str) -> str:
        row = self._elements.get(element)
        return element if row is None else str(row.title_de if self._lang.startswith("de") else row.title_en)

    def package(self, row: Any) -> shapes.PackageOut:
        """One version."""
        custom = json.loads(row.custom)
        notes = custom.get("notes") or {}
        requires = str((custom.get("requires") or {}).get("praxisd") or "")
        lang = "de" if self._lang.startswith("de") else "en"
        return shapes.PackageOut(
            id=row.id,
            element=row.element,
            kind=row.kind,
            title=self._title(row.element),
            version=row.version,
            state=row.state,
            installable=row.state in rules.INSTALLABLE
            and row.path is not None
            and rules.fits(requires, self._version)
            and (row.kind != "software" or self._guard.present),
            restart=row.kind != "data",
            size=row.size,
            released=row.released,
            notes=str(notes.get(lang) or notes.get("en") or ""),
            requires=requires,
            source=row.source,
            seen_at=self.at(row.seen_at) or "",
            downloaded_at=self.at(row.downloaded_at),
            installed_at=self.at(row.installed_at),
            by=None if row.actor is None else self._names.get(row.actor, row.actor),
            fault=self._fault(row),
            log=row.log,
        )

    def _fault(self, row: Any, **more: object) -> shapes.FaultOut | None:
        known = {"version": row.version or "–", "log": row.log or "–", **more, **json.loads(row.params)}
        return words.said(self._house.texts, row.reason, self._lang, **known)

    def installed(self, element: Any) -> Installed:
        """What is in use of an element."""
        released = {p.version: p.released for p in self._packages if p.element == element.element}
        if element.kind == "software":
            version, previous = self._version, self._guard.previous
            return Installed(version, previous, released.get(version))
        if element.kind == "data":
            held = slots.held(self._house.folder, element.element)
            if held is None:
                return Installed(None)
            return Installed(held.version, held.previous, held.released)
        placed = plugins.installed(self._house.folder, element.element)
        return Installed(placed, None, released.get(placed or ""))

    def element(self, row: Any) -> shapes.ElementOut:
        """One element with its versions."""
        held = self.installed(row)
        later = sorted(
            (p for p in self._packages if p.element == row.element and rules.newer(p.version, held.version)),
            key=lambda p: rules.rank(p.version),
            reverse=True,
        )
        waiting = next((p for p in later if p.state in ("waiting", "ordered")), None)
        today = datetime.fromtimestamp(self._tx.now, self._zone).date()
        return shapes.ElementOut(
            element=row.element,
            kind=row.kind,
            title=self._title(row.element),
            subscribed=bool(row.subscribed),
            installed=held.version,
            previous=held.previous,
            released=held.released,
            age_days=rules.age_days(held.released or "", today) if row.kind == "data" else None,
            waiting=None if waiting is None else self.package(waiting),
            available=[self.package(p) for p in later if p is not waiting][:_SHOWN_AVAILABLE],
        )

    def elements(self) -> list[shapes.ElementOut]:
        """All elements."""
        return [self.element(one) for one in self._elements.values()]

    def named(self, ids: Iterable[str]) -> list[shapes.PackageOut]:
        """The packages with these ids that are still known, in this order."""
        rows = {p.id: p for p in self._packages}
        return [self.package(rows[one]) for one in ids if one in rows]

    def news(self) -> list[shapes.PackageOut]:
        """Downloads that wait and whose notice this user has not seen."""
        return [self.package(p) for p in self._packages if p.state == "waiting" and p.id not in self._seen]

    def order(self, row: Any) -> shapes.OrderOut:
        """One order."""
        names = sentences.actor_names(self._house, self._tx, {row.actor}, self._lang)
        final = row.state in FINAL
        return shapes.OrderOut(
            id=row.id,
            kind=row.kind,
            state=row.state,
            final=final,
            step=row.step,
            packages=self.named(json.loads(row.packages)),
            version=row.version,
            at=self.at(row.at) or "",
            ended_at=self.at(row.ended_at),
            by=names.get(row.actor, row.actor),
            fault=self._fault(row),
            log=row.log,
            saved=row.saved,
            retry_after=0 if final else ASK_AGAIN_S,
        )

    def packages(self) -> list[shapes.PackageOut]:
        """All versions that were seen."""
        return [self.package(one) for one in self._packages]

    def history(
        self, element: str | None, offset: int, limit: int
    ) -> tuple[Sequence[shapes.PackageOut], bool]:
        """A page of all versions seen, the newest first, and whether more follow."""
        rows = [p for p in self._packages if element is None or p.element == element]
        rows.sort(key=lambda p: (p.changed_at, p.seen_at, p.id), reverse=True)
        return [self.package(p) for p in rows[offset : offset + limit]], len(rows) > offset + limit


def _download(tx: "Tx") -> shapes.DownloadOut | None:
    """The run of the job that is at work or about to be."""
    run = tx.first(job_store.OPEN_RUNS, job=JOB)
    if run is None:
        return None
    return shapes.DownloadOut(run=run.id, done=run.progress_done, total=run.progress_total)


def shown(house: "House", actor: "Actor", lang: str) -> shapes.UpdatesOut:
    """How updates stand, for one user."""
    with house.store.read(system("updates", actor.organization)) as tx:
        view = View(house, tx, actor, lang)
        chosen = settings.chosen(house, tx)
        with store.installation(tx):
            facts, open_ones, last = store.facts(tx), store.open_orders(tx), store.last_order(tx)
            download = _download(tx)
        guard = guarding.known(house)
        failed = facts.get("failed")
        return shapes.UpdatesOut(
            version=guarding.running_version(house),
            active=chosen.active,
            address=chosen.address,
            trusted=places.root(house) is not None,
            standing_order=chosen.standing,  # type: ignore[arg-type]
            looked_at=view.at(facts["looked"][1]) if "looked" in facts else None,
            known_at=view.at(facts["good"][1]) if "good" in facts else None,
            fault=None if failed is None else words.said(house.texts, failed[0], lang),
            guard=shapes.GuardOut(
                present=guard.present, state=guard.state, version=guard.version, previous=guard.previous
            ),
            download=download,
            elements=view.elements(),
            order=view.order(open_ones[0]) if open_ones else None,
            last_order=None if last is None else view.order(last),
            news=view.news(),
        )
