"""The ports of this practice put together: rows, what was found for each, and trying them."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.errors import Problem, not_found
from praxisd.services.diagnosis import machine, port_rules, port_store
from praxisd.services.diagnosis.machine_shapes import MachineFacts
from praxisd.services.diagnosis.port_listening import listeners
from praxisd.services.diagnosis.port_own import own_ports
from praxisd.services.diagnosis.port_rows import OWN, PortRow, Use, product_rows
from praxisd.services.diagnosis.port_rules import IN, OUT, Attempt, Listener, Result, Running
from praxisd.services.diagnosis.port_trying import try_all
from praxisd.services.diagnosis.product_reading import products
from praxisd.services.diagnosis.software_store import software

if TYPE_CHECKING:
    from praxisd.kernel.app import House

BUSY = "diagnosis.ports_busy"
TOTAL_S = 20.0
"""A whole test takes no longer; what was not tried by then is undetermined."""
FRESH_S = 7 * 86_400
"""So long a result may be the reason of an Issue. Seconds."""
Seen = list[tuple[PortRow, list[Result]]]
_MAKING = threading.Lock()


def rows(
    house: "House", lang: str, organization: str = INSTALLATION, source: str | None = None
) -> list[PortRow]:
    """The rows of the practice's software and our own; or of one `source` only: a product, used or not, or `praxisd`.

    Problem `http.not_found` for a source that nobody knows.
    """
    if source == OWN:
        return own_ports(house, lang, organization)
    known = products(house)
    with house.store.read(system("diagnosis")) as tx:
        used = [machine.seen_from_here(house, one) for one in software(tx)]
    uses = [Use(one.product, one.role, elsewhere(one.host)) for one in used]
    if source is None:
        return [*product_rows(known, uses), *own_ports(house, lang, organization)]
    if source not in known:
        raise not_found("Product")
    return product_rows(known, [one for one in uses if one.product == source] or [Use(source, None, "")])


def elsewhere(host: str) -> str:
    """The host, or nothing where it is this machine."""
    plain = host.strip().lower()
    here = plain in ("", "localhost", "127.0.0.1", "::1") or plain.split(".")[0] == machine.own_host()
    return "" if here else host.strip()


def seen(house: "House", asked: Sequence[PortRow]) -> Seen:
    """The rows with all that is known of each now: whether this machine listens, and what was tried and found."""
    heard = listeners()
    # Measuring the machine may take seconds: only where a row asks for what runs here.
    wanted = any(row.serves_here and row.source != OWN for row in asked)
    services = _running(machine.facts(house)) if wanted else None
    with house.store.read(system("diagnosis")) as tx:
        kept = port_store.results(tx)
    by_row: dict[str, list[Result]] = {}
    for one in kept:
        by_row.setdefault(one.row, []).append(one)
    return [(row, _of(row, by_row.get(row.id, []), heard, services)) for row in asked]


def _of(
    row: PortRow,
    kept: Sequence[Result],
    heard: Sequence[Listener] | None,
    services: Sequence[Running] | None,
) -> list[Result]:
    tries, rest = port_rules.attempts(row, external=True)
    tried = {(one.host, one.port): one for one in kept if one.direction == OUT}
    found = port_rules.hearing(row, heard, services)
    for attempt in tries:
        known = tried.get((attempt.host, attempt.port))
        found.append(known or _untried(attempt))
    inward = [one for one in kept if one.direction == IN] if row.serves_here else []
    return [*found, *rest, *inward]


def _untried(attempt: Attempt) -> Result:
    return Result(
        row=attempt.row,
        direction=OUT,
        host=attempt.host,
        port=attempt.port,
        state=port_rules.UNDETERMINED,
        why="not_asked",
    )


def test(house: "House", asked: Sequence[PortRow], external: bool) -> int:
    """Try all that the rows want reached from here, `external`: in the Internet too, and keep what was found.

    Answers how many connections were tried. Problem `diagnosis.ports_busy` while another test runs.
    """
    with _MAKING:
        lock: threading.Lock = house.shared.setdefault("diagnosis.ports", threading.Lock())
    if not lock.acquire(blocking=False):
        raise Problem(BUSY, 409, retry=True)
    try:
        tries = [one for row in asked for one in port_rules.attempts(row, external)[0]]
        ends = list(dict.fromkeys(replace(one, row="") for one in tries))
        found = dict(zip(ends, try_all(ends, TOTAL_S, lambda: house.stopping), strict=True))
        results = []
        for one in tries:
            state, why = found[replace(one, row="")]
            results.append(
                Result(row=one.row, direction=OUT, host=one.host, port=one.port, state=state, why=why)
            )
        if results and not house.stopping:
            house.store.run(system("diagnosis"), lambda tx: port_store.keep(tx, results))
        return len(tries)
    finally:
        lock.release()


def faults(house: "House", known: Seen) -> list[port_rules.Fault]:
    """What of all that is an Issue."""
    hosts = {one.host for _, results in known for one in results if one.direction == OUT}
    wanted = {host for row, _ in known for host in row.hosts if host in hosts}
    services: Mapping[str, Sequence[Running] | None] = {
        host: _running(machine.facts(house, host)) for host in wanted
    }
    since = house.clock.now() - FRESH_S
    here = machine.own_host()
    return [
        fault for row, results in known for fault in port_rules.faults(row, results, services, since, here)
    ]


def inward(house: "House", asked: Sequence[PortRow]) -> list[Attempt]:
    """What a seat may try at this machine."""
    return port_rules.inward(asked, listeners())


def _running(facts: MachineFacts | None) -> list[Running] | None:
    if facts is None or facts.services.value is None:
        return None
    return [
        Running(one.name, one.display, one.program, one.state == "running") for one in facts.services.value
    ]
