"""Texts for people: de and en say the same things with the same placeholders, in every texts folder."""

import string
import tomllib
from pathlib import Path

import pytest
from house_sources import SRC

LANGUAGES = ("de", "en")


def flat(table: dict[str, object], prefix: str = "") -> dict[str, str]:
    """Nested TOML tables as `a.b.c` -> text. Raises TypeError for a value that is no text."""
    texts: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            texts |= flat(value, f"{prefix}{key}.")
        elif isinstance(value, str):
            texts[prefix + key] = value
        else:
            raise TypeError(f"{prefix}{key} is no text")
    return texts


def placeholders(text: str) -> set[str]:
    """Names in braces. Raises ValueError for a brace that is not closed."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def differences(texts: dict[str, dict[str, str]]) -> list[str]:
    """What is missing, empty or differently parametrised between the languages."""
    found: list[str] = []
    for key in sorted(set().union(*texts.values())):
        for language, table in texts.items():
            if not table.get(key, "").strip():
                found.append(f"{key}: missing or empty in {language}")
        names = {language: placeholders(table[key]) for language, table in texts.items() if key in table}
        if len({frozenset(found_names) for found_names in names.values()}) > 1:
            found.append(f"{key}: placeholders differ: {names}")
    return found


def parts() -> dict[str, dict[str, Path]]:
    """Every text file below src/ by its part (`kernel/texts`, `kernel/texts/console`) and language."""
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(SRC.rglob("texts/*.toml")):
        part, _, language = path.stem.rpartition(".")
        found.setdefault(str(path.parent.relative_to(SRC) / part), {})[language] = path
    return found


def test_every_part_has_every_language() -> None:
    assert [part for part, files in parts().items() if set(files) != set(LANGUAGES)] == []
    assert "praxisd/kernel/texts/console" in parts()


def test_every_service_has_a_word_for_people() -> None:
    words = {
        key
        for files in parts().values()
        for key in flat(tomllib.loads(files["de"].read_text(encoding="utf-8")))
    }
    services = sorted(one.parent.name for one in SRC.glob("praxisd/services/*/__init__.py"))
    assert services and [one for one in services if f"console.service.{one}" not in words] == []


def test_languages_say_the_same() -> None:
    found: list[str] = []
    for part, files in parts().items():
        texts = {lang: flat(tomllib.loads(path.read_text(encoding="utf-8"))) for lang, path in files.items()}
        found += [f"{part}: {fault}" for fault in differences(texts)]
    assert found == []


@pytest.mark.parametrize(
    ("de", "en"),
    [
        ({"a.title": "Frei"}, {}),
        ({"a.title": "Frei"}, {"a.title": " "}),
        ({"a.title": "{n} frei"}, {"a.title": "{count} free"}),
        ({"a.title": "frei"}, {"a.title": "{n} free"}),
    ],
)
def test_a_difference_is_found(de: dict[str, str], en: dict[str, str]) -> None:
    assert differences({"de": de, "en": en})


def test_equal_texts_pass() -> None:
    assert differences({"de": {"a.title": "{n} freie {n}"}, "en": {"a.title": "free: {n}"}}) == []
