"""Parts of an SMS against published vectors, and against a reference that lays out every unit.

Vectors: TwilioDevEd/message-segment-calculator `tests/index.test.js` (MIT), Codesleuth/split-sms `test/testdata/*.json`
(MIT). The alphabet: 3GPP TS 23.038 § 6.2.1.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.services.messaging import segments
from praxisd.services.messaging.segments import BASIC, EXTENDED, measure

DIGITS = "1234567890" * 40
FLAG, RAINBOW = "🇮🇹", "🏳️‍🌈"
FAMILY = "👨‍👩‍👧‍👦"
RULER = "".join(f"{n:-<9}<" for n in range(16))

TWILIO = [
    ("one part", DIGITS[:160], "GSM-7", 160, 1),
    ("two parts", DIGITS[:161], "GSM-7", 161, 2),
    ("three parts", DIGITS[:307], "GSM-7", 307, 3),
    *((f"escape {c}", c + DIGITS[:158], "GSM-7", 160, 1) for c in "|^€{}[]~\\"),
    *((f"escape {c}, two parts", c + DIGITS[:159], "GSM-7", 161, 2) for c in "|^€{}[]~\\"),
    ("emoji, one part", "😜" + DIGITS[:68], "UCS-2", 70, 1),
    ("emoji, two parts", "😜" + DIGITS[:69], "UCS-2", 71, 2),
    ("emoji, three parts", "😜" + DIGITS[:133], "UCS-2", 135, 3),
    ("flag, one part", FLAG + DIGITS[:66], "UCS-2", 70, 1),
    ("flag, two parts", FLAG + DIGITS[:67], "UCS-2", 71, 2),
    ("rainbow, one part", RAINBOW + DIGITS[:64], "UCS-2", 70, 1),
    ("rainbow, two parts", RAINBOW + DIGITS[:65], "UCS-2", 71, 2),
    *((f"70 of {c}", c * 70, "UCS-2", 70, 1) for c in "ÁÚúçíÍóÓ"),
    *((f"71 of {c}", c * 71, "UCS-2", 71, 2) for c in "ÁÚúçíÍóÓ"),
    ("issue 18", "😀" + "]" * 68, "UCS-2", 70, 1),
    ("issue 18, two parts", "😀" + "]" * 69, "UCS-2", 71, 2),
    ("line ends", "\rabcde\r\n123", "GSM-7", 11, 1),
    ("three accents, one part", "e\u0301\u0301\u0301" + "a" * 66, "UCS-2", 70, 1),
    ("three accents, two parts", "e\u0301\u0301\u0301" + "a" * 67, "UCS-2", 71, 2),
]
WHALE, SNOWMAN = "\U0001f433", "☃"
SPLIT_SMS = [
    ("160", RULER[:160], "GSM-7", 160, 1),
    ("161", RULER[:160] + "1", "GSM-7", 161, 2),
    ("306", RULER[:153] * 2, "GSM-7", 306, 2),
    ("307", RULER[:153] * 2 + "-", "GSM-7", 307, 3),
    ("160 ending with an extended one", RULER[:159] + "€", "GSM-7", 161, 2),
    ("80 extended ones", ("|^€{}[~]\\" * 9)[:80], "GSM-7", 160, 1),
    ("one whale", WHALE, "UCS-2", 2, 1),
    ("whales and a snowman", WHALE + SNOWMAN + WHALE, "UCS-2", 5, 1),
    ("70 snowmen", SNOWMAN * 70, "UCS-2", 70, 1),
    ("35 whales", WHALE * 35, "UCS-2", 70, 1),
    ("47 mixed", (SNOWMAN + WHALE) * 23 + SNOWMAN, "UCS-2", 70, 1),
    ("71 snowmen", SNOWMAN * 71, "UCS-2", 71, 2),
]


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts"),
    [pytest.param(*one[1:], id=f"{source}: {one[0]}") for source, all_ in
     (("twilio", TWILIO), ("split-sms", SPLIT_SMS)) for one in all_],
)  # fmt: skip
def test_published_vectors(text: str, encoding: str, units: int, parts: int) -> None:
    assert measure(text)[:3] == (encoding, units, parts)


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        # split-sms: „extended character at the 153rd index“, „4-part character at the 67th index“.
        (RULER[:152] + "€" + RULER[:7], [152, 9]),
        (SNOWMAN * 66 + WHALE + SNOWMAN * 3, [66, 5]),
        # What is made of several characters goes over whole.
        ("☃" * 60 + FAMILY + "☃" * 10, [60, 21]),
        ("☃" * 64 + FLAG + "☃" * 10, [64, 14]),
        ("☃" * 66 + "e\u0301" + "☃" * 10, [66, 12]),
        ("☃" * 65 + "👍🏽" + "☃" * 10, [65, 14]),
    ],
)
def test_nothing_is_split_that_belongs_together(text: str, sizes: list[int]) -> None:
    found = measure(text)
    assert found.parts == len(sizes)
    assert found.left == segments.MORE_PARTS[found.encoding] - sizes[-1]
    assert found.units == sum(sizes)


def test_the_alphabet_is_whole() -> None:
    assert len(BASIC) == 127 and len(EXTENDED) == 10 and not BASIC & EXTENDED
    assert "Ç" in BASIC and "ç" not in BASIC and "\x1b" not in BASIC
    assert measure("") == ("GSM-7", 0, 0, 160, ())
    assert measure("€")[:3] == ("GSM-7", 2, 1)


def test_what_forces_the_other_alphabet_is_named() -> None:
    found = measure("„Grüße“ – „Ärzte“")
    assert (found.encoding, found.foreign) == ("UCS-2", ("„", "“", "–"))


def _parts(text: str) -> int:
    """The reference: every piece laid down in turn, the next part begun where it does not fit."""
    if all(c in BASIC or c in EXTENDED for c in text):
        pieces, one, more = ["\x1b" + c if c in EXTENDED else c for c in text], 160, 153
    else:
        pieces = [c.encode("utf-16-be").decode("utf-16-be") for c in text]
        one, more = 70, 67
    sizes = [len(p) if one == 160 else len(p.encode("utf-16-be")) // 2 for p in pieces]
    if sum(sizes) <= one:
        return 1 if text else 0
    parts: list[int] = [0]
    for size in sizes:
        if parts[-1] + size > more:
            parts.append(0)
        parts[-1] += size
    return len(parts)


_simple = st.sampled_from(sorted(BASIC) + sorted(EXTENDED) * 3 + ["ß", "ê", "„", "Ж", "漢", "😜", "🐳"])


@given(st.lists(_simple, max_size=400).map("".join))
def test_agrees_with_laying_it_out(text: str) -> None:
    found = measure(text)
    assert found.parts == _parts(text)
    assert (found.encoding == "UCS-2") is any(c not in BASIC and c not in EXTENDED for c in text)
    assert 0 <= found.left <= segments.ONE_PART[found.encoding]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300))
def test_any_text_has_a_measure(text: str) -> None:
    found = measure(text)
    assert "".join(segments.clusters(text)) == text
    if found.encoding == "UCS-2":
        assert found.units == len(text.encode("utf-16-be")) // 2
    room = segments.ONE_PART[found.encoding] if found.parts < 2 else segments.MORE_PARTS[found.encoding]
    assert found.units <= max(found.parts, 1) * room
    assert found.parts >= -(-found.units // room)
    offered = segments.suggestion(text)
    assert offered is None or (found.foreign and measure(offered).encoding == "GSM-7")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("„Termin“ – bis gleich…", '"Termin" - bis gleich...'),
        ("Être reçu à l’hôpital", "Etre recu à l'hopital"),
        ("5\u00a0€", "5 €"),
        ("Œuvre", "OEuvre"),
        ("e\u0301", "é"),
        ("Grüße", None),
        ("Alles Gute 🎂", None),
        ("Привет", None),
    ],
)
def test_a_suggestion_is_offered_only_where_it_helps(text: str, plain: str | None) -> None:
    assert segments.suggestion(text) == plain
