"""Mending in memory: whatever else stands in a file, in whatever encoding, only the named lines change."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.services.serviceprovider import ini, words
from praxisd.services.serviceprovider.mending_rules import filled, installation, mend, only_host
from praxisd.services.serviceprovider.rules import judge
from praxisd.services.serviceprovider.seen import Asked, File, Install, Seen, Service

GUID, OTHER = "8330F1B9-514D-409F-B4E3-80ADE4076DA0", "51EC3B21-1884-424E-A9F0-A417B5160505"
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "utf-16-le")
PVS = ("[Install]", "Hostname=SRV", f"UniqueIdentifizier={GUID}", "Installed=1", "TCPPort=23174")
OWN = (
    "[Install]", "Installed=1", f"UniqueIdentifizier={GUID}", "TCPPort=23174", "PVSTName=X.CONCEPT", "PVSDDataPath=/d",
    "Kundennummer=123456",
)  # fmt: skip
BREAKS = {
    words.NOT_ENABLED: ("pvs", "Installed=1", "Installed=0"),
    words.PVS_UNKNOWN: ("install", "PVSTName=X.CONCEPT", "PVSTName=ANDERS"),
    words.DATAPATH_MISSING: ("install", "PVSDDataPath=/d", "PVSDDataPath="),
    words.IDENTIFIER_DIFFERS: ("pvs", GUID, OTHER),
    words.PORT_DIFFERS: ("pvs", "TCPPort=23174", "TCPPort=5"),
    words.CUSTOMER_NUMBER_MISSING: ("install", "Kundennummer=123456", "Kundennummer="),
    words.SPACES: ("pvs", "TCPPort=23174", " TCPPort\t= 23174"),
    words.HOSTNAME_MISSING: ("pvs", "Hostname=SRV", "Hostname="),
    words.HOSTNAME_DIFFERS: ("pvs", "Hostname=SRV", "HOSTNAME=ALT"),
}
"""Code → which file, a line of it, and what stands there instead."""
_OTHER_LINES = st.lists(
    st.one_of(
        st.just(""),
        st.builds("; {}".format, st.text(st.characters(codec="cp1252", categories=("L", "N", "Zs")), max_size=12)),
        st.builds("Eigenes{}=ä{}".format, st.integers(0, 99), st.sampled_from(["ß", " 1;2", "a=b", ""])),
    ),
    max_size=6,
    unique_by=lambda line: line.partition("=")[0],
)  # fmt: skip


def file(side: str, lines: list[str], encoding: str, newline: str) -> File:
    data = newline.join([*lines, ""]).encode(encoding)
    return File(side, f"/{side}.ini", "read", ini.read(data))  # type: ignore[arg-type]


def seen(pvs: File, own: File) -> Seen:
    return Seen(
        software="s",
        product="x.concept",
        where="data",
        pvs_names=("X.CONCEPT",),
        path_may_be_empty=False,
        machine="SRV",
        here=True,
        measured=True,
        names=("SRV",),
        pvs=pvs,
        installs=(Install(f"/p/ServiceProvider_{GUID}", GUID, "/p", own),),
        roots_seen=True,
        services=(Service("Service-Provider", "running"),),
        wanted_path="/d",
        path_state="right",
        customer="123456",
        asked=Asked("SRV", "127.0.0.1", 23174, "open"),
    )


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(BREAKS)),
    st.sampled_from(ENCODINGS),
    st.sampled_from(["\r\n", "\n"]),
    _OTHER_LINES,
    st.data(),
)
def test_only_the_named_line_changes(
    code: str, encoding: str, newline: str, more: list[str], data: st.DataObject
) -> None:
    side, good, bad = BREAKS[code]
    lines = list(PVS if side == "pvs" else OWN)
    for one in more:
        lines.insert(data.draw(st.integers(1, len(lines))), one)
    at = next(n for n, line in enumerate(lines) if good in line)
    lines[at] = lines[at].replace(good, bad)
    mine = file(side, lines, encoding, newline)
    whole = (mine, file("install", list(OWN), "utf-8", "\r\n"))
    found = seen(*(whole if side == "pvs" else (file("pvs", list(PVS), "utf-8", "\r\n"), mine)))
    faults = judge(found)
    assert [one.code for one in faults] == [code]
    assert (faults[0].side, faults[0].line) == (side, at + 1)
    (done,) = mend(found, faults)
    assert done.path == mine.path and done.lines == (at + 1,)
    assert mine.ini is not None and done.before == mine.ini.data
    before, after = mine.ini.data.decode(encoding).split(newline), done.data.decode(encoding).split(newline)
    assert before[:at] + before[at + 1 :] == after[:at] + after[at + 1 :]
    mended = File(side, mine.path, "read", ini.read(done.data))  # type: ignore[arg-type]
    install = replace(found.installs[0], file=mended)
    again = replace(found, pvs=mended) if side == "pvs" else replace(found, installs=(install,))
    assert judge(again) == ()


@given(_OTHER_LINES, st.sampled_from(ENCODINGS))
def test_of_stale_content_only_the_host_stays(more: list[str], encoding: str) -> None:
    text = "\r\n".join([*PVS, *more]) + "\r\n"
    left = only_host(ini.read(text.encode(encoding)), "NEU").decode(encoding)
    assert left == "[Install]\r\nHostname=NEU\r\n"


def test_a_tail_of_nul_bytes_goes_with_stale_content() -> None:
    data = "\r\n".join(PVS).encode() + b"\r\n" + b"\0" * 512
    assert only_host(ini.read(data), "NEU") == b"[Install]\r\nHostname=NEU\r\n"


def test_what_nobody_knows_is_not_written() -> None:
    own = file("install", [line for line in OWN if "Kunden" not in line], "utf-8", "\r\n")
    found = replace(seen(file("pvs", list(PVS), "utf-8", "\r\n"), own), customer="")
    faults = judge(found)
    assert [one.code for one in faults] == [words.CUSTOMER_NUMBER_MISSING]
    with pytest.raises(Problem) as refused:
        mend(found, faults)
    assert refused.value.code == "serviceprovider.value_unknown"


def test_a_name_that_the_file_cannot_hold_is_not_written() -> None:
    found = replace(
        seen(
            file("pvs", [*PVS[:1], "Hostname=", *PVS[2:]], "cp1252", "\r\n"),
            file("install", list(OWN), "utf-8", "\r\n"),
        ),
        machine="\N{SNOWMAN}",
        names=("\N{SNOWMAN}",),
    )
    with pytest.raises(Problem):
        mend(found, judge(found))


def test_the_host_of_a_connection_string_alone_is_changed() -> None:
    text = "ConnectionString=Data Source=ALT\\SQLENT; Initial Catalog=WINACS;\r\nAsync=True; Enlist=True;"
    pvs = file("pvs", [*PVS, *text.split("\r\n")], "utf-16", "\r\n")
    found = replace(seen(pvs, file("install", list(OWN), "utf-8", "\r\n")), where="sql")
    (done,) = mend(found, judge(found))
    assert pvs.ini is not None
    wanted = pvs.ini.data.decode("utf-16").replace("=ALT\\", "=SRV\\")
    assert done.data.decode("utf-16") == wanted and done.lines == (6,)


CONNECTIONS = {
    b"Initial Catalog=\x81W;Data Source=OLD\\SQLENT;": b"Initial Catalog=\x81W;Data Source=SRV\\SQLENT;",
    b'"Data Source=OLD\\SQLENT; Initial Catalog=W;"': b'"Data Source=SRV\\SQLENT; Initial Catalog=W;"',
    b"Initial Catalog=W;\r\nData Source=OLD\\SQLENT;": b"Initial Catalog=W;\r\nData Source=SRV\\SQLENT;",
    b"User ID=\xe4;Network Address=OLD;": b"User ID=\xe4;Network Address=SRV;",
    b'Password="\xfc;Server=A";Server=OLD,1433;': b'Password="\xfc;Server=A";Server=SRV,1433;',
    b"Data Source=;Initial Catalog=W;": b"Data Source=SRV;Initial Catalog=W;",
}


@pytest.mark.parametrize(("before", "after"), CONNECTIONS.items())
def test_a_connection_string_in_any_writing_is_mended_to_the_byte(before: bytes, after: bytes) -> None:
    base = "\r\n".join([*PVS, "ConnectionString="]).encode()
    pvs = File("pvs", "/pvs.ini", "read", ini.read(base + before + b"\r\nX=1\r\n"))
    found = replace(seen(pvs, file("install", list(OWN), "utf-8", "\r\n")), where="sql")
    faults = judge(found)
    assert [one.code for one in faults] == [words.CONNECTION_HOST]
    (done,) = mend(found, faults)
    assert done.data == base + after + b"\r\nX=1\r\n"
    assert judge(replace(found, pvs=File("pvs", "/pvs.ini", "read", ini.read(done.data)))) == ()


def test_a_computer_that_a_connection_string_cannot_hold_is_refused() -> None:
    pvs = file("pvs", [*PVS, "ConnectionString=Data Source=OLD"], "cp1252", "\r\n")
    found = seen(pvs, file("install", list(OWN), "utf-8", "\r\n"))
    found = replace(found, where="sql", machine="\N{SNOWMAN}")
    faults = tuple(one for one in judge(found) if one.code == words.CONNECTION_HOST)
    with pytest.raises(Problem) as refused:
        mend(found, faults)
    assert refused.value.code == "serviceprovider.value_unknown"


def test_the_double_of_another_spelling_stays() -> None:
    lines = [*PVS[:2], f"UniqueIdentifier={OTHER}", *PVS[2:], "UNIQUEIDENTIFIZIER=x"]
    found = seen(file("pvs", lines, "cp1252", "\r\n"), file("install", list(OWN), "utf-8", "\r\n"))
    faults = judge(found)
    assert [(one.code, one.line) for one in faults] == [(words.KEY_TWICE, 7)]
    (done,) = mend(found, faults)
    assert done.data.decode() == "\r\n".join([*lines[:-1], ""])


def test_the_file_of_praxisds_own_pair_is_filled_at_once() -> None:
    stale = file(
        "pvs", [PVS[0], "Hostname=ALT", f"UniqueIdentifizier={OTHER}", "TCPPort=1"], "cp1252", "\r\n"
    )
    own = file("install", list(OWN), "utf-8", "\r\n")
    found = replace(seen(stale, own), own=True, own_port=23174)
    faults = judge(found)
    assert [one.code for one in faults] == [words.STALE]
    (done,) = mend(found, faults)
    mended = replace(found, pvs=File("pvs", "/pvs.ini", "read", ini.read(done.data)))
    assert judge(mended) == ()
    with pytest.raises(Problem):
        mend(replace(found, own_port=0), faults)


def test_the_pair_of_praxisd_is_written_as_the_seed_prints_it() -> None:
    own = installation(GUID, 8080, "X.ISYNET", "", "").decode()
    assert (
        own
        == f"[Install]\r\nInstalled=1\r\nUniqueIdentifizier={GUID}\r\nTCPPort=8080\r\nPVSTName=X.ISYNET\r\nPVSDDataPath=\r\n"
    )
    kept = filled(b"; hand\r\n[INSTALL]\r\nHostname=ALT\r\n", "NEU", GUID, 8080).decode()
    assert (
        kept
        == f"; hand\r\n[INSTALL]\r\nHostname=NEU\r\nUniqueIdentifizier={GUID}\r\nInstalled=1\r\nTCPPort=8080\r\n"
    )
