"""What a patient's answer means, in German, French, Italian and English. Pure words, never guessed.

An answer is understood only if it *is* such a word (with a greeting or thanks around it at most); everything else is for
a person to read: „Ja, aber erst um 11“ is no confirmation, and „Stopp, ich komme doch“ no withdrawal.
"""

import re
import unicodedata
from typing import Literal

Meaning = Literal["confirm", "cancel", "stop", "other"]

_WORDS: dict[Meaning, str] = {
    "confirm": "1|ja|jep|jo|yes|y|ok|okay|oke|oki|oui|si|d'accord|confirme|confermo|confirm|confirmed|bestätigt|bestaetigt|"
    "bestätige|passt|passt so|ok passt|einverstanden|gerne|ja gerne|va bene|ich komme|ja ich komme|je confirme|je viens|"
    "vengo|i confirm",
    "cancel": "2|nein|no|non|absagen|absage|annuler|annulez|annulla|annullare|disdire|cancel|storno|stornieren|ich sage ab|"
    "termin absagen|ich komme nicht|je ne viens pas|non vengo",
    "stop": "stop|stopp|arret|arrêt|arrêter|stopper|abmelden|abbestellen|unsubscribe|optout|opt out|désabonner|désinscrire|"
    "desiscrivimi|disiscrivimi|basta|stop sms|stop all|keine sms mehr|keine nachrichten mehr",
}
_COURTESY = (
    "danke|dankeschön|dankeschoen|vielen|dank|merci|thanks|thank|you|grazie|hallo|guten|tag|bonjour|ciao|hello|hi|bitte|"
    "mfg|gruss|gruesse|grüße|gruß|liebe|viele|lg|please"
)
_PIECES = re.compile(r"[\w']+")
_MOST = 60
"""Characters of an answer that can be such a word; longer ones are letters."""


def meaning(text: str) -> Meaning:
    """What the first lines of an answer say; `other` whenever it is not certain."""
    words = _PIECES.findall(_plain(_own_words(text)))
    if not words or sum(map(len, words)) > _MOST:
        return "other"
    for some in (words, _without_courtesy(words)):
        said = " ".join(some)
        for kind, known in _FOLDED.items():
            if said in known:
                return kind
    return "other"


def _without_courtesy(words: list[str]) -> list[str]:
    left = [word for word in words if word not in _FOLDED_COURTESY]
    return left or words


def _own_words(text: str) -> str:
    """The answer without what it quotes, and without what mail programs write above that."""
    lines: list[str] = []
    for line in text.replace("\r", "\n").split("\n"):
        if line.lstrip().startswith(">") or re.match(
            r"\s*(-{2,}|_{3,}|(am|on|le|il) .{6,80}:\s*$)", line, re.I
        ):
            break
        lines.append(line)
    return "\n".join(lines).strip()


def _plain(text: str) -> str:
    """Lower case, without accents; `ß` is `ss`, the apostrophes are one."""
    folded = text.casefold().replace("’", "'").replace("`", "'")
    return "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))


_FOLDED = {kind: frozenset(map(_plain, words.split("|"))) for kind, words in _WORDS.items()}
_FOLDED_COURTESY = frozenset(map(_plain, _COURTESY.split("|")))
