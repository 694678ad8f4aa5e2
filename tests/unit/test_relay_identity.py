"""Keys, ids, signatures, codes and invitations of the relay."""

import base64
import hashlib

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from praxisd_relay import identity
from praxisd_relay.identity import Identity, IdentityError, Invitation

KEYS = st.binary(min_size=32, max_size=32)
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
HOSTS = st.lists(LABEL, min_size=1, max_size=4).map(".".join)
PIN = "A" * 42 + "E"


def test_the_id_is_what_anybody_can_compute_from_the_key() -> None:
    # RFC 8032, 7.1, test 1; the id by sha256sum and base32 of coreutils.
    key = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    one = Identity.load(key)
    assert one.public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert one.sign(b"").hex().startswith("e5564300c360ac729086e2cc806e828a")
    assert one.id == "eh7ddx5bksrgcytl7bkai36se4"
    assert len(one.id) == 26 and identity.is_id(one.id)


@given(KEYS)
def test_an_id_is_a_dns_label(private: bytes) -> None:
    one = Identity.load(private)
    assert identity.is_id(one.id) and identity.is_host(f"{one.id}.relay.example")
    assert one.id == identity.id_of(one.public)


@given(KEYS, KEYS, st.binary(max_size=200))
def test_only_the_owner_signs(private: bytes, other: bytes, message: bytes) -> None:
    one, two = Identity.load(private), Identity.load(other)
    signature = one.sign(message)
    assert identity.verify(one.public, message, signature)
    assert identity.verify(two.public, message, signature) is (one == two)
    assert not identity.verify(one.public, message + b"!", signature)


@given(st.binary(max_size=70), st.binary(max_size=70), st.binary(max_size=70))
def test_verifying_never_raises(public: bytes, message: bytes, signature: bytes) -> None:
    assert identity.verify(public, message, signature) in (True, False)


def test_messages_of_one_purpose_do_for_no_other() -> None:
    nonce = b"n" * 32
    one, two = Identity.new(), Identity.new()
    code = identity.new_code()
    said = {
        identity.auth_message(nonce, "a", one.id, ()),
        identity.auth_message(nonce, "a", one.id, ("x",)),
        identity.auth_message(nonce, "b", one.id, ()),
        identity.auth_message(b"m" * 32, "a", one.id, ()),
        identity.auth_message(nonce, "a", two.id, ()),
        identity.enrol_message(nonce, "a", one.id, code),
        identity.enrol_message(nonce, "a", one.id, identity.new_code()),
        identity.rotate_message(nonce, "a", one.id, two.id),
        identity.rotate_message(nonce, "a", two.id, one.id),
    }
    assert len(said) == 9


def test_the_private_key_is_in_no_text() -> None:
    one = Identity.new()
    assert one.id in repr(one)
    assert repr(one.private) not in repr(one) and one.private.hex() not in f"{one!r}{one}"


@pytest.mark.parametrize("size", [0, 31, 33])
def test_no_key(size: int) -> None:
    for make in (Identity.load, identity.id_of):
        with pytest.raises(IdentityError) as caught:
            make(b"k" * size)
        assert caught.value.part == "key"


@given(st.data())
def test_a_code_is_read_as_people_type_it(data: st.DataObject) -> None:
    code = identity.new_code()
    assert len(code) == 26 and identity.read_code(identity.show_code(code)) == code
    typed = "".join(
        letter + data.draw(st.sampled_from(("", "-", " ", "\n")))
        for letter in data.draw(
            st.sampled_from((code, code.lower(), code.replace("0", "o").replace("1", "l")))
        )
    )
    assert identity.read_code(typed) == code
    assert identity.code_hash(identity.read_code(typed)) == identity.code_hash(code)


@pytest.mark.parametrize("text", ["", "ABC", "U" * 26, "A" * 25, "A" * 27, "Ä" * 26, "A" * 25 + "!"])
def test_no_code(text: str) -> None:
    with pytest.raises(IdentityError) as caught:
        identity.read_code(text)
    assert caught.value.part == "code"


@given(HOSTS, st.integers(1, 65535), st.one_of(st.none(), st.just(PIN)))
def test_an_invitation_comes_back(host: str, port: int, pin: str | None) -> None:
    one = Invitation(host, port, identity.new_code(), pin)
    line = one.text()
    assert Invitation.parse(line) == one
    assert Invitation.parse(f"  https://{line[:20]}\r\n {line[20:]}/\n") == one
    assert (":" in line) is (port != 443)


def test_an_invitation_as_the_contract_writes_it() -> None:
    code = "01234-56789-ABCDE-FGHJK-MNPQRS"
    assert Invitation.parse(f"link.relay.example/{code}") == Invitation(
        "link.relay.example", 443, "0123456789ABCDEFGHJKMNPQRS"
    )
    assert Invitation.parse(f"LINK.relay.example:8443/{code.lower()}/{PIN}") == Invitation(
        "link.relay.example", 8443, "0123456789ABCDEFGHJKMNPQRS", PIN
    )


CODE = "0123456789ABCDEFGHJKMNPQRS"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "invitation"),
        ("link.example", "invitation"),
        (f"link.example/{CODE}/{PIN}/x", "invitation"),
        (f"/{CODE}", "host"),
        (f"li nk_.example/{CODE}", "host"),
        (f"-link.example/{CODE}", "host"),
        (f"{'a' * 64}.example/{CODE}", "host"),
        (f"link.example:/{CODE}", "port"),
        (f"link.example:0/{CODE}", "port"),
        (f"link.example:65536/{CODE}", "port"),
        (f"link.example:44x/{CODE}", "port"),
        (f"link.example:٤٤/{CODE}", "port"),
        (f"link.example/{CODE[1:]}", "code"),
        (f"link.example/{CODE}/short", "pin"),
        (f"link.example/{CODE}/{'!' * 43}", "pin"),
    ],
)
def test_what_is_wrong_with_an_invitation(text: str, part: str) -> None:
    with pytest.raises(IdentityError) as caught:
        Invitation.parse(text)
    assert caught.value.part == part


@given(st.text(max_size=120))
def test_any_text_is_an_invitation_or_a_named_fault(text: str) -> None:
    try:
        one = Invitation.parse(text)
    except IdentityError as error:
        assert error.part in {"invitation", "host", "port", "code", "pin"}
    else:
        assert Invitation.parse(one.text()) == one


def test_the_pin_is_that_of_the_key_not_of_the_certificate() -> None:
    issued = trustme.CA().issue_cert("link.example")
    found = x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes())
    spki = found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pin = identity.spki_pin(found.public_bytes(Encoding.DER))
    assert identity.is_pin(pin)
    assert base64.urlsafe_b64decode(pin + "=") == hashlib.sha256(spki).digest()
