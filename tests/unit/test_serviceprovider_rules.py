"""Rules of the ServiceProvider alone: connection strings, versions, names, and that what was not seen is not judged."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.services.serviceprovider import ini, looking, rules, seen, unseen_rules, words
from praxisd.services.serviceprovider.connection_rules import source_host
from praxisd.services.serviceprovider.rules import below, judge, twice
from praxisd.services.serviceprovider.seen import Asked, File, Install, Seen, Service

GUID = "8330F1B9-514D-409F-B4E3-80ADE4076DA0"


def file(side: str, text: str) -> File:
    return File(side, f"/{side}/ServiceProvider.ini", "read", ini.read(text.encode()))  # type: ignore[arg-type]


PVS = f"[Install]\nHostname=SRV\nUniqueIdentifizier={GUID}\nInstalled=1\nTCPPort=23174\n"
OWN = f"[Install]\nInstalled=1\nUniqueIdentifizier={GUID}\nTCPPort=23174\nPVSTName=X.CONCEPT\nPVSDDataPath=/d\nKundennummer=1\n"
INSTALL = Install(f"/p/ServiceProvider_{GUID}", GUID, "/p", file("install", OWN), "23.3.1.0")
GOOD = Seen(
    software="s",
    product="x.concept",
    where="data",
    pvs_names=("X.CONCEPT",),
    path_may_be_empty=False,
    machine="SRV",
    here=True,
    measured=True,
    names=("SRV", "192.0.2.7"),
    pvs=file("pvs", PVS),
    installs=(INSTALL,),
    roots_seen=True,
    services=(Service("Service-Provider", "running"),),
    dotnet="4.8",
    path_state="right",
    asked=Asked("SRV", "127.0.0.1", 23174, "open"),
)


def codes(found: Seen) -> list[str]:
    return [one.code for one in judge(found)]


def test_nothing_is_wrong_with_a_good_one() -> None:
    assert codes(GOOD) == []


def test_what_was_not_seen_is_not_judged() -> None:
    blind = Seen(
        software="s",
        product="x.concept",
        where="data",
        pvs_names=("X.CONCEPT",),
        path_may_be_empty=False,
        machine="",
        here=False,
        measured=True,
    )
    assert codes(blind) == []
    assert codes(replace(blind, measured=False)) == [words.FACTS_MISSING]
    assert codes(replace(GOOD, dotnet=None, services=None)) == []
    assert codes(replace(GOOD, names=(), pvs=file("pvs", PVS.replace("SRV", "X")))) == []


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("closed", words.UNREACHABLE),
        ("unresolved", words.UNREACHABLE),
        ("filtered", words.FILTERED),
        ("wrong", words.WRONG_ANSWER),
    ],
)
def test_an_answer_is_judged_only_where_nothing_else_explains_it(state: str, code: str) -> None:
    asked = Asked("SRV", "127.0.0.1", 23174, state, "refused")  # type: ignore[arg-type]
    silent = replace(GOOD, asked=asked)
    assert codes(silent) == [code]
    stopped = replace(silent, services=(Service("Service-Provider", "stopped"),))
    assert codes(stopped) == [words.STOPPED]
    off = file("pvs", PVS.replace("Installed=1", "Installed=0"))
    assert codes(replace(silent, pvs=off)) == [words.NOT_ENABLED]
    blanks = file("pvs", PVS.replace("Installed=1", "Installed =1"))
    assert codes(replace(silent, pvs=blanks)) == [words.SPACES, code]  # a warning explains nothing


def test_every_code_has_the_same_facts_for_its_texts() -> None:
    broken = replace(GOOD, pvs=file("pvs", "[Install]\nHostname=other\nInstalled = 0\nInstalled=1\n"))
    found = judge(broken)
    assert len({frozenset(one.params) - {"reason", "lines"} for one in found}) == 1
    assert {(one.line, one.key) for one in found if one.code == words.HOSTNAME_DIFFERS} == {(2, "Hostname")}


def test_the_identifier_is_that_of_the_folder() -> None:
    other = "51EC3B21-1884-424E-A9F0-A417B5160505"
    named = replace(INSTALL, file=file("install", OWN.replace(GUID, other)))
    assert rules.identifier(replace(GOOD, installs=(named,))) == GUID
    plain = replace(INSTALL, guid="alt", file=file("install", OWN.replace(GUID, other)))
    assert rules.identifier(replace(GOOD, installs=(plain,))) == other


def test_stale_is_another_identifier_and_another_place() -> None:
    other = PVS.replace(GUID, "51EC3B21-1884-424E-A9F0-A417B5160505")
    for text, code in (
        (other, words.IDENTIFIER_DIFFERS),
        (other.replace("SRV", "OLD"), words.STALE),
        (other.replace("23174", "23170"), words.STALE),
        (PVS.replace("SRV", "OLD"), words.HOSTNAME_DIFFERS),
    ):
        assert codes(replace(GOOD, pvs=file("pvs", text))) == [code]


@pytest.mark.parametrize(
    ("host", "right"),
    [("srv", True), ("SRV.praxis.lan", True), ("192.0.2.7", True), ("192.0.2.8", False), ("192", False), ("SRV2", False)],
)  # fmt: skip
def test_a_computer_is_known_by_its_names(host: str, right: bool) -> None:
    found = codes(replace(GOOD, pvs=file("pvs", PVS.replace("SRV", host))))
    assert found == ([] if right else [words.HOSTNAME_DIFFERS])


def test_a_name_that_leads_to_the_computer_is_one_of_its_names() -> None:
    alias = replace(GOOD, pvs=file("pvs", PVS.replace("SRV", "daten")))
    assert codes(replace(alias, asked=Asked("daten", "192.0.2.7", 23174, "open"))) == []
    for address in ("192.0.2.8", "127.0.0.1", ""):
        found = replace(alias, names=(*GOOD.names, "127.0.0.1"), asked=Asked("daten", address, 23174, "open"))
        assert codes(found) == [words.HOSTNAME_DIFFERS]


def test_this_computer_is_a_name_only_where_nobody_else_looks_for_it() -> None:
    local = replace(GOOD, pvs=file("pvs", PVS.replace("SRV", "localhost")))
    assert codes(replace(local, devices=1)) == []
    assert codes(replace(local, devices=3)) == [words.HOSTNAME_DIFFERS]
    assert codes(replace(local, devices=0)) == [words.HOSTNAME_LOCAL]  # not known: told, and no error
    assert words.HOSTNAME_LOCAL in words.WARNINGS


@pytest.mark.parametrize(
    ("text", "host"),
    [
        (r"Data Source=SRV\SQLENT; Initial Catalog=WINACS;", "SRV"),
        (r"initial catalog=a;data source = tcp:SRV,1433 ;x=1", "SRV"),
        ("Server=SRV", "SRV"),
        ("Data Source=.;", "."),
        ("Data Source=;", ""),
        ("Address=192.0.2.7\\X", "192.0.2.7"),
        ("Network Address = SRV ;", "SRV"),
        (r"Data Source=np:\\SRV\pipe\sql\query", "SRV"),
        (r'Data Source="SRV\SQLENT";Initial Catalog=W', "SRV"),
        (r'"Data Source=SRV\SQLENT; Initial Catalog=W;"', "SRV"),
        ('Password="a;Data Source=EVIL";Data Source=SRV', "SRV"),
        ('Data Source=SRV;Password="a;Data Source=EVIL"', "SRV"),
        ("Server=OLD;Data Source=SRV", "SRV"),
        ("noise;Data Source=SRV", "SRV"),
    ],
)
def test_the_host_of_a_connection_string(text: str, host: str) -> None:
    span = source_host(text)
    assert span is not None and text[slice(*span)] == host


def test_a_long_line_without_any_pair_is_read_at_once() -> None:
    assert source_host(" " * 100_000 + "x" * 100_000) is None


def test_a_connection_string_without_a_host() -> None:
    assert source_host("Initial Catalog=WINACS; My Data Source=x") is None


@given(st.text(max_size=60))
def test_any_connection_string_has_a_host_inside_it(text: str) -> None:
    span = source_host(f"Data Source={text}")
    assert span is not None and 0 <= span[0] <= span[1] <= len(text) + 12


@pytest.mark.parametrize(
    ("version", "least", "lower"),
    [
        ("4.7.2", "4.8", True),
        ("4.8", "4.8", False),
        ("4.8.1", "4.8", False),
        ("4.8.0", "4.8", False),
        ("23.3", "23.3.0.1", True),
        ("9.0", "10.0", True),
        ("", "4.8", True),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, least: str, lower: bool) -> None:
    assert below(version, least) is lower


def test_two_spellings_are_two_keys_and_the_one_of_the_files_is_read() -> None:
    text = "[install]\nUniqueIdentifizier=a\n[Other]\nUniqueIdentifier=c\n[Install]\nTCPPort=1\n"
    assert twice(file("pvs", text)) == []
    both = file("pvs", "[Install]\nPVSName=b\nx=1\nPVSTName=a\npvstname=c\nX=2\n")
    assert twice(both) == [("pvstname", 5), ("X", 6)]
    assert both.value(seen.PVS_NAME) == "a"
    assert codes(replace(GOOD, pvs=file("pvs", PVS.replace("Unique", "UniqueIdentifier=AAAA\nUnique")))) == []


def test_what_answers_is_no_provider_where_neither_service_nor_folder_is() -> None:
    gone = replace(GOOD, installs=(), services=())
    assert codes(gone) == [words.NOT_INSTALLED]
    away = replace(gone, here=False, roots_seen=False)
    assert codes(away) == []  # under another name, perhaps: the file names this address, and nobody can look
    for pvs in (File("pvs"), File("pvs", state="missing"), file("pvs", "[Install]\nHostname=SRV\n")):
        assert codes(replace(away, pvs=pvs)) == [words.NOT_INSTALLED]


def test_an_answer_is_no_proof_of_a_provider_that_no_file_names() -> None:
    nothing = replace(GOOD, installs=(), services=None, pvs=File("pvs", "/x", "missing"), roots_seen=False)
    assert codes(nothing) == [words.INI_MISSING]
    assert looking.state_of(nothing) == "unknown"
    told = replace(GOOD.asked, version="1.2.3")
    assert looking.version_of(replace(nothing, asked=told)) == ""
    older = replace(nothing, asked=told, setup_version="23.3.1.0")
    assert "version" in set(unseen_rules.unseen(older))
    fresh_older = replace(older, pvs=file("pvs", "[Install]\nHostname=SRV\n"))
    assert codes(fresh_older) == [words.NOT_FILLED]  # whose version that is nobody knows
    assert codes(replace(older, pvs=file("pvs", PVS))) == [words.OUTDATED]
    fresh = replace(nothing, pvs=file("pvs", "[Install]\nHostname=SRV\n"))
    assert (codes(fresh), looking.state_of(fresh)) == ([words.NOT_FILLED], "unknown")
    named = replace(nothing, pvs=file("pvs", PVS), asked=told)
    assert (codes(named), looking.state_of(named), looking.version_of(named)) == ([], "running", "1.2.3")
    far = replace(nothing, here=False)
    assert (codes(far), looking.state_of(far)) == (
        [],
        "unknown",
    )  # whether it is missing there cannot be seen


def test_a_file_that_waits_for_a_restart_is_not_good() -> None:
    fresh = replace(GOOD, pvs=file("pvs", "[Install]\nHostname=SRV\n"))
    assert codes(fresh) == [words.NOT_FILLED]
    stopped = replace(fresh, services=(Service("Service-Provider", "stopped"),))
    assert codes(stopped) == [words.STOPPED]  # which explains it
    assert codes(replace(fresh, asked=Asked("SRV", "127.0.0.1", 23174, "closed", "refused"))) == [
        words.UNREACHABLE
    ]


def test_only_what_was_seen_to_run_is_said_to_run() -> None:
    other = replace(GOOD, devices=3, pvs=file("pvs", PVS.replace("SRV", "X")))
    told = {one.params["reason"] for one in judge(other)}
    assert told == {"why_runs_there"}
    nothing = replace(other, installs=(), services=None)
    assert [one.params["reason"] for one in judge(nothing)] == ["why_belongs_there"]
    itself = replace(other, pvs=file("pvs", PVS.replace("SRV", "LOCALHOST")))
    assert [one.params["reason"] for one in judge(itself)] == ["why_only_here"]


def test_sql_server_elsewhere_has_a_code_of_its_own() -> None:
    assert codes(replace(GOOD, where="sql", sql_absent=True)) == [words.SQL_MISSING]
