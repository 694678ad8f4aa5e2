"""Port rows: what is tried for each, what a machine must listen on, and what of it is an Issue."""

from dataclasses import replace
from datetime import date

import pytest

from praxisd.model.product import INTRANET, Port, Product, ServiceProgram, Source
from praxisd.model.requirement import Words
from praxisd.services.diagnosis import port_rules as rules
from praxisd.services.diagnosis.port_rows import (
    OWN,
    Place,
    PortRow,
    Use,
    is_wild,
    numbers,
    place,
    product_rows,
    spans,
)
from praxisd.services.diagnosis.port_rules import Attempt, Listener, Result, Running

ROW = PortRow(
    id="x/db", source="x", name="X", service="DeService", protocol="tcp", ports=("8731", "8732"),
    in_=True, out=True, internal=True, targets=(INTRANET,), roles=frozenset({"server"}), hosts=("srv",),
)  # fmt: skip
WEB = PortRow(
    id="x/web", source="x", name="X", service="VOS", protocol="tcp", ports=("80", "443"), tls=("443",),
    out=True, external=True, roles=frozenset({"workstation"}),
    targets=("https://*.example.org", "https://a.example.org/x", "http://b.example.org", "c.example.org", "Regionale KV"),
)  # fmt: skip
RUNS = Running("DeService", "DeService", r"C:\docexpert\deservice.exe", True)
STANDS = replace(RUNS, running=False)


def _out(row: PortRow, state: str, host: str = "srv", at: int = 100) -> Result:
    return Result(row=row.id, direction=rules.OUT, host=host, port=8731, state=state, at=at)


def _faults(row: PortRow, found: list[Result], **services: list[Running]) -> list[str]:
    return [one.code for one in rules.faults(row, found, services, since=50, here="pc")]


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("https://a.example.org:8443/x", Place("a.example.org", 8443, "https")),
        ("142.132.168.42", Place("142.132.168.42")),
        ("fe80::1", Place("fe80::1")),
        ("mail.onlinemed.de", Place("mail.onlinemed.de")),
        (INTRANET, None),
        ("*.medatixx.app", None),
        ("Regionale KV", None),
        ("https:// < IP-Adresse >:8500/management", None),
        ("https://user@host", None),
        ("a'; rm -rf /", None),
        ("host:99999", None),
    ],
)
def test_targets_are_read_as_places_or_not_at_all(target: str, found: Place | None) -> None:
    assert place(target) == found
    assert is_wild(target) == ("*" in target)


def test_spans_and_single_ports() -> None:
    assert spans(["137", "9350-9354", "0", "70000", "9-3"]) == [(137, 137), (9350, 9354)]
    assert numbers(["5", "13333-14333"], 4) == [5, 13333, 13334, 13335]
    assert numbers(["7-7", "9"], 4) == [7, 9]


def test_rows_of_a_product_know_the_roles_hosts_and_services_of_its_software() -> None:
    port = Port(id="db", service="De-Service", protocol="tcp", ports=("8731",), in_=True, internal=True)
    program = ServiceProgram(name="DeService", program=r"C:\docexpert\DeService.exe")
    source = Source(title="Portliste", version="3.4", stand=date(2023, 8, 4))
    product = Product(
        id="x", name="X", vendor="V", source=source, ports=(port,), services=(program,)
    )  # fmt: skip
    uses = [
        Use("x", "server", ""),
        Use("x", None, "alt"),
        Use("x", "workstation", "alt"),
        Use("gone", None, ""),
    ]
    (row,) = product_rows({"x": product}, uses)
    assert (row.id, row.roles, row.hosts) == ("x/db", {"server", "workstation"}, ("alt",))
    assert rules.service_of(row, [Running("svc1", "", r"D:\deservice.exe", True)]) is not None
    assert row.serves_here and not replace(row, roles=frozenset({"workstation"})).serves_here


def test_inside_the_practice_the_hosts_are_tried_and_outside_only_when_asked() -> None:
    assert rules.attempts(ROW, external=False) == (
        [Attempt("x/db", "srv", 8731, rules.PLAIN), Attempt("x/db", "srv", 8732, rules.PLAIN)],
        [],
    )
    tries, rest = rules.attempts(WEB, external=False)
    assert tries == []
    assert [(one.why, one.host) for one in rest] == [
        ("wildcard", "https://*.example.org"),
        ("not_asked", "a.example.org"),
        ("not_asked", "b.example.org"),
        ("not_asked", "c.example.org"),
        ("no_address", "Regionale KV"),
    ]
    tries, rest = rules.attempts(WEB, external=True)
    assert [(one.host, one.port, one.how) for one in tries] == [
        ("a.example.org", 443, rules.TRUSTED),
        ("b.example.org", 80, rules.HTTP),
        ("c.example.org", 80, rules.PLAIN),
        ("c.example.org", 443, rules.TRUSTED),
    ]
    assert [one.why for one in rest] == ["wildcard", "no_address"]


def test_what_cannot_be_tried_says_why() -> None:
    assert [one.why for one in rules.attempts(replace(ROW, protocol="udp"), False)[1]] == ["udp"]
    assert [one.why for one in rules.attempts(replace(ROW, hosts=()), False)[1]] == ["no_address"]
    elsewhere = replace(ROW, targets=())  # such as the Konnektor, whose address only the practice knows
    assert [one.why for one in rules.attempts(elsewhere, False)[1]] == ["no_address"]
    assert rules.attempts(elsewhere, False)[0] == []
    assert rules.attempts(replace(ROW, out=False), True) == ([], [])
    tries, rest = rules.attempts(replace(ROW, ports=("1000-2000",)), False)
    assert (len(tries), [one.why for one in rest]) == (rules.MOST, ["many"])


