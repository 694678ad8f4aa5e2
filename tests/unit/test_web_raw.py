"""What foreign programs send is handed over as it is: any query, any body; only what would hurt is refused."""

import pytest

from praxisd.kernel.errors import Problem
from praxisd.web.reading import AnyBody, AnyQuery


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (b"", {}),
        (b"a=1&b=&c", {"a": "1", "b": "", "c": ""}),
        (b"a=1&a=2", {"a": "2"}),
        (b"text=%C3%A4+b", {"text": "ä b"}),
        (b"text=%FF&%00=1&n=%00", {"text": "\N{REPLACEMENT CHARACTER}"}),
        (b"\xff\xfea=1", {"a": "1"}),
        (b";;=;&&=", {";;": ";", "": ""}),
    ],
)
def test_any_query_is_read(query: bytes, found: dict[str, str]) -> None:
    assert AnyQuery().read(query) == found


def test_far_too_many_parameters_are_refused() -> None:
    with pytest.raises(Problem) as refused:
        AnyQuery().read(b"&".join(b"a%d=1" % n for n in range(100)))
    assert refused.value.code == "http.malformed_query"


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00\xff", b"a=1&b=2", b"<xml/>"])
def test_any_body_is_bytes(content: bytes) -> None:
    body = AnyBody()
    assert body.read(content) == content and not body.needed
