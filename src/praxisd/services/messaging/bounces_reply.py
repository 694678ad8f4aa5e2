"""What a person wrote back: the text alone, without the quoted original, the signature and the mail program's lines."""

import re
from html import unescape

from praxisd.services.messaging.bounces_parts import Part

TEXT_MOST = 4_000
"""Characters that are kept. Nobody confirms an appointment at greater length."""
_HTML_MOST = 100_000

_QUOTE_HEAD = re.compile(
    r"""^[\s>*_]*(?:
    -+\s*(?:urspr(?:ü|ue)ngliche\s+(?:nachricht|mail|e-?mail)|original\s*(?:message|nachricht|mail|e-?mail)|
        message\s+d['’]origine|messaggio\s+originale|weitergeleitete\s+nachricht|forwarded\s+message)\s*-*
    |_{10,}\s*$
    |(?:am|on|le|il|il\s+giorno|op|den)\b.{0,200}?(?:schrieb|wrote|a\s+écrit|ha\s+scritto|schreef)\b.{0,120}:?\s*$
    |.{0,120}\b(?:schrieb|wrote|a\s+écrit|ha\s+scritto)\b.{0,80}:\s*$
    |(?:von|from|de|da)\s*:\s.*@.*$
    |gesendet\s+(?:von|mit|vom)\s+(?:meinem|der|unterwegs|outlook|mail|mobil).*
    |von\s+meinem\s+\w+\s+gesendet.*
    |sent\s+(?:from|via|with)\s+(?:my|outlook|mail|the|a)\b.*
    |envoyé\s+(?:de|depuis|à\s+partir)\s.*
    |inviato\s+(?:da|dal)\s.*
    )$""",
    re.IGNORECASE | re.VERBOSE,
)
"""Where the answer ends: everything from such a line on is the quoted original or a signature of the program."""
_WROTE_BEGINS = re.compile(r"^[\s>]*(?:am|on|le|il)\s.{6,160}$", re.IGNORECASE)
_WROTE_ENDS = re.compile(r".{0,120}(?:schrieb|wrote|a\s+écrit|ha\s+scritto)\b.{0,80}:\s*$", re.IGNORECASE)
_VOID = frozenset({"br", "hr", "img", "meta", "link", "input", "col", "area", "base", "wbr"})
_BLOCKS = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3", "blockquote", "table", "ul", "ol"})
_UNSEEN = frozenset({"style", "script", "head", "title"})
_TAG = re.compile(r"<([/!?]?)\[?([A-Za-z][A-Za-z0-9]{0,20})([^<>]*)>")
_MARKS = re.compile(r"""(?:class|id)\s*=\s*["']?([^"'<>]{0,200})""", re.IGNORECASE)
_QUOTING = re.compile(
    r"gmail_quote|yahoo_quoted|moz-cite|divrplyfwdmsg|ms-outlook-mobile-reference|appendonsend|replyquote"
)


def reply_text(parts: list[Part]) -> str:
    """The answer of a person: of the plain text where there is some, else of the HTML."""
    own = [one for one in parts if not one.inner]
    plain = "\n".join(one.text for one in own if one.type == "text/plain").strip()
    if not plain:
        plain = "\n".join(_Page().read(one.text[:_HTML_MOST]) for one in own if one.type == "text/html")
    return without_quotes(plain)


def without_quotes(text: str) -> str:
    """The lines above the quoted original, at most `TEXT_MOST` characters."""
    lines = text[: TEXT_MOST * 20].replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ").split("\n")
    kept: list[str] = []
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if line.rstrip() == "--" or line == "-- " or _QUOTE_HEAD.match(line[:400]):
            if any(one.strip() for one in kept):
                break
            continue  # answered below the quote: what is kept comes after it
        if _WROTE_BEGINS.match(line[:200]) and _WROTE_ENDS.match(following[:240]):
            continue  # "Am … um … Uhr" and, in the next line, "schrieb …:"
        if line.lstrip().startswith((">", "|")):
            continue
        kept.append(_visible(line).rstrip())
    joined = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
    return joined[:TEXT_MOST]


def _visible(line: str) -> str:
    return "".join(c for c in line if c == "\t" or (c.isprintable() and c not in "\u200b\u2060\ufeff"))


class _Page:
    """Text of a page, block by block, without what is quoted."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._hidden: list[str] = []
        self._over = False

    def read(self, page: str) -> str:
        """The page's visible text. Each character is looked at once, whatever the page is made of."""
        at = 0
        while at < len(page) and not self._over:
            tag = page.find("<", at)
            self._say(page[at:] if tag < 0 else page[at:tag])
            if tag < 0:
                break
            if page.startswith("<!--", tag):
                end = page.find("-->", tag)
                at = len(page) if end < 0 else end + 3
                continue
            match = _TAG.match(page, tag)
            if match is None:
                self._say("<")
                at = tag + 1
                continue
            if match[1] == "/":
                self._close(match[2].lower())
            elif not match[1]:
                self._open(match[2].lower(), match[3])
            at = match.end()
        return "\n".join(line.strip() for line in "".join(self._pieces).split("\n"))

    def _say(self, text: str) -> None:
        if not self._hidden:
            self._pieces.append(re.sub(r"\s+", " ", unescape(text)))

    def _open(self, tag: str, rest: str) -> None:
        if tag in _BLOCKS:
            self._pieces.append("\n")
        if tag in _VOID or rest.endswith("/"):
            return
        marks = " ".join(_MARKS.findall(rest)).lower()
        if "gmail_quote" in marks:
            self._hidden.append(tag)
        elif _QUOTING.search(marks):
            self._over = True  # Outlook closes its mark at once: all below it is quoted
        elif self._hidden or tag in _UNSEEN or tag == "blockquote":
            self._hidden.append(tag)

    def _close(self, tag: str) -> None:
        """Ends a hidden element, and those within it that were never closed."""
        if tag in self._hidden:
            while self._hidden.pop() != tag:
                pass
        elif tag in _BLOCKS:
            self._pieces.append("\n")


__all__ = ("TEXT_MOST", "reply_text", "without_quotes")
