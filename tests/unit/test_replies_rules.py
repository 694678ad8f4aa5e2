"""What patients' answers mean: words in four languages, and nothing that is not certain."""

import pytest

from praxisd.services.messaging.replies_rules import meaning

CONFIRM = [
    "Ja", "JA!", " ja. ", "Ok", "okay 👍", "1", "Yes", "OUI", "Si", "Sì", "sí", "Bestätigt", "bestaetigt", "Ja, danke!",
    "Ja gerne", "Vielen Dank, ja", "Passt so", "Ich komme", "je confirme", "d’accord", "Va bene", "Ja\n\n> Ihr Termin am 3.",
    "Ja\nAm 12.11.2026 um 10:00 schrieb Praxis:\n> Antworten Sie mit JA", "Hallo, ja. Liebe Grüße",
]  # fmt: skip
CANCEL = [
    "Nein",
    "NEIN!!",
    "2",
    "No",
    "Non",
    "Absagen",
    "bitte absagen",
    "annuler",
    "Disdire",
    "cancel please",
    "Termin absagen",
]
STOP = [
    "STOP",
    "stopp",
    "Stop!",
    "ARRET",
    "arrêt",
    "Abmelden",
    "bitte abmelden",
    "UNSUBSCRIBE",
    "opt-out",
    "opt out",
    "stop sms",
]
OTHER = [
    "", "  ", "👍", "Ja, aber erst um 11", "Nein danke, ich rufe an", "Stopp, ich komme doch", "Danke", "Wer ist da?", "12", "11",
    "Ja nein", "Kann ich auch morgen kommen?", "jaja vielleicht", "nicht", "ja " * 40, "> Ja", "J", "o k", "1 2",
]  # fmt: skip


@pytest.mark.parametrize("text", CONFIRM)
def test_yes(text: str) -> None:
    assert meaning(text) == "confirm"


@pytest.mark.parametrize("text", CANCEL)
def test_no(text: str) -> None:
    assert meaning(text) == "cancel"


@pytest.mark.parametrize("text", STOP)
def test_stop(text: str) -> None:
    assert meaning(text) == "stop"


@pytest.mark.parametrize("text", OTHER)
def test_everything_else_is_for_a_person(text: str) -> None:
    assert meaning(text) == "other"
