"""What may lie in the inbox: kinds of attachments, and whether a file is what it says. Pure."""

from praxisd.kernel.errors import Problem

DAY_S = 86_400
TEXT_MOST = 20_000
"""Characters of text in one message, all parts together."""
PAYLOADS_MOST = 50
"""Parts (texts and attachments) of one message."""
KINDS: dict[str, tuple[str, tuple[bytes, ...]]] = {
    "application/pdf": ("pdf", (b"%PDF-",)),
    "image/gif": ("gif", (b"GIF87a", b"GIF89a")),
    "image/jpeg": ("jpg", (b"\xff\xd8\xff",)),
    "image/png": ("png", (b"\x89PNG\r\n\x1a\n",)),
    "image/webp": ("webp", (b"RIFF",)),
    "text/plain": ("txt", ()),
}
"""Allowed media types: ending of the file's name, and the bytes such a file begins with (RFC 2083, RFC 9649, ISO 32000,
ISO 10918, GIF89a). Nothing that a program would run or a browser would act on."""
_CHARSETS = frozenset({"", "utf-8", "utf8", "us-ascii"})


def media_type(text: str, status: int) -> str:
    """The bare media type of `text`, lower case; Problem `messaging.attachment_type` with `status` unless allowed.

    Plain text is UTF-8: another `charset` is refused as well.
    """
    bare, *parameters = (part.strip().lower() for part in text.split(";"))
    charset = next((one[8:].strip('" ') for one in parameters if one.startswith("charset=")), "")
    if bare not in KINDS or (bare == "text/plain" and charset not in _CHARSETS):
        raise Problem("messaging.attachment_type", status, allowed=", ".join(sorted(KINDS)))
    return bare


def check_content(media: str, data: bytes) -> None:
    """Problem `messaging.attachment_unreadable` (422) for an empty file, or one that is not of its allowed type.

    A file is judged by how it begins; it is never opened or run.
    """
    if not data or not _is(media, data):
        raise Problem("messaging.attachment_unreadable", 422, type=media)


def _is(media: str, data: bytes) -> bool:
    if media == "text/plain":
        try:
            return "\0" not in data.decode("utf-8")
        except UnicodeDecodeError:
            return False
    if media == "image/webp" and data[8:12] != b"WEBP":
        return False
    return data.startswith(KINDS[media][1])


def file_name(id_: str, media: str) -> str:
    """The name under which a browser stores the attachment: our id and the type's ending, nothing from outside."""
    return f"{id_}.{KINDS[media][0]}"
