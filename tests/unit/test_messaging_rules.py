"""Which attachments are taken: by type, and by how the file begins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.services.messaging import rules

GOOD = {
    "application/pdf": b"%PDF-1.4",
    "image/gif": b"GIF89a\x01\0",
    "image/jpeg": b"\xff\xd8\xff\xe0",
    "image/png": b"\x89PNG\r\n\x1a\n\0",
    "image/webp": b"RIFF\x10\0\0\0WEBPVP8 ",
    "text/plain": "Grüße".encode(),
}


def test_every_allowed_type_has_an_example() -> None:
    assert GOOD.keys() == rules.KINDS.keys()


@pytest.mark.parametrize("media", GOOD)
def test_a_file_is_taken_under_its_own_type_only(media: str) -> None:
    rules.check_content(media, GOOD[media])
    for other in GOOD.keys() - {media, "text/plain"}:
        with pytest.raises(Problem) as refused:
            rules.check_content(other, GOOD[media])
        assert (refused.value.code, refused.value.status) == ("messaging.attachment_unreadable", 422)


@given(st.binary(max_size=64))
def test_programs_and_pages_are_no_pictures(data: bytes) -> None:
    for start in (b"MZ", b"\x7fELF", b"<html", b"#!/bin/sh", b"PK\x03\x04"):
        for media in GOOD.keys() - {"text/plain"}:
            with pytest.raises(Problem):
                rules.check_content(media, start + data)


@given(st.text(min_size=1), st.binary(max_size=20))
def test_plain_text_is_any_text_and_nothing_else(text: str, tail: bytes) -> None:
    whole = text.replace("\0", "x").encode("utf-8", "replace")
    rules.check_content("text/plain", whole)
    with pytest.raises(Problem):
        rules.check_content("text/plain", whole + b"\0" + tail)
    with pytest.raises(Problem):
        rules.check_content("text/plain", whole + b"\xff" + tail)


@pytest.mark.parametrize(
    "told",
    [
        "text/html",
        "image/svg+xml",
        "",
        "pdf",
        "text/plain; charset=latin1",
        "application/pdf2",
        "image/*",
        "*/*",
    ],
)
def test_other_types_are_refused(told: str) -> None:
    with pytest.raises(Problem) as refused:
        rules.media_type(told, 415)
    assert (refused.value.code, refused.value.status) == ("messaging.attachment_type", 415)


def test_a_type_is_read_as_http_writes_it() -> None:
    assert rules.media_type("Application/PDF; name=x", 415) == "application/pdf"
    assert rules.media_type('text/plain; charset="UTF-8"', 415) == "text/plain"
    assert rules.file_name("abc", "image/jpeg") == "abc.jpg"
