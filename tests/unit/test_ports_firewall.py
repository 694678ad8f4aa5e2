"""The rules for firewalls: each parses where its own program reads it, and no name of a product file gets to say anything."""

import re
import subprocess
from pathlib import Path

import pytest

from praxisd.model.product import INTRANET
from praxisd.services.diagnosis import port_firewall_rules as firewall
from praxisd.services.diagnosis.port_rows import OWN, PortRow
from praxisd.testing import debian

from . import powershell

GOLDEN = Path(__file__).parent / "firewall"
WORDS = firewall.Words(
    head=["Regeln für den Rechner „empfang“"],
    inward="Hinein",
    outward="Hinaus",
    left_out="Ohne Regel:",
    targets="Ziele:",
)
HOSTILE = "'; Remove-Item C:\\ -Recurse #\n$(reboot) `id` \" } drop; ’ “ | & > /etc/passwd %PATH% \r\nflush ruleset\x00\u2028"


def _row(name: str, ports: tuple[str, ...], protocol: str = "tcp", **more: object) -> PortRow:
    return PortRow(
        id=f"x/{name}",
        source="x.isynet",
        name="x.isynet",
        service=name,
        protocol=protocol,
        ports=ports,
        **more,
    )  # type: ignore[arg-type]


ROWS = (
    _row("SQL-Server", ("1433",), in_=True, internal=True, targets=(INTRANET,)),
    _row("DOCmessenger", ("13777",), "udp", in_=True, out=True, internal=True, targets=(INTRANET,)),
    _row("ToDoListen/ZMS", ("13333-14333", "14000", "14334"), "udp", in_=True, internal=True),
    _row("x.comdoxx Keyserver", ("50300-50305",), in_=True, out=True, external=True, targets=("142.132.168.42", "2001:db8::1")),
    _row("VOS", ("443",), out=True, external=True, targets=("https://*.medatixx.io", "https://u.example.net")),
    _row("Viele", tuple(str(n) for n in range(3000, 3060, 2)), in_=True, internal=True),
    _row("Gdata", (), ""),
    PortRow(
        id="praxisd/door", source=OWN, name=OWN, service="praxisd: Konsole und Schnittstelle", protocol="tcp",
        ports=("8080",), in_=True, internal=True,
    ),
    PortRow(id="praxisd/control", source=OWN, name=OWN, service="Befehle", protocol="tcp", ports=("4711",), in_=True),
)  # fmt: skip
BAD = (
    _row(HOSTILE, ("80",), in_=True, out=True, internal=True),
    _row("gut", ("81",), out=True, external=True, targets=("x'; reboot #", "$(id)", "a\nflush ruleset")),
    _row(HOSTILE, (), ""),
)
MAKERS = {"windows.ps1": firewall.windows, "nftables.nft": firewall.nftables, "ufw.sh": firewall.ufw}


