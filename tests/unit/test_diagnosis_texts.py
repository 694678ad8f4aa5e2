"""What the texts of the diagnosis send people to is there, under that name."""

import re

import pytest

from praxisd.kernel.texts import Texts

TEXTS = Texts(["praxisd.services.diagnosis"])
WAYS = {
    "de": r"„Diagnose“ (.) „([^“]+)“",
    "en": r"“Diagnosis” (.) “([^”]+)”",
}
CLICKS = {
    "de": r"(?:[Kk]licken Sie (?:danach |bei der Meldung )?auf|Wählen Sie (?:dort|unter „Diagnose“ → „Ports“)) „([^“]+)“",
    "en": r"(?:[Cc]lick|Choose) “([^”]+)”",
}


@pytest.mark.parametrize("lang", WAYS)
def test_tabs_and_buttons_that_are_named_exist(lang: str) -> None:
    said = {text for key, text in TEXTS.table(lang).items() if key.startswith("console.")}
    told = "\n".join(
        text
        for key, text in TEXTS.table(lang).items()
        if key.startswith(("diagnosis.", "clock.ntp")) and key.endswith((".solution", ".hint"))
    )
    ways, clicks = re.findall(WAYS[lang], told), re.findall(CLICKS[lang], told)
    assert {sign for sign, _ in ways} == {"→"}
    assert len(ways) > 5 and {tab for _, tab in ways} <= said
    assert len(clicks) > 5 and {name.removesuffix(" …") for name in clicks} <= said
