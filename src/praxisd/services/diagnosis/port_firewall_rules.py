"""The port list as rules of a firewall: PowerShell for Windows, a chain for nftables, commands for ufw. Pure.

Words of a product file come into a script only through `named`, which lets nothing through that means something to a
shell, to PowerShell or to nft; ports and addresses are numbers that were read as such. A row that lets the Internet begin
gets no rule: what a program asks for there comes back on its own connection.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from praxisd.services.diagnosis.port_rows import OWN, PortRow, place, spans

PRIVATE_4 = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
PRIVATE_6 = ("fc00::/7", "fe80::/10")
"""Networks inside a practice: RFC 1918, RFC 4193, and the link itself."""
LONGEST_NAME = 120
"""Bytes of a name: nft takes comments of at most 128."""
UFW_PORTS = 15
"""ufw takes at most so many ports in one rule, a span counting for two."""
_ALLOWED = frozenset(" .,()/+-_:*")


@dataclass(frozen=True, slots=True)
class Rule:
    """One opening. `inward`: from the practice's network to here; else from here to `addresses` (all, where there are none).

    `services` are those that need it, `targets` where they want to: harmless texts.
    """

    services: tuple[str, ...]
    protocol: str
    spans: tuple[tuple[int, int], ...]
    inward: bool
    addresses: tuple[str, ...] = ()
    internal: bool = False
    targets: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name in the firewall; all begin with the same word."""
        return named(f"praxisd: {', '.join(self.services)}")

    def also(self, other: "Rule") -> "Rule":
        """The same opening, for what the other one is needed for too."""
        return replace(
            self,
            services=tuple(dict.fromkeys((*self.services, *other.services))),
            targets=tuple(dict.fromkeys((*self.targets, *other.targets))),
        )


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences of a script, in the language of who asked. Lines of plain text."""

    head: Sequence[str]
    inward: str
    outward: str
    left_out: str
    targets: str


def named(text: str) -> str:
    """The text with only letters, digits, spaces and a few harmless signs, at most 120 bytes of them."""
    kept = " ".join("".join(sign if sign.isalnum() or sign in _ALLOWED else " " for sign in text).split())
    cut = kept.encode()[:LONGEST_NAME].decode(errors="ignore").strip()
    return cut if cut == kept else f"{cut[:-3].rstrip(' ,')}..."


def rules(rows: Iterable[PortRow]) -> tuple[list[Rule], list[PortRow]]:
    """The openings for these rows, those that are the same only once; and the rows for which no rule can be made."""
    found: dict[tuple[object, ...], Rule] = {}
    rest = []
    for row in rows:
        made = list(_of(row))
        for rule in made:
            key = (rule.protocol, rule.spans, rule.inward, rule.addresses, rule.internal)
            found[key] = found[key].also(rule) if key in found else rule
        if not made and not _only_here(row):
            rest.append(row)
    return list(found.values()), rest


def _only_here(row: PortRow) -> bool:
    return row.source == OWN and not (row.internal or row.external)


def _of(row: PortRow) -> Iterator[Rule]:
    wanted = tuple(spans(row.ports))
    if row.protocol not in ("tcp", "udp") or not wanted:
        return
    named_so = f"{row.service} ({row.name})" if row.source != OWN else row.service.removeprefix(f"{OWN}: ")
    services = (named(named_so),)
    if row.in_ and row.internal:
        yield Rule(services, row.protocol, wanted, True, internal=True)
    if row.out and (row.internal or row.external):
        targets = tuple(named(one) for one in row.targets) if row.external else ()
        yield Rule(services, row.protocol, wanted, False, _addresses(row), not row.external, targets)


def _addresses(row: PortRow) -> tuple[str, ...]:
    """The numbers a row is limited to; none where any of its targets is a name, whose numbers may change."""
    found = []
    for target in row.targets if row.external else ():
        where = place(target)
        try:
            found.append(str(ipaddress.ip_address(where.host if where else "")))
        except ValueError:
            return ()
    return tuple(found)


def windows(rows: Iterable[PortRow], words: Words) -> str:
    """A PowerShell script: it takes away the rules of its group that are there, and makes them anew. CRLF, for UTF-8 with BOM."""
    made, rest = rules(rows)
    lines = [*_comments(words.head), "#Requires -RunAsAdministrator", "$ErrorActionPreference = 'Stop'"]
    lines += ["Get-NetFirewallRule -Group 'praxisd' -ErrorAction SilentlyContinue | Remove-NetFirewallRule"]
    for inward in (True, False):
        lines += ["", *_comments([words.inward if inward else words.outward])]
        for rule in made:
            if rule.inward != inward:
                continue
            lines += _targets(rule, words)
            ports = ", ".join(f"'{_span(one, '-')}'" for one in rule.spans)
            near = ", ".join(f"'{one}'" for one in (("LocalSubnet",) if rule.internal else rule.addresses))
            lines.append(
                f"New-NetFirewallRule -Group 'praxisd' -DisplayName '{rule.name}'"
                f" -Direction {'Inbound' if inward else 'Outbound'} -Action Allow -Protocol {rule.protocol.upper()}"
                f" {'-LocalPort' if inward else '-RemotePort'} {ports}"
                + (f" -RemoteAddress {near}" if near else "")
                + (" -Profile 'Domain', 'Private'" if inward else "")
                + " | Out-Null"
            )
    lines += _left_out(rest, words)
    return "\r\n".join(lines) + "\r\n"


def nftables(rows: Iterable[PortRow], words: Words) -> str:
    """A file for `nft -f`: two chains in the table `inet filter`, to be jumped to from `input` and `output`."""
    made, rest = rules(rows)
    lines = ["#!/usr/sbin/nft -f", *_comments(words.head), "add table inet filter"]
    for chain, inward in (("praxisd_input", True), ("praxisd_output", False)):
        lines += ["", *_comments([words.inward if inward else words.outward])]
        lines += [f"add chain inet filter {chain}", f"flush chain inet filter {chain}"]
        side = "saddr" if inward else "daddr"
        for rule in made:
            if rule.inward != inward:
                continue
            lines += _targets(rule, words)
            ports = ", ".join(_span(one, "-") for one in _merged(rule.spans))
            tail = f'{rule.protocol} dport {{ {ports} }} accept comment "{rule.name}"'
            for family, networks in _networks(rule):
                only = f"{family} {side} {{ {', '.join(networks)} }} " if networks else ""
                lines.append(f"add rule inet filter {chain} {only}{tail}")
    lines += _left_out(rest, words)
    return "\n".join(lines) + "\n"


def ufw(rows: Iterable[PortRow], words: Words) -> str:
    """A shell script of `ufw allow`; a rule that is there already is left as it is. `UFW="ufw --dry-run"` only shows."""
    made, rest = rules(rows)
    lines = ["#!/bin/sh", *_comments(words.head), "set -eu", "UFW=${UFW:-ufw}"]
    for inward in (True, False):
        lines += ["", *_comments([words.inward if inward else words.outward])]
        for rule in made:
            if rule.inward != inward:
                continue
            lines += _targets(rule, words)
            networks = [one for _, some in _networks(rule) for one in some] or ["any"]
            for ports in _portions(_merged(rule.spans)):
                for network in networks:
                    way = f"in proto {rule.protocol} from {network} to any"
                    if not inward:
                        way = f"out proto {rule.protocol} to {network}"
                    lines.append(f"$UFW allow {way} port {ports} comment '{rule.name}'")
    lines += _left_out(rest, words)
    return "\n".join(lines) + "\n"


def _networks(rule: Rule) -> list[tuple[str, tuple[str, ...]]]:
    """Families of addresses with the networks a rule is limited to; one without any where it is not limited."""
    if rule.internal:
        return [("ip", PRIVATE_4), ("ip6", PRIVATE_6)]
    if not rule.addresses:
        return [("", ())]
    found = []
    for family, version in (("ip", 4), ("ip6", 6)):
        some = tuple(one for one in rule.addresses if ipaddress.ip_address(one).version == version)
        if some:
            found.append((family, some))
    return found


def _merged(some: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans in order, those that touch or overlap as one: nft refuses overlapping ones."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(some):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return found


def _span(one: tuple[int, int], sign: str) -> str:
    low, high = one
    return str(low) if low == high else f"{low}{sign}{high}"


def _portions(some: Sequence[tuple[int, int]]) -> Iterator[str]:
    """Ports as ufw writes them, cut into rules of at most 15."""
    part: list[str] = []
    size = 0
    for one in some:
        more = 1 if one[0] == one[1] else 2
        if size + more > UFW_PORTS:
            yield ",".join(part)
            part, size = [], 0
        part.append(_span(one, ":"))
        size += more
    if part:
        yield ",".join(part)


def _comments(lines: Iterable[str]) -> list[str]:
    return [f"# {' '.join(line.split())}".rstrip() for line in lines]


def _targets(rule: Rule, words: Words) -> list[str]:
    return [f"# {words.targets} {', '.join(rule.targets)}"] if rule.targets and not rule.addresses else []


def _left_out(rest: Sequence[PortRow], words: Words) -> list[str]:
    if not rest:
        return []
    lines = ["", *_comments([words.left_out])]
    return [*lines, *(f"#   {named(f'{row.service} ({row.name})')}" for row in rest)]
