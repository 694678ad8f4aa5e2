"""A practice behind a real hub that has its certificate from a simulated authority, and guests who trust only that one."""

import contextlib
import ssl
from collections.abc import Iterator
from typing import Any

from cryptography import x509

from praxisd import main
from praxisd.kernel import events
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.sandbox.acme import Certifier
from praxisd.sandbox.acme_program import Running as RunningAuthority
from praxisd.services.relay import acme_record, certificates, checks, enrolling, identity
from praxisd.services.relay.acme_record import Record
from praxisd.services.relay.room import room_of

from .relay_cast import RunningHub, until
from .relay_runner_cast import ask, come, rest
from .web_sample.serving import running

WHO = system("test")
LIFE_S = 90 * 86_400


@contextlib.contextmanager
def authority(hub: RunningHub, life_s: int = LIFE_S) -> Iterator[RunningAuthority]:
    """An authority for which all names lead to the hub."""
    one = RunningAuthority("127.0.0.1", 0, life_s, ("127.0.0.1", hub.hub.port))
    try:
        yield one
    finally:
        one.close()


def put(house: House, **values: Any) -> None:
    """Settings of the relay."""

    def work(tx: Any) -> None:
        for name, value in values.items():
            house.settings.put(tx, f"relay.{name}", value)

    house.store.run(WHO, work)


@contextlib.contextmanager
def working(house: House) -> Iterator[str]:
    """The house served, with all its background work; its address."""
    with running(house, main.doors(house)) as one:
        house.shared["url"] = one.url
        house.start_work()
        yield one.url


def connected(house: House) -> str:
    """The name, once a link is up."""
    until(lambda: room_of(house).snapshot()[0].connected)
    return name_of(house)


def enrolled(house: House, hub: RunningHub) -> str:
    """Enrolled with the hub; the name."""
    enrolling.enrol(house, WHO, hub.invitation())
    room_of(house).look()
    return connected(house)


def name_of(house: House) -> str:
    """The practice's name at the hub."""
    found = identity.current(house)
    assert found is not None
    return found.host


def record(house: House) -> Record:
    """What is remembered."""
    with house.store.read(WHO) as tx:
        return acme_record.load(tx)


def tried(house: House) -> Record:
    """What is remembered, once a try has failed."""
    return until(lambda: (found := record(house)).progress.code and found)


def fetched(house: House, not_this: str = "") -> Record:
    """What is remembered, once there is a chain (another than this one) and the runner shows it to guests."""
    return until(lambda: (found := record(house)).chain not in ("", not_this) and found)


def trusting(certifier: Certifier) -> ssl.SSLContext:
    """A guest that trusts the authority and nobody else."""
    return ssl.create_default_context(cadata=certifier.authority.root)


def visit(hub: RunningHub, name: str, context: ssl.SSLContext) -> bytes:
    """A guest under a name: the certificate he meets (DER), after the practice has answered him. ssl.SSLError if not."""
    with come(hub, name, context) as guest:
        ask(guest, name)
        assert rest(guest).startswith(b"HTTP/1.1 200")
        found = guest.getpeercert(binary_form=True)
        assert found is not None
        return found


def welcome(hub: RunningHub, name: str, context: ssl.SSLContext) -> bool:
    """Is a guest served under this name?"""
    try:
        return bool(visit(hub, name, context))
    except OSError:
        return False


def pin_of(house: House) -> str:
    """The pin of the certificate in force."""
    return certificates.current(house).spki


def happened(house: House) -> int:
    """How often a certificate was received."""
    with house.store.read(WHO) as tx:
        return [one.type for one in events.after(tx, 0, 500)].count("relay.certificate_renewed")


def wrong(house: House) -> dict[str, str]:
    """What is wrong with the certificate: codes, and what the authority said."""
    return {one.code: str(one.params.get("said", "")) for one in checks.certificate_findings(house)}


def choose(house: House, ca: RunningAuthority, **more: Any) -> None:
    """The authority is chosen."""
    put(house, certificate="acme", acme_directory=ca.directory, **more)


def names(der: bytes) -> set[str]:
    """The names of a certificate (DER)."""
    leaf = x509.load_der_x509_certificate(der)
    found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(found.get_values_for_type(x509.DNSName))


def serves(known: Record, der: bytes) -> bool:
    """Is it the leaf of this chain?"""
    return x509.load_pem_x509_certificates(known.chain.encode())[0] == x509.load_der_x509_certificate(der)
