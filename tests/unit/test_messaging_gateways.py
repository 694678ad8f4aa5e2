"""Descriptions of gateways: what is wrong in a file is named with its line; gaps, paths, times and numbers."""

import json
from pathlib import Path
from typing import Any

import pytest

from praxisd.services.messaging.channels import protected
from praxisd.services.messaging.channels.descriptions import GatewayFault, parse
from praxisd.services.messaging.channels.fill import at, fill, fill_flat, fill_tree, fits
from praxisd.services.messaging.channels.gateway_files import built_in
from praxisd.services.messaging.channels.hooks import moment, number, short
from praxisd.services.messaging.channels.http_sms import sender_fits

GOOD = """title = "Beispiel"

[[fields]]
key = "address"
default = "https://sms.example"

[[fields]]
key = "token"
secret = true

[states]
ok = "delivered"

[send]
url = "{address}/send"
headers = { Authorization = "Bearer {token}" }
json = { to = "{to}", text = "{text}", id = "{id}" }

[[send.answers]]
means = "accepted"
status = [200]
receipt = "id"

[[send.answers]]
means = "refused"
when = { error = "number" }
code = "number_rejected"

[poll]
url = "{address}/status"
query = { ids = "{receipts}" }
batch = 10
receipt = "id"
state = "state"

[hook]
signature = "token"

[[hook.events]]
kind = "report"
when = { what = "report" }
receipt = "id"
state = "state"
"""


def test_a_good_file_is_read() -> None:
    found = parse("beispiel", GOOD)
    assert (found.name, found.title, found.poll and found.poll.batch) == ("beispiel", "Beispiel", 10)
    assert [one.means for one in found.send.answers] == ["accepted", "refused"]
    assert found.abilities.reports and found.abilities.hooks and not found.abilities.finds


@pytest.mark.parametrize(
    ("old", "new", "line", "word"),
    [
        ('title = "Beispiel"', 'title = "Beispiel', 1, ""),
        ('title = "Beispiel"', 'titel = "Beispiel"', 1, "titel"),
        ('title = "Beispiel"\n', 'title = "Beispiel"\nname = "x"\n', 2, "name"),
        ('key = "token"', 'key = "to"', 8, "meaning"),
        ('key = "token"', 'key = "address"', 8, "twice"),
        ('key = "token"', 'key = "To ken"', 8, "small letters"),
        ("secret = true", 'secret = "yes"', 9, "secret"),
        ("secret = true", 'choices = ["a"]\ndefault = "b"', 10, "choices"),
        ('ok = "delivered"', 'ok = "angekommen"', 12, "states"),
        ('url = "{address}/send"', 'url = "http://sms.example"', 15, "https"),
        ('url = "{address}/send"', 'url = "{address}/{nothing}"', 15, "{nothing}"),
        ("Bearer {token}", "Bearer {tokn}", 16, "{tokn}"),
        ('text = "{text}"', 'text = "{text!r}"', 17, "plain"),
        ('text = "{text}"', 'text = "{text"', 17, "json"),
        ('means = "accepted"', 'means = "taken"', 20, "means"),
        ('receipt = "id"\n\n[[send', "\n\n[[send", 20, "receipt"),
        ('code = "number_rejected"', "", 24, "code"),
        ('code = "number_rejected"', 'code = "no_such"', 27, "one of"),
        ('code = "number_rejected"', 'code = "number_rejected"\npermament = true', 28, "permament"),
        ("batch = 10", 'batch = "10"', 32, "batch"),
        ('receipt = "id"\nstate = "state"\n\n[hook]', 'state = "state"\n\n[hook]', 32, "receipt or id"),
        ('signature = "token"', 'signature = "hmac"', 37, "header"),
        ('"report" }\nreceipt = "id"', '"report" }', 40, "report needs"),
    ],
)
def test_a_fault_is_named_with_its_line(old: str, new: str, line: int, word: str) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    with pytest.raises(GatewayFault) as caught:
        parse("beispiel", text)
    assert str(caught.value).startswith(f"beispiel.toml:{line}: "), str(caught.value)
    assert word in str(caught.value)


def test_a_file_needs_a_plain_name_and_an_answer_that_means_accepted() -> None:
    with pytest.raises(GatewayFault, match="letters"):
        parse("Bei spiel", GOOD)
    with pytest.raises(GatewayFault, match="no answer means accepted"):
        parse("x", GOOD.replace('means = "accepted"', 'means = "lost"'))
    with pytest.raises(GatewayFault, match="either json or form"):
        parse("x", GOOD.replace("json = {", 'form = { a = "b" }\njson = {'))


@pytest.mark.parametrize(
    "text", ["", "[", "[send]", "a = 1", "[[send]]\nurl = 1", "\0", "[send.answers]\na=1", "x" * 9999]
)
def test_whatever_is_in_a_file_it_is_a_fault_and_no_crash(text: str) -> None:
    with pytest.raises(GatewayFault):
        parse("x", text)


def test_those_that_ship_are_good_and_keep_secrets_out_of_addresses() -> None:
    assert list(built_in()) == ["aspsms", "lox24", "sandbox", "seven"]
    for one in built_in().values():
        secret = [field.key for field in one.fields if field.secret]
        assert secret
        for call in (one.send, one.poll, one.find, one.balance):
            assert call is not None
            shown = call.url + json.dumps(call.query)
            assert not any(f"{{{key}}}" in shown for key in secret), one.name


