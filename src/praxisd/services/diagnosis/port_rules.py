"""What is to be tried for a port row, what was found, and what of it is an Issue. Pure.

Nothing is reported on a guess: a port that does not answer counts only where the service behind it is known to run
there, or where a person had it tried; rows about which the source itself leaves a question never count.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from praxisd.model.product import INTRANET
from praxisd.services.diagnosis.port_rows import (
    OWN,
    PortRow,
    ServiceHint,
    file_name,
    is_wild,
    numbers,
    place,
    plain,
    spans,
)

OPEN, CLOSED, FILTERED, WRONG = "open", "closed", "filtered", "wrong_answer"
LISTENING, NOT_LISTENING, TAKEN, UNDETERMINED = "listening", "not_listening", "taken", "undetermined"
STATES = (TAKEN, WRONG, FILTERED, CLOSED, NOT_LISTENING, OPEN, LISTENING, UNDETERMINED)
"""All states, the worst first."""
WHYS = (
    "wildcard", "udp", "not_asked", "no_address", "no_service", "no_role", "many", "name", "late", "denied",
    "certificate", "unreachable", "no_tls", "no_http", "local_only", "partly",
)  # fmt: skip
"""Why a state is undetermined, or what lies behind it."""
OUT, IN, LISTEN = "out", "in", "listen"
MOST = 16
"""Of a row with more ports only so many are tried at each target."""
PLAIN, TLS, TRUSTED, HTTP = "plain", "tls", "trusted", "http"
"""What must happen once a connection stands: nothing, a TLS handshake, one with a trusted certificate, an HTTP answer."""
CODES = {
    CLOSED: "diagnosis.port_closed",
    FILTERED: "diagnosis.port_filtered",
    WRONG: "diagnosis.port_wrong_answer",
    NOT_LISTENING: "diagnosis.port_not_listening",
    TAKEN: "diagnosis.port_taken",
}
_SYSTEM_PROGRAMS = frozenset({"", "system", "svchost.exe"})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One connection to try: for which row, where to, and how it must answer."""

    row: str
    host: str
    port: int
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was found for a row in one direction at one place. `at` epoch seconds, 0 for just now."""

    row: str
    direction: str
    host: str
    port: int | None
    state: str
    why: str = ""
    at: int = 0
    program: str = ""


@dataclass(frozen=True, slots=True)
class Listener:
    """A port that a program of this machine listens on. `program` is a file name, "" where it cannot be told."""

    protocol: str
    address: str
    port: int
    program: str = ""

    @property
    def local_only(self) -> bool:
        """True if nobody else can reach it."""
        return self.address.startswith("127.") or self.address == "::1"


@dataclass(frozen=True, slots=True)
class Running:
    """A service of the operating system, as far as rows want to know it."""

    name: str
    display: str
    program: str
    running: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row, for an Issue."""

    code: str
    subject: str
    params: Mapping[str, object]


def attempts(row: PortRow, external: bool) -> tuple[list[Attempt], list[Result]]:
    """What to try outward for a row, and what cannot be tried with the reason. `external`: the Internet too."""
    if not row.out:
        return [], []
    if row.protocol == "udp":
        return [], [_open_question(row, "udp")]
    tries: list[Attempt] = []
    rest: list[Result] = []
    if INTRANET in row.targets:
        for host in row.hosts:
            tries += [
                Attempt(row.id, host, port, TLS if _is_tls(row, port) else PLAIN)
                for port in numbers(row.ports, MOST)
            ]
    if not row.targets or (INTRANET in row.targets and not row.hosts):
        rest.append(_open_question(row, "no_address"))
    for target in row.targets:
        if target == INTRANET:
            continue
        found = place(target)
        if found is None:
            rest.append(_open_question(row, "wildcard" if is_wild(target) else "no_address", target))
        elif row.external and not external:
            rest.append(_open_question(row, "not_asked", found.host))
        else:
            tries += _at(row, found.host, found.port, found.scheme)
    if sum(high - low + 1 for low, high in spans(row.ports)) > MOST:
        rest.append(_open_question(row, "many"))
    return list(dict.fromkeys(tries)), rest


def _at(row: PortRow, host: str, port: int | None, scheme: str) -> Iterator[Attempt]:
    ports = numbers(row.ports, MOST)
    if port is not None:
        ports = [port]
    elif scheme == "https" and 443 in ports:
        ports = [443]
    elif scheme == "http" and 80 in ports:
        ports = [80]
    for one in ports:
        if scheme == "https" or _is_tls(row, one):
            yield Attempt(row.id, host, one, TRUSTED if row.external else TLS)
        else:
            yield Attempt(row.id, host, one, HTTP if scheme == "http" else PLAIN)


def _is_tls(row: PortRow, port: int) -> bool:
    return any(low <= port <= high for low, high in spans(row.tls))


def _open_question(row: PortRow, why: str, host: str = "", direction: str = OUT) -> Result:
    return Result(row=row.id, direction=direction, host=host, port=None, state=UNDETERMINED, why=why)


