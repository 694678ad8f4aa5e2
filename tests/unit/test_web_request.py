"""How requests are read: languages, addresses behind proxies, tags, query structs."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.web.paths import Paths
from praxisd.web.reading import BodyReader, QueryReader
from praxisd.web.request import Headers, Request, language, networks


def request(client: str | None = "192.0.2.1", **headers: str) -> Request:
    """A request with these headers (underscores for hyphens)."""
    pairs = [(k.replace("_", "-").encode(), v.encode("latin-1")) for k, v in headers.items()]
    scope = {
        "type": "http",
        "method": "GET",
        "headers": pairs,
        "scheme": "http",
        "server": ("10.0.0.1", 8080),
        "client": None if client is None else (client, 1),
    }

    async def receive() -> Any:
        raise AssertionError("nothing is read here")

    return Request(scope, receive, "id")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (b"de", "de"),
        (b"en", "en"),
        (b"en-US,en;q=0.9", "en"),
        (b"fr, es", "de"),
        (b"fr, en;q=0.1", "en"),
        (b"de;q=0.1, en;q=0.2", "en"),
        (b"en;q=0", "de"),
        (b"en;q=nonsense, de", "de"),
        (b"*", "de"),
        (b"", "de"),
    ],
)
def test_language(accept: bytes, expected: str) -> None:
    assert language(accept) == expected


@given(st.binary(max_size=60))
def test_any_accept_language_gives_a_language(accept: bytes) -> None:
    assert language(accept) in ("de", "en")


def test_forwarded_addresses_count_as_far_as_trusted_proxies_reach() -> None:
    trusted = networks(["10.0.0.0/8", "2001:db8::1"])
    assert request("192.0.2.9", x_forwarded_for="203.0.113.5").address(trusted) == "192.0.2.9"
    assert request("10.1.1.1", x_forwarded_for="203.0.113.5").address(trusted) == "203.0.113.5"
    assert (
        request("10.1.1.1", x_forwarded_for="1.1.1.1, 203.0.113.5, 10.2.2.2").address(trusted)
        == "203.0.113.5"
    )
    assert request("10.1.1.1", x_forwarded_for="evil, 203.0.113.5").address(trusted) == "203.0.113.5"
    assert request("10.1.1.1", x_forwarded_for="not an address").address(trusted) == "10.1.1.1"
    assert request("10.1.1.1").address(trusted) == "10.1.1.1"
    assert request("10.1.1.1", x_forwarded_for="203.0.113.5").address(()) == "10.1.1.1"
    assert request(None).address(trusted) is None
    with pytest.raises(Problem) as wrong:
        networks(["10.0.0.0/33"])
    assert wrong.value.code == "config.invalid"


def test_base_url() -> None:
    trusted = networks(["10.0.0.0/8"])
    assert request(host="praxis.example:8443").base_url(None, ()) == "http://praxis.example:8443"
    assert request(host="[::1]:8080").base_url(None, ()) == "http://[::1]:8080"
    assert request(host="evil/../x").base_url(None, ()) == "http://10.0.0.1:8080"
    assert request().base_url(None, ()) == "http://10.0.0.1:8080"
    assert request(host="a").base_url("https://praxis.example/", ()) == "https://praxis.example"
    assert request("10.0.0.9", host="a", x_forwarded_proto="https").base_url(None, trusted) == "https://a"
    assert request("192.0.2.1", host="a", x_forwarded_proto="https").base_url(None, trusted) == "http://a"
    assert request("10.0.0.9", host="a", x_forwarded_proto="evil").base_url(None, trusted) == "http://a"


def test_only_direct_callers_on_this_computer_are_local() -> None:
    assert request("127.0.0.1", host="127.0.0.1:8080").local
    assert request("127.0.0.1", host="localhost").local
    assert request("::1", host="[::1]:8080").local
    assert not request("192.0.2.1", host="localhost").local
    assert not request("127.0.0.1", host="praxis.example").local  # the relay or a rebinding page
    assert not request("127.0.0.1", host="localhost", x_forwarded_for="203.0.113.5").local
    assert not request(None, host="localhost").local


def test_repeated_headers_are_joined_so_that_two_keys_are_none() -> None:
    one = request()
    one.scope["headers"] = [(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")]
    again = Request(one.scope, one.receive, "id")
    assert again.bearer == "a, Bearer b"
    assert request(authorization="bearer  secret ").bearer == "secret"
    assert request(authorization="Basic secret").bearer == ""


def test_routes_never_see_the_secret() -> None:
    headers = Headers({b"authorization": b"Bearer x", b"accept": b"a", b"cookie": b"praxisd=x"})
    assert dict(headers) == {"accept": "a"} and headers.get("Cookie") is None
    assert (len(headers), headers.get("Authorization".lower()), headers["Accept"]) == (1, None, "a")


def test_cookies_sent_in_several_headers_are_one_list() -> None:
    one = request(user_agent="x" * 1000)
    one.scope["headers"] += [(b"cookie", b"a=1"), (b"cookie", b" praxisd=t "), (b"cookie", b"b=praxisd=u")]
    again = Request(one.scope, one.receive, "id")
    assert again.session_token(secure=False) == "t" and again.session_token(secure=True) == ""
    seen = again.visit(None, ())
    assert (seen.token, seen.secure, seen.foreign, len(seen.device)) == ("t", False, False, 400)
    assert again.visit("https://praxis.example", ()).secure


def test_an_origin_without_its_usual_port_is_the_same() -> None:
    for public, origin, foreign in (
        ("https://praxis.example:443/x", "https://praxis.example", False),
        ("http://Praxis.example:80", "http://praxis.example", False),
        ("https://praxis.example:80", "https://praxis.example", True),
        (None, "http://10.0.0.1:8080", False),
        (None, "http://10.0.0.1", True),
    ):
        assert request(origin=origin).foreign(public, ()) is foreign, (public, origin)


def test_a_plain_form_of_our_own_page_has_no_origin_to_show() -> None:
    """Under `Referrer-Policy: no-referrer` browsers send `Origin: null` with it; what they say of the site counts."""
    assert request(origin="null", **{"sec-fetch-site": "same-origin"}).foreign(None, ()) is False
    assert request(origin="null", **{"sec-fetch-site": "cross-site"}).foreign(None, ()) is True
    assert request(origin="null").foreign(None, ()) is True


class Query(msgspec.Struct, rename="camel", frozen=True):
    word: str | None = None
    limit: int = 10
    schedule: list[str] = []
    since_at: float | None = None
    yes: bool = False


def test_query_structs() -> None:
    reader = QueryReader(Query)
    assert reader.read(b"") == Query()
    found = reader.read(b"word=a+b&limit=2&schedule=x&schedule=y&sinceAt=1.5&yes=true")
    assert found == Query("a b", 2, ["x", "y"], 1.5, True)
    assert reader.read(b"word=") == Query("")
    assert QueryReader(None).read(b"") is None


@given(st.binary(max_size=80))
def test_any_query_is_read_or_refused(query: bytes) -> None:
    reader = QueryReader(Query)
    try:
        found = reader.read(query)
    except Problem as problem:
        assert problem.status == 400 and problem.code.startswith("http.")
    else:
        assert isinstance(found, Query)


class Body(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    size: int = 0
    more: dict[str, Any] = {}


@given(st.one_of(st.binary(max_size=60), st.text(max_size=40).map(lambda t: f'{{"name":"{t}"}}'.encode())))
def test_any_body_is_read_or_refused(content: bytes) -> None:
    try:
        found = BodyReader(Body).read(content)
    except Problem as problem:
        assert problem.status == 400 and problem.code in ("http.malformed_json", "http.invalid_body")
    else:
        assert "\0" not in found.name


@pytest.mark.parametrize(
    "value", ['"a\\u0000"', '["\\u0000"]', '{"\\u0000": 1}', "[[9007199254740992]]", "-9007199254740992"]
)
def test_values_no_database_keeps_are_refused_however_deep(value: str) -> None:
    with pytest.raises(Problem) as refused:
        BodyReader(Body).read(f'{{"name": "a", "more": {{"x": {value}}}}}'.encode())
    assert refused.value.code == "http.invalid_body"


class Part(msgspec.Struct, rename="camel", frozen=True):
    """A record of the model: unknown fields pass when it is read from the database."""

    value: str
    long_name: str | None = None
    more: "tuple[Part, ...]" = ()


class Round(msgspec.Struct, tag="round", tag_field="kind"):
    radius: int


class Square(msgspec.Struct, tag="square", tag_field="kind"):
    side: int


class Whole(msgspec.Struct, forbid_unknown_fields=True):
    part: Part | None = None
    parts: list[Part] = []
    named: dict[str, Part] = {}
    pair: tuple[int, Part] | None = None
    shape: Round | Square | None = None
    free: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"part": {"value": "a", "colour": 1}}, "$.part"),
        ({"part": {"value": "a", "long_name": "x"}}, "$.part"),
        ({"parts": [{"value": "a"}, {"value": "b", "colour": 1}]}, "$.parts[...]"),
        ({"part": {"value": "a", "more": [{"value": "b", "colour": 1}]}}, "$.part.more[...]"),
        ({"named": {"x": {"value": "a", "colour": 1}}}, "$.named"),
        ({"pair": [1, {"value": "a", "colour": 1}]}, "$.pair[...]"),
        ({"shape": {"kind": "square", "side": 1, "radius": 1}}, "$.shape"),
    ],
)
def test_unknown_fields_are_refused_at_any_depth(body: dict[str, Any], place: str) -> None:
    with pytest.raises(Problem) as refused:
        BodyReader(Whole).read(msgspec.json.encode(body))
    assert refused.value.code == "http.invalid_body"
    assert refused.value.detail is not None and f"at `{place}" in refused.value.detail


def test_known_fields_pass_at_any_depth() -> None:
    body = {
        "part": {"value": "a", "longName": "x", "more": [{"value": "b"}]},
        "parts": [{"value": "c"}],
        "named": {"any": {"value": "d"}},
        "pair": [1, {"value": "e"}],
        "shape": {"kind": "round", "radius": 2},
        "free": {"colour": [{"x": 1}]},
    }
    found = BodyReader(Whole).read(msgspec.json.encode(body))
    assert msgspec.to_builtins(found.shape) == {"kind": "round", "radius": 2}
    assert found.part.more[0].value == "b"


def test_paths_prefer_fixed_segments_and_go_back() -> None:
    paths: Paths[str] = Paths()
    for template in ("/a", "/a/{id}", "/a/fixed", "/a/fixed/{id}", "/a/{id}/x", "/fhir/*", "/fhir/metadata"):
        paths.add(template, template)
    found = {
        p: paths.find(p)
        for p in ("/a", "/a/", "/a/1", "/a/fixed", "/a/fixed/x", "/a/7/x", "/a/7/y", "/b", "/")
    }
    assert found == {
        "/a": ("/a", {}),
        "/a/": ("/a", {}),
        "/a/1": ("/a/{id}", {"id": "1"}),
        "/a/fixed": ("/a/fixed", {}),
        "/a/fixed/x": ("/a/fixed/{id}", {"id": "x"}),
        "/a/7/x": ("/a/{id}/x", {"id": "7"}),
        "/a/7/y": None,
        "/b": None,
        "/": None,
    }
    assert paths.find("/fhir") == ("/fhir/*", {"rest": ""})
    assert paths.find("/fhir/Slot/1") == ("/fhir/*", {"rest": "Slot/1"})
    assert paths.find("/fhir/metadata") == ("/fhir/metadata", {})
    with pytest.raises(ValueError, match="there already"):
        paths.add("/a/{id}", "again")
    with pytest.raises(ValueError, match="called id elsewhere"):
        paths.add("/a/{other}/z", "other")
