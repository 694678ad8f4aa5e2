"""The certificate guests meet: our own, or files of somebody else; never a closed door because of a faulty one."""

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.services.relay import certificate_making, certificates, store
from praxisd.services.relay.certificate_making import Material
from praxisd.testing.houses import Houses

NAME = "praxis.relay.example"
DAY = 86_400


def put(house: House, **values: str) -> None:
    """Settings of the relay."""
    for name, value in values.items():
        house.store.run(system("test"), lambda tx, n=name, v=value: house.settings.put(tx, f"relay.{n}", v))


def pair(
    folder: Path, *names: str, issuer: trustme.CA | None = None, ends: datetime | None = None
) -> trustme.LeafCert:
    """Two files in the folder, and the settings that name them are theirs."""
    leaf = (issuer or trustme.CA()).issue_cert(*names, not_after=ends)
    for file, blobs in (("cert.pem", leaf.cert_chain_pems), ("key.pem", [leaf.private_key_pem])):
        fresh = folder / f"{file}.new"
        fresh.write_bytes(b"".join(blob.bytes() for blob in blobs))
        os.replace(fresh, folder / file)
    return leaf


def use_files(house: House, folder: Path) -> None:
    """Choose them."""
    put(
        house,
        own_name=NAME,
        certificate="files",
        certificate_file=str(folder / "cert.pem"),
        key_file=str(folder / "key.pem"),
    )


def codes(house: House) -> list[str]:
    """What is wrong now."""
    return [one.code for one in certificates.faults(house)]


def greet(held: certificates.Held, name: str, protocol: str = "http/1.1") -> tuple[bytes, str | None]:
    """What a client that says this name meets: the certificate (DER) and the protocol that was agreed on."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.set_alpn_protocols([protocol])
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server, server_hostname=name)
    far = held.context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (near, far):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return near.getpeercert(True) or b"", near.selected_alpn_protocol()


def test_our_own_is_made_at_the_first_call_and_stays(house: House) -> None:
    put(house, own_name=NAME)
    held = certificates.current(house)
    assert (held.source, held.names) == ("own", (NAME,))
    assert held.not_after > house.clock.now() + 300 * DAY
    assert certificates.current(house) is held, "made once, not per guest"
    leaf, protocol = greet(held, NAME)
    assert certificates.pin(Material(ssl.DER_cert_to_PEM_cert(leaf), b"").spki) == held.spki
    assert protocol == "http/1.1"
    assert held.next_spki not in (None, held.spki) and held.pins == (held.spki, held.next_spki)
    assert codes(house) == []


def test_its_key_outlives_it(house: House, clock: FrozenClock) -> None:
    first = certificates.current(house)
    clock.advance(350 * DAY)
    second = certificates.current(house)
    assert second.not_after > first.not_after and second.pins == first.pins
    put(house, own_name=NAME)
    third = certificates.current(house)
    assert third.names == (NAME,) and third.pins == first.pins


def test_two_nodes_have_the_same(houses: Houses, house: House) -> None:
    other = houses.twin(house)
    assert certificates.current(house).chain == certificates.current(other).chain


def test_the_key_lies_sealed(house: House) -> None:
    certificates.current(house)
    with house.store.read(system("test")) as tx:
        row = store.certificate(tx, "own")
    assert "PRIVATE" not in repr(row) and "BEGIN CERTIFICATE" in row.chain


def test_files_are_used_and_read_anew_when_they_change(house: House, tmp_path: Path) -> None:
    pair(tmp_path, NAME)
    use_files(house, tmp_path)
    first = certificates.current(house)
    assert (first.source, codes(house)) == ("files", [])
    assert certificates.current(house) is first
    pair(tmp_path, NAME, "*.relay.example")
    second = certificates.current(house)
    assert second.spki != first.spki and "*.relay.example" in second.names


def test_what_is_wrong_with_files_is_named_and_the_last_good_pair_serves(
    house: House, tmp_path: Path
) -> None:
    use_files(house, tmp_path)
    assert certificates.current(house).source == "own"
    assert codes(house) == ["relay.certificate_unreadable"]
    pair(tmp_path, NAME)
    good = certificates.current(house)
    assert (good.source, codes(house)) == ("files", [])
    (tmp_path / "key.pem").write_bytes(certificate_making.new_key())
    assert certificates.current(house) is good
    assert codes(house) == ["relay.certificate_wrong_pair"]
    (tmp_path / "cert.pem").write_bytes(b"no PEM at all")
    assert codes(house) == ["relay.certificate_unreadable"] and certificates.current(house) is good
    pair(tmp_path, "other.example")
    assert codes(house) == ["relay.certificate_wrong_name"]
    pair(tmp_path, NAME, ends=datetime.fromtimestamp(house.clock.now(), UTC) - timedelta(days=1))
    assert codes(house) == ["relay.certificate_expired"]
    pair(tmp_path, "*.relay.example")
    assert codes(house) == [], "a wildcard stands for one label"
    pair(tmp_path, NAME)
    assert codes(house) == []


@pytest.mark.parametrize("houses", ["sqlite"], indirect=True)
def test_files_that_are_no_files(house: House, tmp_path: Path) -> None:
    use_files(house, tmp_path)
    (tmp_path / "cert.pem").mkdir()
    assert codes(house) == ["relay.certificate_unreadable"]
    (tmp_path / "cert.pem").rmdir()
    pair(tmp_path, NAME)
    (tmp_path / "cert.pem").write_bytes(b"x" * 300_000)
    assert codes(house) == ["relay.certificate_unreadable"]