def inward(rows: Iterable[PortRow], listeners: Sequence[Listener] | None) -> list[Attempt]:
    """What a seat is to try at this machine: ports that rows want reached, and on which somebody listens. No host yet."""
    found = []
    for row in rows:
        if not row.serves_here or row.protocol != "tcp" or listeners is None:
            continue
        heard = {one.port for one in listeners if one.protocol == "tcp" and not one.local_only}
        for port in numbers(row.ports, MOST):
            if port in heard:
                how = TLS if _is_tls(row, port) else HTTP if row.source == OWN else PLAIN
                found.append(Attempt(row.id, "", port, how))
    return found


def hearing(
    row: PortRow, listeners: Sequence[Listener] | None, services: Sequence[Running] | None
) -> list[Result]:
    """Whether this machine listens for a row: one result for each port it listens on, else one that says why not."""
    if not row.in_ or not row.ports:
        return []
    if not row.serves_here and row.source != OWN:
        return [_open_question(row, "no_role" if row.internal else "not_asked", direction=LISTEN)]
    if listeners is None:
        return [_open_question(row, "denied", direction=LISTEN)]
    spanned = spans(row.ports)
    heard: dict[int, Listener] = {}
    for one in listeners:
        fits = one.protocol == row.protocol and any(low <= one.port <= high for low, high in spanned)
        if fits and (one.port not in heard or heard[one.port].local_only):
            heard[one.port] = one
    behind = service_of(row, services)
    if heard:
        found = [_heard(row, one, behind) for one in sorted(heard.values(), key=lambda one: one.port)[:MOST]]
        # Nobody knows whether the others must be open too: that is not a yes.
        silent = [port for port in numbers(row.ports, MOST) if port not in heard]
        rest = [replace(_open_question(row, "no_service", direction=LISTEN), port=port) for port in silent]
        return [*found, *rest]
    if behind is not None and behind.running:
        return [_heard_nothing(row, behind)]
    return [_open_question(row, "no_service", direction=LISTEN)]


def _heard(row: PortRow, one: Listener, behind: Running | None) -> Result:
    state, why = LISTENING, "local_only" if one.local_only and row.internal else ""
    if behind is not None and not behind.running and _stranger(one.program, behind):
        state = TAKEN  # a service that runs may let a program of another name answer for it
    return Result(
        row=row.id, direction=LISTEN, host="", port=one.port, state=state, why=why, program=one.program
    )  # fmt: skip


def _heard_nothing(row: PortRow, behind: Running) -> Result:
    return Result(
        row=row.id, direction=LISTEN, host="", port=None, state=NOT_LISTENING, program=behind.display or behind.name
    )  # fmt: skip


def _stranger(program: str, behind: Running) -> bool:
    """Is it certainly another program than the one of the service that stands still?"""
    own = file_name(behind.program)
    return program.lower() not in _SYSTEM_PROGRAMS and own != "" and program.lower() != own


def service_of(row: PortRow, services: Sequence[Running] | None) -> Running | None:
    """The service behind a row, as far as the machine's services are known; a running one before one that stands still."""
    fitting = [
        one
        for one in services or ()
        if plain(row.service) in (plain(one.name), plain(one.display)) or _hinted(row.services, one)
    ]
    return max(fitting, key=lambda one: one.running, default=None)


def _hinted(hints: Iterable[ServiceHint], one: Running) -> bool:
    program = file_name(one.program)
    return any(hint.program == program for hint in hints if hint.program)


def summary(results: Iterable[Result]) -> tuple[str, str]:
    """The state of a row by all that was found, the worst, and why. A direction is good only where all of it is."""
    found = list(results)
    worst = min(found, key=lambda one: STATES.index(one.state), default=None)
    if worst is None:
        return UNDETERMINED, "not_asked"
    if worst.state in (OPEN, LISTENING):
        good = {one.direction for one in found if one.state in (OPEN, LISTENING)}
        if any(one.state == UNDETERMINED and one.direction in good for one in found):
            return UNDETERMINED, "partly"
    return worst.state, worst.why


def faults(
    row: PortRow,
    results: Iterable[Result],
    services_at: Mapping[str, Sequence[Running] | None],
    since: int,
    here: str,
) -> Iterator[Fault]:
    """What of it is an Issue. `services_at`: the services of other machines by host; results before `since` (epoch seconds)
    are too old; `here`: how this machine is called.
    """
    if row.question is not None:
        return
    own = row.source == OWN
    found = list(results)
    hears = any(one.direction == LISTEN and one.state == LISTENING for one in found)
    for one in found:
        if one.state not in CODES or (one.at and one.at < since):
            continue
        if one.direction == OUT:
            behind = service_of(row, services_at.get(one.host))
            certain = behind is not None and behind.running
            # The Internet is tried only for a person; the relay and the updates have checks of their own.
            if own or not row.roles or not (certain or row.external):
                continue
        elif one.direction == IN and not hears:
            continue
        yield Fault(CODES[one.state], _subject(row, one), _params(row, one, here))


def _subject(row: PortRow, one: Result) -> str:
    return row.id if one.direction == LISTEN else f"{row.id}/{one.host}:{one.port}"


def _params(row: PortRow, one: Result, here: str) -> dict[str, object]:
    return {
        "service": row.service,
        "product": row.name,
        "protocol": row.protocol.upper(),
        "port": one.port if one.port is not None else ", ".join(row.ports),
        "from_host": one.host if one.direction == IN else here,
        "to_host": one.host if one.direction == OUT else here,
        "program": one.program,
    }