@pytest.mark.parametrize(
    ("listeners", "services", "state", "why"),
    [
        ([Listener("tcp", "0.0.0.0", 8731, "deservice.exe")], [RUNS], rules.LISTENING, ""),
        ([Listener("tcp", "127.0.0.1", 8731)], [RUNS], rules.LISTENING, "local_only"),
        ([Listener("udp", "0.0.0.0", 8731)], [RUNS], rules.NOT_LISTENING, ""),
        ([], [RUNS], rules.NOT_LISTENING, ""),
        ([], [STANDS], rules.UNDETERMINED, "no_service"),
        ([], [], rules.UNDETERMINED, "no_service"),
        ([], None, rules.UNDETERMINED, "no_service"),
        (None, [RUNS], rules.UNDETERMINED, "denied"),
        ([Listener("tcp", "::", 8732, "foreign.exe")], [STANDS], rules.TAKEN, ""),
        ([Listener("tcp", "::", 8732, "svchost.exe")], [STANDS], rules.LISTENING, ""),
        ([Listener("tcp", "::", 8732, "")], [STANDS], rules.LISTENING, ""),
    ],
)
def test_listening_is_judged_only_by_what_is_known(
    listeners: list[Listener] | None, services: list[Running] | None, state: str, why: str
) -> None:
    found, *others = rules.hearing(ROW, listeners, services)
    assert (found.state, found.why) == (state, why)
    assert [(one.state, one.why) for one in others] == (
        [(rules.UNDETERMINED, "no_service")] if found.port else []
    )


def test_a_workstation_need_not_listen_for_what_its_server_does() -> None:
    (found,) = rules.hearing(replace(ROW, roles=frozenset({"workstation"})), [], [RUNS])
    assert (found.state, found.why) == (rules.UNDETERMINED, "no_role")
    assert rules.hearing(replace(ROW, in_=False), [], [RUNS]) == []


@pytest.mark.parametrize("state", [rules.CLOSED, rules.FILTERED, rules.WRONG])
def test_outward_is_an_issue_only_where_the_service_is_known_to_run(state: str) -> None:
    assert _faults(ROW, [_out(ROW, state)], srv=[RUNS]) == [f"diagnosis.port_{state}"]
    assert _faults(ROW, [_out(ROW, state)], srv=[STANDS]) == []
    assert _faults(ROW, [_out(ROW, state)]) == []
    assert _faults(ROW, [_out(ROW, state, at=49)], srv=[RUNS]) == []
    assert _faults(replace(ROW, roles=frozenset()), [_out(ROW, state)], srv=[RUNS]) == []
    asked = replace(ROW, question=Words(de="Stimmt das?", en="Is it so?"))
    assert _faults(asked, [_out(asked, state)], srv=[RUNS]) == []


def test_the_internet_counts_once_a_person_had_it_tried() -> None:
    (fault,) = rules.faults(WEB, [_out(WEB, rules.FILTERED, "a.example.org")], {}, 50, "pc")
    assert (fault.code, fault.subject) == ("diagnosis.port_filtered", "x/web/a.example.org:8731")
    assert (fault.params["from_host"], fault.params["to_host"]) == ("pc", "a.example.org")
    relay = replace(WEB, source=OWN)
    assert _faults(relay, [_out(relay, rules.FILTERED)]) == []


def test_a_seat_that_does_not_get_through_counts_while_somebody_listens() -> None:
    seat = Result(row=ROW.id, direction=rules.IN, host="seat1", port=8731, state=rules.FILTERED, at=100)
    hears = Result(row=ROW.id, direction=rules.LISTEN, host="", port=8731, state=rules.LISTENING)
    assert _faults(ROW, [seat, hears]) == ["diagnosis.port_filtered"]
    assert _faults(ROW, [seat]) == []
    (fault,) = rules.faults(ROW, [hears, seat], {}, 50, "pc")
    assert (fault.params["from_host"], fault.params["to_host"]) == ("seat1", "pc")


def test_what_stands_still_or_is_taken_here() -> None:
    assert _faults(ROW, rules.hearing(ROW, [], [RUNS])) == ["diagnosis.port_not_listening"]
    taken = rules.hearing(ROW, [Listener("tcp", "::", 8731, "foreign.exe")], [STANDS])
    assert _faults(ROW, taken) == ["diagnosis.port_taken"]


def test_seats_are_asked_only_for_what_listens_for_them() -> None:
    heard = [Listener("tcp", "0.0.0.0", 8731), Listener("tcp", "127.0.0.1", 8732)]
    own = replace(ROW, id="praxisd/door", source=OWN, roles=frozenset(), ports=("8731",))
    rows = [ROW, own, replace(ROW, protocol="udp"), replace(ROW, roles=frozenset())]
    assert rules.inward(rows, heard) == [
        Attempt("x/db", "", 8731, rules.PLAIN),
        Attempt("praxisd/door", "", 8731, rules.HTTP),
    ]
    assert rules.inward(rows, None) == []


def test_the_worst_of_several_results_is_the_state_of_a_row() -> None:
    found = [_out(ROW, state) for state in (rules.OPEN, rules.UNDETERMINED, rules.CLOSED)]
    assert rules.summary(found)[0] == rules.CLOSED
    assert rules.summary(found[:2]) == (rules.UNDETERMINED, "partly")
    assert rules.summary([found[0], replace(found[1], direction=rules.LISTEN)])[0] == rules.OPEN
    assert rules.summary([]) == (rules.UNDETERMINED, "not_asked")
