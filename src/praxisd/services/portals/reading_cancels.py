"""Whether a message calls a booking off: in its status, its subject or its first words. Pure.

Only there: nearly every confirmation says further down until when it can be cancelled. What a status says in one word is
certain; words elsewhere only make it a message that books nothing, and a person decides what it cancels.
"""

import re

_MOST = 300
"""Letters of a subject or a line that are looked at."""
_CERTAIN = ("storniert", "storno", "abgesagt", "cancelled", "canceled")
_GREETING = re.compile(r"(?:hallo|hi|hello|guten\s|sehr\s|liebe|dear|good\s|moin|servus|grüß)", re.I)
_OTHERWISE = re.compile(
    r"\b(?:nicht|nie|not|kein\w*|no|ohne)\s+(?:mehr\s+|been\s+)?(?:storn|abgesagt|absage|cancel)\w*"
    r"|\b(?:kostenlos\w*|kostenfrei\w*|gratis|free)\s+(?:storn|absag|cancel)\w*"
    r"|\b(?:storn|absag|cancel)\w*\s+(?:ist\s+|sind\s+|is\s+)?(?:bis|möglich|until|up\s+to|possible|policy|fees?|unter|sie|here|hier|link)\b",
    re.I,
)
_WORDS = re.compile(
    r"\b(?:storniert\w{0,2}|storno|stornos|stornierung|stornierungen|stornieren|stornomeldung|terminstorno|terminstornierung"
    r"|abgesagt\w{0,2}|absage|absagen|abzusagen|terminabsage|annulliert|annullierung|cancel|cancels|cancelled|canceled"
    r"|cancelling|canceling|cancellation)\b"
    r"|\bsag(?:e|en|t)\b[^.!?]{0,80}\bab\b|\bnicht\s+wahrnehmen\b",
    re.I,
)
_ANSWER = re.compile(r"\s{0,9}(?:re|aw|antw|antwort|wg|fw|fwd)\s{0,3}(?:\[\d{1,3}\])?:", re.I)


def certain(status: str) -> bool:
    """True if a status says in one word that it is cancelled."""
    return status.strip().casefold() in _CERTAIN


def called_off(words: str) -> bool:
    """True if the words seem to call something off; what only may be called off is not."""
    return _WORDS.search(_OTHERWISE.sub(" ", words[:_MOST])) is not None


def first_words(text: str) -> str:
    """The first line of a text; of one that begins with a greeting the second too. Data (JSON, iCalendar) has none."""
    if text.lstrip()[:1] in ("{", "[") or text.lstrip()[:15].upper() == "BEGIN:VCALENDAR":
        return ""
    lines = [one.strip() for one in text[:4_000].split("\n") if one.strip()][:2]
    return "\n".join(lines if lines and _GREETING.match(lines[0]) else lines[:1])


def answers(subject: str) -> bool:
    """True if a mail answers another or hands it on („AW:“, „Re:“, „WG:“): what it says of a booking may be old."""
    return _ANSWER.match(subject) is not None
