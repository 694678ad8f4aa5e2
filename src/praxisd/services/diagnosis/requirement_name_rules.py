"""The rule for names of computers (seed 003, "Hinweise"): at most 15 characters, no special characters, no umlauts."""

import re

LONGEST = 15
_PLAIN = re.compile(r"[A-Za-z0-9-]")


def name_faults(name: str, longest: int = LONGEST) -> tuple[str, ...]:
    """What is wrong with a computer's name: `length`, `umlaut`, `character`; nothing if it is good.

    A hyphen is no special character here: Windows itself gives names such as DESKTOP-4F2K9QX. An underscore is one: names
    with it are no valid DNS names, though the example of the seed (WIN10RED5_VM) has it.
    """
    found = []
    if len(name) > longest:
        found.append("length")
    odd = {one for one in name if not _PLAIN.fullmatch(one)}
    if any(one.isalpha() for one in odd):
        found.append("umlaut")
    if any(not one.isalpha() for one in odd):
        found.append("character")
    return tuple(found)
