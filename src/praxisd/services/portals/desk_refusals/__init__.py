"""Why a booking was refused, in words for the patient: one file per language in which patients are written to."""

import tomllib
from functools import cache
from importlib import resources

REASONS = (
    "portals.refused_time_taken",
    "portals.refused_not_offered",
    "portals.refused_no_new_patients",
    "portals.refused_call_us",
    "portals.refused_other",
)
LANGUAGES = ("de", "en", "fr", "it")


def sentence(reason: str, language: str) -> str:
    """The sentence for a reason; empty for the one that says nothing, and for what is none of REASONS."""
    known = _sentences(language if language in LANGUAGES else "en")
    return known.get(reason.removeprefix("portals.refused_"), "") if reason in REASONS else ""


@cache
def _sentences(language: str) -> dict[str, str]:
    text = resources.files(__name__).joinpath(f"{language}.toml").read_text("utf-8")
    return {name: str(value) for name, value in tomllib.loads(text).items()}
