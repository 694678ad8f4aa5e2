"""However a stream comes in pieces, its lines are the same; and each warning has its words."""

import io
import re
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from praxisd.kernel.texts import Texts
from praxisd.services.exchange.formats import xdt_lines
from praxisd.services.exchange.formats.xdt_lines import lines
from praxisd.services.exchange.formats.xdt_words import Notice
from praxisd.services.exchange.formats.xdt_writing import line, record

PIECES = st.lists(
    st.one_of(
        st.sampled_from([
            record("6100", [("3000", "1"), ("3101", "Meier")], "cp1252"), line("3102", b"Rosa"), b"0133101Kern\n", b"\r", b"\n",
            b"\r\n", b"\n\r", b"\x00\x1a", b"0303656Penicillin\r\nund Latex\r\n", b"0133101Kern0123102Udo\r\n", b"kein xDT\r\n",
        ]),
        st.binary(max_size=20),
    ),
    max_size=12,
).map(b"".join)  # fmt: skip


class Dribbling:
    """A stream that gives a few bytes at a time."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._stream, self._sizes, self._turn = io.BytesIO(data), sizes, 0

    def read(self, most: int = -1, /) -> bytes:
        self._turn += 1
        return self._stream.read(self._sizes[self._turn % len(self._sizes)])


@settings(max_examples=400, deadline=None)
@given(data=PIECES, sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_pieces_do_not_matter(data: bytes, sizes: list[int]) -> None:
    """Byte by byte or at once: the same lines, the same notices, the same line numbers."""
    assert list(lines(Dribbling(data, sizes))) == list(lines(io.BytesIO(data)))


def test_lines_without_ends_over_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without a single line end, longer than what is held: each line is found."""
    monkeypatch.setattr(xdt_lines, "PHYSICAL", 500)
    monkeypatch.setattr(xdt_lines, "CHUNK", 170)
    data = b"".join(line("3101", b"Meier%05d" % number)[:-2] for number in range(2000))
    found = [one for one in lines(io.BytesIO(data)) if not isinstance(one, Notice)]
    assert [one.content for one in found] == [b"Meier%05d" % number for number in range(2000)]


def test_each_warning_has_words_in_both_languages() -> None:
    """Every code that a reader can say has a title, and names only what it brings."""
    texts = Texts(["praxisd.services.exchange"])
    found: dict[str, set[str]] = {}
    for path in Path(xdt_lines.__file__).parent.glob("xdt_*.py"):
        source = path.read_text()
        for code, params in re.findall(r"Notice\(\s*[\w.\[\]]+,\s*\"(\w+)\",\s*\{([^}]*)\}", source):
            found.setdefault(code, set()).update(re.findall(r'"(\w+)":', params))
        for code, params in re.findall(r'\bsay\(\s*[\w.]+,\s*"(\w+)"([^)]*)\)', source):
            found.setdefault(code, set()).update(re.findall(r"(\w+)=", params))
    assert {"glued", "numbered", "record_length", "person_again", "charset_mixed"} <= found.keys()
    computed = {
        "length": {"field", "said", "is"}, "length_characters": {"field", "said", "is"}, "date": {"field"},
        "date_short": {"field"}, "date_form": {"field"}, "charset_lied": {"charset", "words", "declared"},
        "charset_guessed": {"charset", "words"}, "charset_unsure": {"charset", "words"}, "ldt": set(),
    }  # fmt: skip
    for code, params in {**found, **computed}.items():
        for lang in ("de", "en"):
            text = texts.get(f"exchange.xdt_{code}.title", lang)
            assert {name for _, name, _, _ in Formatter().parse(text) if name} <= params, (code, lang)
