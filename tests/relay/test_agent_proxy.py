"""HTTP proxies on the way to the hub: addresses, NO_PROXY, what is asked, what is understood."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd_relay.proxy import LONGEST_ANSWER, Answer, Proxy, ProxyError


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("http://proxy.praxis.lan:3128", Proxy("proxy.praxis.lan", 3128)),
        ("proxy:8080", Proxy("proxy", 8080)),
        ("http://10.0.0.1", Proxy("10.0.0.1", 8080)),
        ("http://[fd00::1]:3128/", Proxy("fd00::1", 3128)),
        ("http://praxis:ge%3Aheim%40@proxy:1", Proxy("proxy", 1, "praxis", "ge:heim@")),
    ],
)
def test_addresses_of_proxies(text: str, proxy: Proxy) -> None:
    assert Proxy.parse(text) == proxy


@pytest.mark.parametrize(
    "text",
    ["", "https://proxy:1", "socks5://proxy", "http://", "http://a:70000", "http://a:0", "http://a/x", "a b"],
)
def test_what_is_no_proxy_is_refused(text: str) -> None:
    with pytest.raises(ProxyError):
        Proxy.parse(text)


def test_the_password_is_in_the_request_and_in_no_text_of_the_object() -> None:
    proxy = Proxy("proxy", 1, "praxis", "geheim")
    assert base64.b64encode(b"praxis:geheim") in proxy.request("hub.example", 443)
    assert "geheim" not in repr(proxy)


def test_what_is_asked() -> None:
    request = Proxy("proxy", 1).request("hub.example", 443)
    assert request.startswith(b"CONNECT hub.example:443 HTTP/1.1\r\nHost: hub.example:443\r\n")
    assert request.endswith(b"\r\n\r\n")
    assert b"Authorization" not in request
    assert Proxy("proxy", 1).request("fd00::2", 443).startswith(b"CONNECT [fd00::2]:443 ")


ENVIRON = {"HTTPS_PROXY": "http://proxy:3128"}


@pytest.mark.parametrize(
    ("host", "no_proxy", "used"),
    [
        ("hub.example", "", True),
        ("hub.example", "hub.example", False),
        ("hub.example", "example", False),
        ("hub.example", ".example", False),
        ("hub.example", "*.example", False),
        ("myexample", "example", True),
        ("hub.example", "*", False),
        ("hub.example", "other, HUB.EXAMPLE ,", False),
        ("10.1.2.3", "10.0.0.0/8", False),
        ("11.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "fd00::/8", True),
        ("hub.example", "10.0.0.0/8", True),
        ("link.localhost", "", False),
        ("127.0.0.1", "", False),
    ],
)
def test_no_proxy(host: str, no_proxy: str, used: bool) -> None:
    found = Proxy.from_environment(host, ENVIRON | {"NO_PROXY": no_proxy})
    assert (found == Proxy("proxy", 3128)) is used


def test_the_environment_may_say_nothing_or_nonsense() -> None:
    assert Proxy.from_environment("hub.example", {}) is None
    assert Proxy.from_environment("hub.example", {"https_proxy": "socks5://x"}) is None
    assert Proxy.from_environment("hub.example", {"all_proxy": "http://all:1"}) == Proxy("all", 1)


@given(st.integers(1, 60), st.sampled_from(["\r\n", "\n"]))
def test_answers_are_understood_however_they_are_cut(size: int, end: str) -> None:
    text = f"HTTP/1.1 200 Connection established{end}Proxy-Agent: x{end}{end}".encode()
    answer = Answer()
    said = [answer.feed(text[at : at + size]) for at in range(0, len(text), size)]
    assert said == [None] * (len(said) - 1) + [200]


@given(st.binary(max_size=200))
def test_what_is_no_answer_never_opens_a_way(data: bytes) -> None:
    try:
        said = Answer().feed(data)
    except ProxyError:
        return
    assert said is None or data.startswith(b"HTTP/1.")


def test_refusals_long_answers_and_early_bytes() -> None:
    assert Answer().feed(b"HTTP/1.0 407 No\r\nContent-Length: 2\r\n\r\nno") == 407
    with pytest.raises(ProxyError):
        Answer().feed(b"HTTP/1.1 200 OK\r\n\r\n\x16\x03\x01")
    with pytest.raises(ProxyError):
        Answer().feed(b"HTTP/1.1 200 OK\r\nX: " + b"a" * LONGEST_ANSWER)
    with pytest.raises(ProxyError):
        Answer().feed(b"SSH-2.0-OpenSSH_9.2\r\n")