@pytest.mark.foreign_data
def test_seven_is_asked_only_what_its_openapi_knows(foreign_data: Path) -> None:
    api = json.loads((foreign_data / "gateways/seven-io/json/openapi.json").read_text(encoding="utf-8"))
    seven = built_in()["seven"]
    known = {"send": "/sms", "poll": "/status", "find": "/journal/outbound", "balance": "/balance"}
    for part, path in known.items():
        call = getattr(seven, part)
        assert call.url == "{address}" + path
        operation = api["paths"][path][call.method.lower()]
        parameters = [_resolved(api, one) for one in operation.get("parameters", [])]
        assert set(call.query) <= {one["name"] for one in parameters}
    form = api["paths"]["/sms"]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"][
        "schema"
    ]
    assert set(seven.send.form or {}) - set(form["properties"]) == {"ttl"}, (
        "ttl: docs.seven.io, rest-api/endpoints/sms"
    )
    states = api["components"]["schemas"]["SmsStatus"]["items"]["properties"]["status"]["enum"]
    assert set(states) - set(seven.states) == {"UNKNOWN"} and set(seven.states) <= set(states)


def _resolved(api: Any, one: Any) -> Any:
    if "$ref" not in one:
        return one
    found = api
    for step in one["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found


def test_gaps_are_filled_and_what_is_empty_is_left_out() -> None:
    values = {"address": "https://a.example/api/", "id": "x/../y?z=1", "n": 5, "none": "", "text": "{id} & ü"}
    assert fill("{address}/sms/{id}", values, address=True) == "https://a.example/api/sms/x%2F..%2Fy%3Fz%3D1"
    assert fill_flat({"a": "{text}", "b": "{none}", "c": "x{none}", "d": "-"}, values) == {
        "a": "{id} & ü",
        "d": "-",
    }
    tree = {"n": "{n}", "s": "n{n}", "l": ["{id}:{n}", "{none}"], "d": {"e": "{none}"}, "t": True}
    assert fill_tree(tree, values) == {"n": 5, "s": "n5", "l": ["x/../y?z=1:5"], "d": {}, "t": True}


def test_paths_and_words() -> None:
    tree = {"a": [{"b": True}, {"c": None}], "n": 100, "f": 1.0, "s": "100"}
    assert (
        at(tree, "a.0.b") is True and at(tree, "a.9.b") is None and at(tree, "n.x") is None and at(5, "") == 5
    )
    assert fits(tree, {"n": "100", "s": "100", "f": "1", "a.0.b": "true", "a": "*"})
    assert fits(tree, {"n": "1|100"}) and not fits(tree, {"n": "10"}) and not fits(tree, {"a.1.c": "*"})
    assert not fits("<html>", {"n": "100"}) and fits(900, {"": "900"})


@pytest.mark.parametrize(
    ("told", "zone", "meant"),
    [
        (1653378603, "UTC", 1653378603),
        ("1605878104", "UTC", 1605878104),
        ("2021-08-24 08:08:00.000000", "Europe/Berlin", 1629785280),
        ("2021-01-21T13:46:34Z", "UTC", 1611236794),
        ("2021-08-24T08:08:00+02:00", "UTC", 1629785280),
        ("", "UTC", None),
        ("gestern", "UTC", None),
        (True, "UTC", None),
        (10**11, "UTC", None),
        ("9999-12-31T23:59:59", "Europe/Berlin", None),
        (None, "UTC", None),
    ],
)
def test_times_as_gateways_tell_them(told: Any, zone: str, meant: int | None) -> None:
    assert moment(told, zone) == meant


def test_numbers_and_codes_of_others() -> None:
    assert [number(one) for one in ("491771783130", "0049 177 1783130", "+49 (177) 178-3130")] == [
        "+491771783130"
    ] * 3
    assert number("0177 1783130") == "01771783130", "a number without its country is not guessed"
    assert number("SMS") == "SMS" and len(number("x" * 99)) == 40
    assert short("202") == "202" and short("Herr Müller, Karies") == ""


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://gateway.seven.io/api", True),
        ("http://gateway.seven.io/api", False),
        ("http://127.0.0.1:8090", True),
        ("http://[::1]:8090", True),
        ("http://192.168.1.5", True),
        ("http://sandbox:8090", True),
        ("http://gateway.praxis.lan", True),
        ("http://8.8.8.8", False),
        ("https://user:word@gateway.example", False),
        ("https://gateway.example/?key=1", False),
        ("ftp://gateway.example", False),
        ("https://", False),
        ("https://a:0", False),
        ("gateway.example", False),
    ],
)
def test_texts_of_patients_leave_the_house_only_protected(url: str, good: bool) -> None:
    assert protected(url) is good


@pytest.mark.parametrize(
    ("sender", "good"),
    [
        ("Praxis", True),
        ("", True),
        ("Praxis Muell", False),
        ("+491713920055", True),
        ("4" * 17, False),
        ("a\nb", False),
    ],
)
def test_senders(sender: str, good: bool) -> None:
    assert sender_fits(built_in()["seven"], sender) is good
