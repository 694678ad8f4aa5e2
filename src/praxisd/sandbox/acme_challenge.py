"""Does a name lead to whoever asks for its certificate? tls-alpn-01 (RFC 8737), seen from the authority."""

import hashlib
import socket
import ssl

from cryptography import x509

from praxisd.sandbox.acme_signed import Refusal

PROTOCOL = "acme-tls/1"
IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")
PORT = 443
PATIENCE_S = 10.0
Place = tuple[str, int]


def check(name: str, answer: str, place: Place | None = None) -> None:
    """`Refusal` unless whoever answers for `name` shows `answer` (the key authorization).

    `place`: connected to in any case; else the name itself, names below `localhost` being this computer.
    """
    leaf = x509.load_der_x509_certificate(_shown(name, place or (_host(name), PORT)))
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found = leaf.extensions.get_extension_for_oid(IDENTIFIER)
    except x509.ExtensionNotFound:
        raise Refusal("unauthorized", f"{name}: not a certificate for the challenge", 403) from None
    if [one.value for one in names] != [name] or len(names.get_values_for_type(x509.DNSName)) != 1:
        raise Refusal("unauthorized", f"{name}: names of the certificate", 403)
    wanted = b"\x04\x20" + hashlib.sha256(answer.encode()).digest()
    if not found.critical or getattr(found.value, "value", b"") != wanted:
        raise Refusal("unauthorized", f"{name}: acmeIdentifier", 403)


def _host(name: str) -> str:
    return "127.0.0.1" if name.endswith(".localhost") or name == "localhost" else name


def _shown(name: str, place: Place) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([PROTOCOL])
    try:
        with (
            socket.create_connection(place, PATIENCE_S) as plain,
            context.wrap_socket(plain, server_hostname=name) as line,
        ):
            agreed, leaf = line.selected_alpn_protocol(), line.getpeercert(binary_form=True)
    except ssl.SSLError as error:
        raise Refusal("tls", f"{name}: {error.reason}") from None
    except socket.gaierror:
        raise Refusal("dns", f"{name}: no address") from None
    except OSError:
        raise Refusal("connection", f"{name}: no connection") from None
    if agreed != PROTOCOL or leaf is None:
        raise Refusal("unauthorized", f"{name}: {PROTOCOL} was not agreed on", 403)
    return leaf
