"""TLS between hubs: both sides show a certificate of the hubs' own authority, and names are checked both ways. Pure.

The authority is the operator's own and vouches for hubs only; a public one would vouch for anybody.
"""

import ssl

from praxisd_relay.cluster_settings import PeersSettings

ALPN = "praxis-relay-peer/1"


def server(settings: PeersSettings) -> ssl.SSLContext:
    """For neighbours that dial in. Raises OSError or ssl.SSLError if a file cannot be used."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, settings)
    context.verify_mode = ssl.CERT_REQUIRED
    context.num_tickets = 0
    return context


def client(settings: PeersSettings) -> ssl.SSLContext:
    """For dialling neighbours; the name that is dialled must be in the certificate. Raises as `server`."""
    return _context(ssl.PROTOCOL_TLS_CLIENT, settings)


def _context(protocol: int, settings: PeersSettings) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.options |= ssl.OP_NO_COMPRESSION
    context.load_verify_locations(cafile=settings.ca)
    context.load_cert_chain(settings.certificate, settings.key)
    context.set_alpn_protocols([ALPN])
    return context


def stamps(settings: PeersSettings) -> tuple[tuple[int, int], ...]:
    """By what a renewed file is known. Raises OSError."""
    found = [file.stat() for file in (settings.ca, settings.certificate, settings.key)]
    return tuple((one.st_mtime_ns, one.st_ino) for one in found)


def names(tls: ssl.SSLObject) -> frozenset[str]:
    """The DNS names in the certificate the other side showed, lower case; none if it showed none or spoke another
    protocol."""
    shown = tls.getpeercert() if tls.selected_alpn_protocol() == ALPN else None
    entries = shown.get("subjectAltName", ()) if shown else ()
    return frozenset(str(entry[1]).lower() for entry in entries if len(entry) == 2 and entry[0] == "DNS")
