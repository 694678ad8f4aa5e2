"""Product files: each fault with its line and column, and where things stand in a TOML text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.kernel.texts import Texts
from praxisd.services.diagnosis import product_reading
from praxisd.services.diagnosis.product_file import MOST_BYTES, compose, parse
from praxisd.services.diagnosis.product_position import Positions

GOOD = """[product]
id = "mypvs"
name = "My PVS"
vendor = "Somebody"

[source]
title = "Handbook"
version = "3"
stand = 2026-01-31
"""
TEXTS = Texts(["praxisd.services.diagnosis"])


def faults(text: str | bytes) -> list[tuple[int, int, str]]:
    data = text.encode() if isinstance(text, str) else text
    found = product_reading.check("my.toml", data)[1]
    for one in found:  # each has its sentence, in both languages, with nothing left open
        assert one.brief() and len(one.brief()) <= 200
        for lang in ("de", "en"):
            assert one.what == "form" or "{" not in one.words(TEXTS, lang), one
    return [(one.line, one.column, one.what) for one in found]


def test_a_good_file_is_a_product_of_the_practice() -> None:
    product, found = product_reading.check("my.toml", GOOD.encode())
    assert found == []
    assert product is not None
    assert (product.id, product.origin, str(product.source.stand), product.ports) == (
        "mypvs",
        "own",
        "2026-01-31",
        (),
    )


def test_it_takes_shared_rows_that_hold_for_it() -> None:
    text = GOOD.replace('"mypvs"', '"medatixx"').replace('"Somebody"', '"Somebody"\nextends = ["ports"]')
    product, found = product_reading.check("my.toml", text.encode())
    assert found == [] and product is not None
    assert product.ports == product_reading.built_in().products["medatixx"].ports


ROW = '\n[[port]]\nid = "a"\nservice = "A"\nprotocol = "tcp"\n'
NEED = '\n[[requirement]]\nid = "r"\nroles = ["server"]\ntext = {de = "a", en = "b"}\n'


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (GOOD.replace("2026-01-31", "2026-13-01"), (9, 13, "syntax")),
        (GOOD.replace('"3"', '"3'), (8, 13, "syntax")),
        (GOOD.encode() + b'\n# caf\xe9\n', (11, 6, "encoding")),
        (b"#" * (MOST_BYTES + 1), (1, 1, "large")),
        (GOOD.replace('name = "My PVS"\n', ""), (1, 1, "missing")),
        (GOOD.replace('"My PVS"', "7"), (3, 1, "type")),
        (GOOD.replace('"mypvs"', '"My PVS"'), (2, 1, "form")),
        (GOOD.replace('name = "My PVS"', 'name = ""'), (3, 1, "bounds")),
        (GOOD.replace('version = "3"', 'version = "3"\n  colour = "red"'), (9, 3, "unknown")),
        (GOOD.replace("2026-01-31", '"yesterday"'), (9, 1, "date")),
        (GOOD + "\n[sauce]\n", (11, 1, "table")),
        (GOOD.partition("[source]")[0], (1, 1, "table_missing")),
        (GOOD + ROW.replace("[[port]]", "[port]"), (11, 1, "not_many")),
        (GOOD + ROW.replace('"tcp"', '"icmp"'), (14, 1, "choice")),
        (GOOD + ROW + 'ports = [\n  "80",\n  "99999",\n]\n', (17, 3, "span")),
        (GOOD + ROW + 'ports = ["80", "90-81"]\n', (15, 16, "span")),
        (GOOD + ROW + 'ports = ["80", 443]\n', (15, 16, "type")),
        (GOOD + ROW + ROW, (17, 1, "twice")),
        (GOOD + ROW + 'products = ["medatixx"]\n', (15, 1, "products_here")),
        (GOOD + ROW + 'note = {de = "a"}\n', (15, 1, "missing")),
        (GOOD + ROW + 'note = {de = "a", en = ""}\n', (15, 19, "bounds")),
        (GOOD + "\n[[backup]]\nnote = {de = \"a\", en = \"b\"}\n", (11, 1, "backup_empty")),
        (GOOD + NEED + 'kind = "cpu"\n', (15, 1, "choice")),
        (GOOD + NEED + 'kind = "cpu_ghz"\n', (11, 1, "missing")),
        (GOOD + NEED + 'kind = "cpu_ghz"\nleast = 0\n', (16, 1, "bounds")),
        (GOOD + NEED.replace('["server"]', '["server", "boss"]') + 'kind = "usb"\n', (13, 20, "choice")),
        (GOOD.replace('"Somebody"', '"Somebody"\nextends = ["history", "nothing"]'), (5, 23, "extends")),
        (GOOD.replace('"mypvs"', '"medatixx"').replace('"Somebody"', '"Somebody"\nextends = ["ports"]')
         + ROW.replace('"a"', '"rest-tcp-20141"'), (13, 1, "twice")),
    ],
)  # fmt: skip
def test_each_fault_is_named_with_line_and_column(text: str | bytes, wanted: tuple[int, int, str]) -> None:
    assert faults(text) == [wanted]


def test_several_rows_tell_of_several_faults_in_their_order() -> None:
    text = (
        GOOD
        + ROW.replace('"tcp"', '"icmp"')
        + NEED
        + 'kind = "usb"\nmore = 1\n'
        + ROW.replace('"a"', '"b"')
        + 'ports = ["x"]\n'
    )
    assert faults(text) == [(14, 1, "choice"), (21, 1, "unknown"), (27, 10, "form")]


def test_a_mark_at_the_beginning_and_other_line_ends_do_not_matter() -> None:
    assert faults(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()) == []
    assert faults((GOOD + ROW.replace('"tcp"', '"icmp"')).replace("\n", "\r\n")) == [(14, 1, "choice")]


def test_shared_rows_have_no_head() -> None:
    found = parse("shared/x.toml", GOOD.encode(), shared=True)
    assert [one.what for one in found.faults] == ["table", "table"]


def test_a_file_with_a_fault_is_no_product() -> None:
    noted = []
    assert compose(parse("my.toml", b""), {}, "own", noted.append) is None
    assert [one.what for one in noted] == ["table_missing", "table_missing"]


def test_positions_in_all_forms_of_toml() -> None:
    text = '''# a comment with [brackets]
a.b = 1 # = ["
"quoted key" = """
[not] = "a table"
""""
'c' = [ # one
  {x = 1, y = [2, 3]},
  "],", \'\'\'
}]\'\'\',
]
[t.u]
v = 1979-05-27T07:32:00Z
[[t.list]]
[t.list.in]
w = "a\\\\"
[[t.list]]
w = 'b\\'
'''
    found = Positions(text)
    wanted = {
        ("a",): (2, 1), ("a", "b"): (2, 1), ("quoted key",): (3, 1), ("c", 0): (7, 3), ("c", 0, "y"): (7, 11),
        ("c", 0, "y", 1): (7, 19), ("c", 1): (8, 3), ("c", 2): (8, 9), ("t", "u"): (11, 1), ("t", "u", "v"): (12, 1),
        ("t", "list", 0): (13, 1), ("t", "list", 0, "in", "w"): (15, 1), ("t", "list", 1, "w"): (17, 1),
    }  # fmt: skip
    assert {path: found.of(path) for path in wanted} == wanted
    assert found.of(("t", "u", "v", "nothing")) == (12, 1)
    assert found.of(("nothing",)) == (1, 1)


@given(st.binary(max_size=300))
def test_no_bytes_make_it_stumble(data: bytes) -> None:
    product, found = product_reading.check("my.toml", data)
    assert product is None and found


SOUP = st.lists(
    st.sampled_from(["[[port]]\n", "[product]\n", "id", " = ", '"a"', "[", "]", "{", "}", ",", "\n", "'", '"""', "#", "3", "ä"]),
    max_size=30,
)  # fmt: skip


@given(SOUP)
def test_no_text_makes_it_stumble(parts: list[str]) -> None:
    text = "".join(parts)
    lines = text.split("\n")
    for one in product_reading.check("my.toml", text.encode())[1]:
        assert 1 <= one.line <= len(lines)
        assert 1 <= one.column <= len(lines[one.line - 1]) + 1