@pytest.mark.parametrize("name", MAKERS)
def test_the_rules_are_those_that_were_read_and_found_good(name: str) -> None:
    made = MAKERS[name](ROWS, WORDS).replace("\r\n", "\n")
    assert made == (GOLDEN / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("rows", [ROWS, BAD])
def test_nft_reads_them(rows: tuple[PortRow, ...], tmp_path: Path) -> None:
    file = tmp_path / "rules.nft"
    file.write_text(firewall.nftables(rows, WORDS), encoding="utf-8")
    done = subprocess.run(
        [debian.program(["nft"], "nftables"), "-c", "-f", file], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("rows", [ROWS[:7], BAD])
def test_ufw_takes_each_of_them(rows: tuple[PortRow, ...], tmp_path: Path) -> None:
    file = tmp_path / "rules.sh"
    script = firewall.ufw(rows, WORDS)
    file.write_text(script, encoding="utf-8")
    assert subprocess.run(["bash", "-n", file]).returncode == 0
    # ufw takes a third of a second for each: one for every way of writing is enough.
    kept, seen = [], set()
    for line in script.splitlines():
        shape = re.sub(r"[0-9a-f.:/]+(?= )|'.*'|[0-9,:]+$", "", line)
        if not line.startswith("$UFW") or shape not in seen:
            kept.append(line)
            seen.add(shape)
    file.write_text("\n".join(kept) + "\n", encoding="utf-8")
    done = subprocess.run(
        ["sh", file],
        capture_output=True,
        text=True,
        env={"UFW": f"{debian.program(['ufw'], 'ufw')} --dry-run", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stderr + done.stdout


_LITERAL = r"'[^'‘’‚‛\"“”„$`;|&<>\x00-\x1f\u2028\u2029]*'"
_POWERSHELL = re.compile(
    r"(?:|\#[^\r\n]*|\$ErrorActionPreference = 'Stop'"
    r"|Get-NetFirewallRule -Group 'praxisd' -ErrorAction SilentlyContinue \| Remove-NetFirewallRule"
    rf"|New-NetFirewallRule -Group 'praxisd' -DisplayName {_LITERAL} -Direction (?:Inbound|Outbound) -Action Allow"
    r" -Protocol (?:TCP|UDP) -(?:Local|Remote)Port '[0-9-]+'(?:, '[0-9-]+')*"
    r"(?: -RemoteAddress '[0-9A-Za-z.:]+'(?:, '[0-9A-Za-z.:]+')*)?(?: -Profile 'Domain', 'Private')? \| Out-Null)"
)


@pytest.mark.parametrize("rows", [ROWS, BAD])
def test_every_line_for_powershell_is_one_of_the_few_it_may_be(rows: tuple[PortRow, ...]) -> None:
    made = firewall.windows(rows, WORDS)
    assert made.endswith("\r\n")
    lines = made.removesuffix("\r\n").split("\r\n")
    assert [line for line in lines if not _POWERSHELL.fullmatch(line)] == []


@pytest.mark.parametrize("rows", [ROWS, BAD])
def test_a_grammar_of_powershell_reads_them(rows: tuple[PortRow, ...]) -> None:
    made = firewall.windows(rows, WORDS)
    assert powershell.faults(made) == []
    # It is read as what it is meant as: one command for each rule, and no word of it is another command.
    names = powershell.commands(made)
    assert set(names) == {
        "Get-NetFirewallRule",
        "Remove-NetFirewallRule",
        "New-NetFirewallRule",
        "Out-Null",
    }
    assert names.count("New-NetFirewallRule") == len(firewall.rules(rows)[0]) > 0


@pytest.mark.parametrize("name", MAKERS)
def test_a_hostile_name_is_only_a_name(name: str) -> None:
    made = MAKERS[name](BAD, WORDS)
    kept = "\n".join(line for line in made.splitlines() if "UFW:-ufw" not in line and "„empfang“" not in line)
    for sign in ("$(", "`", "‘", "’", "“", "\x00", "\u2028", "%", "; ", "|  ", "&", ">"):
        assert sign not in kept
    # Without the hostile words there are as many lines, each at its place.
    calm = [PortRow(**{**_fields(row), "service": "ruhig", "targets": ()}) for row in BAD]
    plain = MAKERS[name](calm, WORDS)
    shape = [line[:4] for line in made.splitlines() if not line.startswith("#")]
    assert shape == [line[:4] for line in plain.splitlines() if not line.startswith("#")]


def _fields(row: PortRow) -> dict[str, object]:
    return {name: getattr(row, name) for name in PortRow.__dataclass_fields__}


def test_nothing_is_opened_for_who_calls_from_the_internet_or_only_from_here() -> None:
    made, rest = firewall.rules(ROWS)
    assert not [one for one in made if one.inward and not one.internal]
    assert not [one for one in made if one.spans == ((4711, 4711),)]
    assert [row.service for row in rest] == ["Gdata"]
    (keys,) = [one for one in made if one.spans == ((50300, 50305),)]
    assert (keys.inward, keys.addresses) == (False, ("142.132.168.42", "2001:db8::1"))


def test_the_same_opening_for_two_products_is_made_once() -> None:
    other = PortRow(**{**_fields(ROWS[0]), "id": "y/sql", "source": "y", "name": "y"})
    (rule,) = firewall.rules((ROWS[0], other, ROWS[0]))[0]
    assert rule.name == "praxisd: SQL-Server (x.isynet), SQL-Server (y)"
    assert len(firewall.named("ä" * 200).encode()) <= firewall.LONGEST_NAME
    assert firewall.named("kurz") == "kurz" and firewall.named("ä" * 200).endswith("...")
