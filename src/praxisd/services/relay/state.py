"""How the relay stands, in the words of a reader: what the page, the commands and the checks are made of."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from praxisd.kernel.access import system
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.services.relay import identity, settings, words
from praxisd.services.relay.linking import Link, Snapshot
from praxisd.services.relay.room import room_of
from praxisd.services.relay.shapes import CertificateOut, LinkOut, Phase, RelayOut

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.services.relay.certificates import Held

_ORDER: tuple[Phase, ...] = ("up", "silent", "proving", "dialling", "resolving", "waiting", "refused")
"""Phases of links, the best first: that of the whole is the best one's."""

GOOD_S = 10
"""So old a look from outside may be to call us reachable. Seconds."""


class Now(NamedTuple):
    """All that is known at one moment. `code` is what is wrong, in the order of what must be healed first."""

    chosen: settings.Chosen
    who: identity.Facts | None
    snapshot: Snapshot
    node: str
    phase: Phase
    code: str | None


def now(house: "House") -> Now:
    """Read settings, identity and link."""
    with house.store.read(system("relay")) as tx:
        chosen, who = settings.chosen(house, tx), identity.facts(tx)
    snapshot, node = room_of(house).snapshot()
    phase = _phase(chosen, who, snapshot)
    return Now(chosen, who, snapshot, node, phase, _code(who, snapshot, phase))


def _reachable(snapshot: Snapshot, now: int) -> bool | None:
    """What the last look from outside says; that we are reachable it says for ten seconds only (SPEC 2.5)."""
    good = snapshot.reachable
    if good and snapshot.probe is not None and now - snapshot.probe.at > GOOD_S:
        return None
    return good


def _phase(chosen: settings.Chosen, who: identity.Facts | None, snapshot: Snapshot) -> Phase:
    if who is None:
        return "absent"
    if not chosen.enabled:
        return "off"
    there = {one.phase for one in snapshot.links}
    return next((one for one in _ORDER if one in there), "starting")


def _code(who: identity.Facts | None, snapshot: Snapshot, phase: Phase) -> str | None:
    if phase in ("off", "absent") or who is None:
        return None
    if snapshot.connected:
        return None if snapshot.probe is None else words.code_of(snapshot.probe.code)
    if who.state == identity.REVOKED:
        return "relay.revoked"
    told = (words.code_of(one.code) for one in sorted(snapshot.links, key=_rank))
    found = next((one for one in told if one is not None), None)
    if found is None and phase == "silent":
        return "relay.hub_silent"
    return found or ("relay.refused" if who.state == identity.REFUSED else None)


def _rank(one: Link) -> int:
    return _ORDER.index(one.phase) if one.phase in _ORDER else len(_ORDER)


def shown(house: "House", organization: str, lang: str) -> RelayOut:
    """The whole state for a reader of this practice."""
    with house.store.read(system("relay", organization)) as tx:
        zone = zone_of(zone_name(house, tx))

    def time(at: int | None) -> str | None:
        return None if at is None else format_rfc3339(at, zone)

    found = now(house)
    held = None if found.who is None else certificate(house)  # nobody is to be made one for who has no name
    who, snapshot = found.who, found.snapshot
    said = None if found.code is None else words.said(house.texts, found.code, lang, **params(found))
    shows = who is not None and bool(who.host)
    since = max((one.since for one in snapshot.links if one.phase == found.phase), default=None)
    return RelayOut(
        enabled=found.chosen.enabled,
        enrolled=who is not None,
        phase=found.phase,
        connected=snapshot.connected,
        reachable=None if found.phase in ("off", "absent") else _reachable(snapshot, house.clock.now()),
        since=time(since),
        node=found.node or None,
        id=who.id if who else None,
        hub=who.hubs[0].text if who and who.hubs else None,
        host=who.host if who and shows else None,
        url=public_url(who, found.chosen) if who and shows else None,
        previous=[one.host for one in who.previous] if who else [],
        pins=[] if held is None else [one for one in (held.spki, held.next_spki) if one],
        links=[_link(house, one, time, lang, found) for one in snapshot.links],
        probed_at=time(snapshot.probe.at) if snapshot.probe else None,
        code=found.code,
        title=said.title if said else None,
        cause=said.cause if said else None,
        solution=said.solution if said else None,
        certificate=None if held is None else _certificate(house, held, time, lang),
        console=found.chosen.console,
    )


def params(found: Now) -> dict[str, object]:
    """What fills the texts of a code."""
    who = found.who
    return {
        "hub": who.hubs[0].text if who and who.hubs else "–",
        "host": (who.host if who else "") or "–",
        "id": who.id if who else "–",
    }


def public_url(who: identity.Facts, chosen: settings.Chosen) -> str:
    """The address for access data: the practice's own name where it has one."""
    if not chosen.own_name:
        return who.url
    return f"https://{chosen.own_name}" if who.port == 443 else f"https://{chosen.own_name}:{who.port}"


def _link(house: "House", one: Link, time: Callable[[int | None], Any], lang: str, found: Now) -> LinkOut:
    code = words.code_of(one.code)
    return LinkOut(
        hub=one.hub,
        phase=one.phase,
        since=time(one.since),
        rtt_ms=one.rtt_ms,
        streams=one.streams,
        retry_at=time(one.retry_at),
        code=code,
        title=None if code is None else words.said(house.texts, code, lang, **params(found)).title,
    )


def certificate(house: "House") -> "Held | None":
    """The certificate in use, None while there is none; what is wrong with it the checks say."""
    from praxisd.services.relay import certificates

    try:
        return certificates.current(house)
    except Exception as error:
        house.log.warning("relay_certificate", error=error)
        return None


def _certificate(
    house: "House", held: "Held", time: Callable[[int | None], Any], lang: str
) -> CertificateOut:
    from praxisd.services.relay.checks import certificate_findings

    wrong = next(iter(certificate_findings(house)), None)
    return CertificateOut(
        source=held.source,
        not_after=time(held.not_after),
        names=list(held.names),
        chain=held.chain,
        spki=held.spki,
        next_spki=held.next_spki,
        code=None if wrong is None else wrong.code,
        title=None if wrong is None else house.texts.get(f"{wrong.code}.title", lang, **wrong.params),
    )
