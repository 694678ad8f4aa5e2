"""Pharmazentralnummer: eight digits, the last of them a check digit. Pure.

Rule (IFA, "Prüfziffernberechnung PZN"): the first seven digits are weighted 1 to 7 and added; the rest of that sum by 11 is
the check digit; where the rest is 10 the number is not given out. Numbers of seven digits, given out until 2013, are the same
with a zero before them.
"""

import re

_PZN = re.compile(r"(?:PZN[-\s:]*)?([0-9](?:\s?[0-9]){0,7})", re.IGNORECASE)


def check_digit(seven: str) -> int | None:
    """The check digit of the first seven digits; None where there is none. ValueError for anything but seven digits."""
    if not re.fullmatch(r"[0-9]{7}", seven):
        raise ValueError("seven digits")
    rest = sum(weight * int(digit) for weight, digit in enumerate(seven, 1)) % 11
    return None if rest == 10 else rest


def complete(seven: str) -> str | None:
    """The number of eight digits that begins with these seven; None where such a number is not given out."""
    digit = check_digit(seven)
    return None if digit is None else f"{seven}{digit}"


def valid(number: str) -> bool:
    """Eight digits with the right check digit."""
    return re.fullmatch(r"[0-9]{8}", number) is not None and check_digit(number[:7]) == int(number[7])


def read(text: str) -> str | None:
    """The eight digits that somebody meant: `PZN-12345678`, `PZN 1234567`, spaces between, zeros lost at the front.

    None where there are no digits, or more than eight. Whether the check digit is right says `valid`.
    """
    found = _PZN.fullmatch(text.strip())
    return None if found is None else re.sub(r"\s", "", found[1]).zfill(8)
