"""What may stand in a support package: each type lets through what it is, and nothing that a person made up."""

import json
import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.services.support import bundle_log, bundle_machine
from praxisd.services.support import bundle_values as values
from praxisd.services.support.bundle_values import HIDDEN, Row
from praxisd.services.support.contact_text import write

KNOWN = frozenset({"store.disk_low", "reminders.send", "warning"})
NAMES = (
    "Kanarie",
    "Müller, Anna",
    "anna.mueller@example.org",
    "0171 3920012",
    "kanarie",
    "Erika Muster",
    "11.11.1911",
)
TYPES = (
    values.version,
    values.place,
    values.error_type,
    values.ident,
    values.customer,
    values.stamp,
    bundle_machine.system,
    bundle_machine.volume,
    lambda one: values.word(one, KNOWN),
    lambda one: values.words([one], KNOWN),
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("type_", TYPES)
def test_no_type_lets_a_name_or_a_number_of_somebody_through(type_, name: str) -> None:
    told = type_(name)
    # A version and a customer's number are digits: of a birthday no more than digits could ever be told.
    assert told is HIDDEN or (re.fullmatch(r"[\d. ]+", str(told)) and name[0].isdigit())


@given(st.text(min_size=1, max_size=40))
def test_texts_pass_only_as_what_they_are(text: str) -> None:
    for type_ in TYPES:
        told = type_(text)
        if told is not HIDDEN and told is not None:
            assert re.fullmatch(r"[\x20-\x7e]*", str(told)), (type_, told)
            assert str(told) in f"{text}Z" or type_ is values.stamp


@given(
    st.dictionaries(
        st.text(max_size=12), st.one_of(st.text(max_size=20), st.integers(), st.none()), max_size=8
    )
)
def test_a_field_of_the_log_that_nobody_knows_is_not_told(fields: dict[str, object]) -> None:
    for name, value in fields.items():
        told = bundle_log.field(name, value, KNOWN)
        assert told is HIDDEN or told is None or told == value or name in ("version",)
        if isinstance(value, str) and value and not isinstance(told, str):
            assert told is HIDDEN or told is None


def test_what_is_useful_passes() -> None:
    assert values.number(1.23456) == 1.235 and values.number(True) is True and values.number(None) is None
    assert values.number(float("nan")) is HIDDEN and values.number("12") is HIDDEN
    assert values.time(1_764_241_200) == "2025-11-27T11:00:00Z" and values.time(-1) is HIDDEN
    assert values.stamp("2026-11-27T10:00:00.123+01:00") == "2026-11-27T09:00:00Z"
    assert values.version("v3.40.1") == "3.40.1" and values.version("6.1.0-28-amd64") == "6.1.0"
    assert values.version("0.9.0rc1") == "0.9.0rc1"
    assert values.host("EMPFANG-2") == "EMPFANG-2" and values.host("192.168.0.7") == "192.168.0.7"
    assert values.host("Frau Müller") is HIDDEN
    assert values.place("praxisd.services.support.bundle_values:12:host").endswith(":host")
    assert values.place("Kanarie:12:host") is HIDDEN
    assert values.error_type("ValueError") == "ValueError" and values.error_type("os.path") is HIDDEN
    assert values.error_type("praxisd.kernel.errors.Problem") == "praxisd.kernel.errors.Problem"
    assert values.customer("4711-08") == "4711-08" and values.customer("K 12345") == "K 12345"
    assert values.word("warning", KNOWN) == "warning" and values.word("", KNOWN) is None
    assert bundle_machine.system("Windows Server 2022 Standard") == "Windows Server 2022"
    assert bundle_machine.system("Debian GNU/Linux 12 (bookworm)") == "Debian GNU/Linux 12"
    assert bundle_machine.volume("C:\\") == "C:\\" and bundle_machine.volume("/srv/kanarie") is HIDDEN


def test_a_line_names_what_it_does_not_tell() -> None:
    row = Row("issue", {"code": "store.disk_low", "subject": HIDDEN, "since": None, "n": 3})
    assert json.loads(row.encoded()) == {
        "part": "issue",
        "code": "store.disk_low",
        "n": 3,
        "hidden": ["subject"],
    }


def test_loggers_and_sentences_of_libraries_pass_and_single_words_do_not() -> None:
    logging.getLogger("email.kanarie")
    logging.getLogger("Kanarie")
    assert bundle_log.field("logger", "Kanarie", KNOWN) is HIDDEN
    assert bundle_log.field("template", "Task exception was never retrieved", KNOWN) == (
        "Task exception was never retrieved"
    )
    assert bundle_log.field("template", "Kanarie", KNOWN) is HIDDEN
    for name in ("actor", "subject", "key", "host", "thread", "signal"):
        assert bundle_log.field(name, "kanarie", KNOWN) is HIDDEN
    assert bundle_log.field("reason", "SQLITE_BUSY", KNOWN) == "SQLITE_BUSY"
    assert bundle_log.field("trace", ["os:1:f", "Kanarie:1:f"], KNOWN) == ["os:1:f"]


def test_the_letter_leaves_out_what_is_empty_and_its_digest_covers_every_word() -> None:
    def letter(**more: str) -> object:
        given = {
            "to": "a@b.example",
            "about": "",
            "customer": "",
            "text": " Hallo ",
            "person": "",
            "phone": "",
        }
        return write(lambda key: key, **{**given, **more}, facts=["a: b", ""])

    plain = letter()
    assert plain.subject == "subject" and plain.text == "greeting\n\nHallo\n\na: b\n"
    full = letter(about="Kaputt\r\nBcc: x", customer="47", person="P", phone="1")
    assert full.subject == "subject: Kaputt Bcc: x (customer 47)" and "person: P\nphone: 1" in full.text
    digests = {plain.digest, full.digest, letter(to="c@b.example").digest, letter(text="Hallo!").digest}
    assert len(digests) == 4
