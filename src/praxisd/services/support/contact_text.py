"""The message to the service partner, as it will leave: put together here and nowhere else. Pure.

Seed 003, Kontaktformular: the practice writes to its service partner with what the diagnosis knows. What a person typed
comes first, then whom to call back, then the facts; empty lines are left out.
"""

import hashlib
from collections.abc import Callable, Sequence

import msgspec


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """To whom, about what, and every word of it."""

    to: str
    subject: str
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 in hexadecimal: what was shown is what is sent, or nothing is."""
        return hashlib.sha256("\0".join((self.to, self.subject, self.text)).encode()).hexdigest()


def write(
    say: Callable[[str], str],
    *,
    to: str,
    about: str,
    customer: str,
    text: str,
    person: str,
    phone: str,
    facts: Sequence[str],
) -> Letter:
    """The letter. `say(key)` gives a text `support.letter.<key>`; `about` is the title of a problem or empty; `facts` are
    blocks of lines that the program has put together.
    """
    subject = ": ".join(part for part in (say("subject"), about) if part)
    if customer:
        subject += f" ({say('customer')} {customer})"
    back = "\n".join(f"{say(key)}: {value}" for key, value in (("person", person), ("phone", phone)) if value)
    blocks = [say("greeting"), text.strip(), back, *facts]
    return Letter(
        to=to, subject=" ".join(subject.split()), text="\n\n".join(one for one in blocks if one) + "\n"
    )
