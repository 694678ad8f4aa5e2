"""REST operations on ports: what should listen and reach, what was found, trying it, and the list as files.

Ports belong to the installation; a seat (`diagnosis.port.knock`) helps by trying this machine from where it stands.
"""

from functools import partial

from praxisd.kernel import events
from praxisd.kernel.access import system
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.kernel.listings import CSV
from praxisd.kernel.paper import PDF
from praxisd.kernel.service import Call, EventType, Permission, Raw, Retention, Route
from praxisd.kernel.store import Tx
from praxisd.services.diagnosis import port_checks, port_making, port_store, port_view, port_words
from praxisd.services.diagnosis.machine import own_host
from praxisd.services.diagnosis.port_rules import IN, OUT, Result
from praxisd.services.diagnosis.port_shapes import (
    KnockedAllIn,
    KnockedOut,
    KnockOut,
    KnocksOut,
    PortsOut,
    PortsQuery,
    PortsTestIn,
)

READ, TEST, KNOCK = "diagnosis.port.read", "diagnosis.port.test", "diagnosis.port.knock"
MOST_KNOCKED = 5_000
"""So many results of seats are kept; a practice has fewer."""
_TAGS = ("diagnosis",)


def list_ports(call: Call) -> PortsOut:
    """The port list with what was found

    Rows of the practice's software and of praxisd itself. Whether this machine listens is looked at now; connections
    outward are those of the last test. What nobody could tell is `undetermined`, with the reason.
    """
    query: PortsQuery = call.query
    return _shown(call, query.source)


def _shown(call: Call, source: str | None) -> PortsOut:
    known = port_view.seen(call.house, port_view.rows(call.house, call.lang, call.actor.organization, source))
    tested = max((one.at for _, found in known for one in found if one.direction == OUT), default=0)
    return PortsOut(
        host=own_host(),
        tested_at=format_rfc3339(tested) if tested else None,
        rows=tuple(port_words.row_out(call.house, row, found, call.lang) for row, found in known),
    )


def test_ports(call: Call) -> PortsOut:
    """Try the ports now

    Connects from this machine to what the rows want reached inside the practice; with `external` also to the makers'
    servers, who see then that this address called. Takes at most 20 seconds.
    """
    body: PortsTestIn = call.body
    rows = port_view.rows(call.house, call.lang, call.actor.organization, body.source)
    count = port_view.test(call.house, rows, body.external)
    call.house.store.run(
        call.actor,
        lambda tx: events.note(
            tx, "port.tested", "Port", body.source or "all", external=body.external, count=count
        ),
    )
    port_checks.judge(call.house)
    return _shown(call, body.source)


def list_knocks(call: Call) -> KnocksOut:
    """What a seat is to try

    TCP ports of this machine that rows want reached and on which somebody listens. `how` says what must happen once the
    connection stands: nothing (`plain`), a TLS handshake (`tls`), an answer in HTTP (`http`).
    """
    asked = port_view.inward(call.house, port_view.rows(call.house, call.lang, call.actor.organization))
    return KnocksOut(
        host=own_host(),
        knocks=tuple(KnockOut(one.row, one.port, one.how) for one in asked),  # type: ignore[arg-type]
    )


def take_knocks(call: Call) -> KnockedOut:
    """What a seat found

    In place of what it found there before. Only ports of the list given to seats are taken.
    """
    body: KnockedAllIn = call.body
    asked = port_view.inward(call.house, port_view.rows(call.house, call.lang, call.actor.organization))
    known = {(one.row, one.port) for one in asked}
    if any((one.row, one.port) not in known for one in body.results):
        raise Problem("diagnosis.port_not_asked", 422)
    found = [
        Result(row=one.row, direction=IN, host=body.seat.lower(), port=one.port, state=one.state, why=one.why)
        for one in body.results
    ]

    def write(tx: Tx) -> None:
        if port_store.count(tx, IN) + len(found) > MOST_KNOCKED:
            raise Problem("diagnosis.ports_full", 409, most=MOST_KNOCKED)
        port_store.keep(tx, found)

    call.house.store.run(system("diagnosis"), write)
    port_checks.judge(call.house)
    return KnockedOut(len(found))


def download(file: str, call: Call) -> Raw:
    """The port list as a file."""
    query: PortsQuery = call.query
    data, media, name = port_making.made(call.house, call.actor, file, call.lang, query.source)
    shown = "inline" if file.endswith(".pdf") else "attachment"
    return Raw(data, media, headers={"Content-Disposition": f'{shown}; filename="{name}"'})


def _download(path: str, name: str, file: str, media: str, doc: str) -> Route:
    call = partial(download, file)
    call.__doc__ = doc
    return Route(
        "GET", path, name, call, READ, query=PortsQuery, media_type=media, safe=True, tags=_TAGS,
        problems=((404, "http.not_found"),),
    )  # fmt: skip


_TEXT = "text/plain; charset=utf-8"
_RULES = "For this machine, by the port list of the practice. Read it before you use it."
ROUTES = (
    Route(
        "GET", "/ports", "ports.list", list_ports, READ, PortsOut, query=PortsQuery, safe=True, tags=_TAGS,
        problems=((404, "http.not_found"),),
    ),
    Route(
        "POST", "/ports/test", "ports.test", test_ports, TEST, PortsOut, body=PortsTestIn, transaction=False,
        problems=((404, "http.not_found"), (409, port_view.BUSY)), tags=_TAGS,
    ),
    Route("GET", "/ports/inward", "ports.inward", list_knocks, KNOCK, KnocksOut, tags=_TAGS),
    Route(
        "POST", "/ports/inward", "ports.knocked", take_knocks, KNOCK, KnockedOut, body=KnockedAllIn,
        transaction=False, problems=((409, "diagnosis.ports_full"), (422, "diagnosis.port_not_asked")), tags=_TAGS,
    ),
    _download(
        "/ports/sheet.pdf", "ports.sheet", "sheet.pdf", PDF,
        "The port list on paper\n\nA sheet for whoever sets up the firewall: hosts, addresses, programs, exceptions.",
    ),
    _download(
        "/ports/sheet.csv", "ports.table", "sheet.csv", CSV,
        "The port list as CSV\n\nFor spreadsheets: UTF-8 with BOM, semicolons; with the state of each row.",
    ),
    _download(
        "/ports/rules/windows.ps1", "ports.rulesWindows", "windows.ps1", _TEXT,
        f"Rules for the Windows firewall\n\nA PowerShell script. {_RULES}",
    ),
    _download(
        "/ports/rules/nftables.nft", "ports.rulesNftables", "nftables.nft", _TEXT,
        f"Rules for nftables\n\nTwo chains for `nft -f`. {_RULES}",
    ),
    _download(
        "/ports/rules/ufw.sh", "ports.rulesUfw", "ufw.sh", _TEXT, f"Rules for ufw\n\nA shell script. {_RULES}"
    ),
)  # fmt: skip
EVENTS = (EventType("port.tested", Retention.ACTIVITY),)
PERMISSIONS = (
    Permission(READ, ("owner", "partner", "desk"), shared=True),
    Permission(TEST, ("owner", "partner"), shared=True),
    Permission(KNOCK, ("owner", "partner", "pvs"), shared=True),
)
PROBLEMS = ("diagnosis.knock_address", "diagnosis.knock_refused", "diagnosis.knock_unreachable")
