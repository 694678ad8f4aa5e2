"""What is told of the certificate from an authority: why there is no new one, in plain words, and when it comes."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from praxisd.kernel.access import system
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Finding, Severity
from praxisd.services.relay import acme_record, settings

if TYPE_CHECKING:
    from praxisd.kernel.app import House

CODES = (
    "relay.acme_failed",
    "relay.acme_unreachable",
    "relay.acme_directory",
    "relay.acme_rate_limited",
    "relay.acme_account",
    "relay.acme_name_refused",
    "relay.acme_challenge",
    "relay.acme_slow",
)
"""Why a try failed; `acme` chooses among them."""
_WHO = system("relay.certificate")


def findings(house: "House") -> Iterator[Finding]:
    """Why the last try failed, until one succeeds. An error where no certificate of the authority is in force."""
    with house.store.read(_WHO) as tx:
        chosen, record = settings.chosen(house, tx), acme_record.load(tx)
        now, zone = tx.now, zone_of(zone_name(house, tx))
    said = record.progress
    if chosen.certificate != acme_record.ACME or not said.code:
        return
    ends = record.not_after if record.chain else None
    good = ends is not None and ends > now
    words = said.said or said.type or "–"
    params = {
        "authority": urlsplit(said.directory).hostname or "–",
        "name": said.name or ", ".join(said.tried[2:]) or "–",
        "said": f"{words} ({said.type})" if said.said and said.type else words,
        "again": format_rfc3339(said.not_before, zone)[:16].replace("T", " "),
    }
    late = not good or (ends is not None and ends - now < (ends - record.renew_at) / 2)
    yield Finding(said.code, "Certificate/relay", Severity.ERROR if late else Severity.WARNING, params)


def shown(house: "House", lang: str) -> dict[str, Any]:
    """The certificate in force, and what is wrong with it. Times are RFC 3339, null where there is none."""
    from praxisd.services.relay import certificates
    from praxisd.services.relay.checks import certificate_findings

    held = certificates.current(house)
    wrong = next(iter(certificate_findings(house)), None)
    with house.store.read(_WHO) as tx:
        zone, record = zone_of(zone_name(house, tx)), acme_record.load(tx)
    acme = held.source == acme_record.ACME

    def word(part: str) -> str | None:
        return None if wrong is None else house.texts.get(f"{wrong.code}.{part}", lang, **wrong.params)

    waits = record.progress.code and record.progress.not_before
    return {
        "source": held.source,
        "names": list(held.names),
        "notAfter": format_rfc3339(held.not_after, zone),
        "renewAt": format_rfc3339(record.renew_at, zone) if acme and not waits else None,
        "retryAt": format_rfc3339(record.progress.not_before, zone) if waits else None,
        "pins": list(held.pins),
        "code": None if wrong is None else wrong.code,
        "title": word("title"),
        "cause": word("cause"),
        "solution": word("solution"),
    }
