"""What may be wrong with the way from outside: no link, not reachable, somebody else answers, the certificate ends."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.finding import Varies
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.services.relay import acme_words, certificate_files, identity, state, words
from praxisd.services.relay.room import room_of

if TYPE_CHECKING:
    from praxisd.kernel.app import House

LOOK_S = 4.0
"""So long a check waits for a look from outside, where the last one is old. Seconds."""
PATIENCE_S = 60
"""A link may be away for so long before it is an Issue. Seconds."""
WARN_S, ERROR_S = 21 * 86_400, 7 * 86_400
"""How long before its end a certificate is reported, and how long before it is urgent. Seconds."""
NOT_CONNECTED, NOT_REACHABLE, FOREIGN = "relay.not_connected", "relay.not_reachable", "relay.foreign_key"
REFUSED, REVOKED, ENDS = "relay.refused", "relay.revoked", "relay.certificate_ends"
CERTIFICATE = (ENDS, *certificate_files.FAULTS, *acme_words.CODES)
"""What may be wrong with the certificate."""
_GRAVE: dict[str, Severity | Varies] = {
    ENDS: Varies("relay.certificate_ends.grave", (Severity.ERROR, Severity.WARNING)),
    **dict.fromkeys(certificate_files.FAULTS, Severity.ERROR),
    **dict.fromkeys(acme_words.CODES, Varies("relay.acme_failed.grave", (Severity.ERROR, Severity.WARNING))),
}


def link(house: "House") -> Iterator[Finding]:
    """The link, and whether it leads to us. Nothing while the relay is not to be used, or in the first minute."""
    room_of(house).fresh(LOOK_S)
    found = state.now(house)
    if found.phase in ("off", "absent") or found.who is None:
        return
    params = state.params(found)
    subject = f"Relay/{found.who.id}"
    if found.snapshot.connected:
        probe = found.snapshot.probe
        if probe is not None and probe.code == words.FOREIGN:
            yield Finding(FOREIGN, subject, Severity.ERROR, params)
        elif probe is not None and probe.code is not None:
            yield Finding(
                NOT_REACHABLE, subject, Severity.ERROR, {**params, "code": words.code_of(probe.code)}
            )
        return
    if found.who.state == identity.REVOKED or found.code == REVOKED:
        yield Finding(REVOKED, subject, Severity.ERROR, params)
    elif found.code == REFUSED:
        yield Finding(REFUSED, subject, Severity.ERROR, params)
    elif room_of(house).away_s() >= PATIENCE_S:
        yield Finding(NOT_CONNECTED, subject, Severity.ERROR, {**params, "code": found.code or "–"})


def certificate_findings(house: "House") -> Iterator[Finding]:
    """What is wrong with the certificate, the worst first."""
    from praxisd.services.relay import certificates

    for fault in certificates.faults(house):
        yield Finding(fault.code, "Certificate/relay", Severity.ERROR, {"detail": fault.detail or "–"})
    yield from acme_words.findings(house)
    held = state.certificate(house)
    if (
        held is None or held.not_after is None or held.source == "acme"
    ):  # that one is renewed, or the above says why not
        return
    with house.store.read(system("relay.checks")) as tx:
        left = held.not_after - tx.now
        zone = zone_of(zone_name(house, tx))
    if 0 < left < WARN_S:
        severity = Severity.ERROR if left < ERROR_S else Severity.WARNING
        date = format_rfc3339(held.not_after, zone)[:10]
        yield Finding(ENDS, "Certificate/relay", severity, {"date": date, "source": held.source})


def certificate(house: "House") -> Iterator[Finding]:
    """The certificate, while there is something to be reached by, and its key can be opened."""
    found = state.now(house)
    if found.phase not in ("off", "absent") and not house.vault.closed:
        yield from certificate_findings(house)


CHECKS = (
    Check(
        "relay.link", (NOT_CONNECTED, NOT_REACHABLE, FOREIGN, REFUSED, REVOKED), link, grave=Severity.ERROR
    ),
    Check("relay.certificate", CERTIFICATE, certificate, grave=_GRAVE),
)
