"""Texts: what a translator may write, what falls back, and that explaining a failure never fails."""

import sys
from pathlib import Path

import pytest

from praxisd.kernel.texts import TextError, Texts


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes an importable package with the given text files."""
    made: list[str] = []

    def make(name: str, **langs: str) -> str:
        folder = tmp_path / name / "texts"
        folder.mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text("")
        for lang, content in langs.items():
            (folder / f"{lang}.toml").write_text(content, encoding="utf-8")
        made.append(name)
        return name

    monkeypatch.syspath_prepend(tmp_path)
    yield make
    for name in made:
        sys.modules.pop(name, None)


def test_keys_are_flat_and_params_are_filled(package) -> None:
    name = package(
        "textsample1",
        de='[sample.taken]\ntitle = "Belegt"\ncause = "{who} hat {{{count}}}"\n',
        en='[sample.taken]\ntitle = "Taken"\ncause = "{who} has {{{count}}}"\n',
    )
    texts = Texts([name])
    assert texts.get("sample.taken.title") == "Belegt"
    assert texts.get("sample.taken.cause", "en", who="A", count=3, more=1) == "A has {3}"
    assert texts.placeholders("sample.taken.cause") == {"who", "count"}
    assert texts.placeholders("sample.taken.title") == frozenset()
    assert texts.table("en")["sample.taken.title"] == "Taken"


def test_fallback_is_german_then_english(package) -> None:
    name = package(
        "textsample2",
        de='[s]\nboth = "de"\ngerman = "de"\n',
        en='[s]\nboth = "en"\nenglish = "en"\n',
        fr='[s]\nboth = "fr"\n',
    )
    texts = Texts([name])
    assert texts.get("s.both", "fr") == "fr"
    assert texts.get("s.both", "en-GB") == "en"
    assert texts.get("s.german", "en") == "de"
    assert texts.get("s.english", "fr") == "en"
    assert texts.get("s.both", "xx") == "de"
    assert texts.get("s.both", "") == "de"
    assert texts.languages == ("de", "en", "fr")
    with pytest.raises(KeyError):
        texts.get("s.nothing")


def test_has_is_exact_about_the_language(package) -> None:
    texts = Texts([package("textsample3", de='[s]\ngerman = "de"\n', en='[s]\nother = "en"\n')])
    assert texts.has("s.german")
    assert texts.has("s.german", "de")
    assert not texts.has("s.german", "en")
    assert not texts.has("s")
    assert {"s.german", "s.other"} <= texts.keys()
    assert "s.other" not in texts.keys("de")


def test_a_missing_param_stays_visible(package) -> None:
    texts = Texts([package("textsample4", de='[s]\na = "Noch {minutes} Minuten"\n')])
    assert texts.get("s.a") == "Noch {minutes} Minuten"


def test_a_param_named_key_or_lang_is_a_param(package) -> None:
    texts = Texts([package("textsample5", de='[s]\na = "{key} {lang}"\n')])
    assert texts.get("s.a", "de", key=1, lang=2) == "1 2"


def test_braces_in_a_param_are_only_text(package) -> None:
    texts = Texts([package("textsample6", de='[s]\na = "{x}"\n')])
    assert texts.get("s.a", x="{y.__class__}") == "{y.__class__}"


@pytest.mark.parametrize(
    "text",
    ["{a.b}", "{a[0]}", "{a!r}", "{a:>10}", "{}", "{0}", "{A}", "{a", "a}", "{a{b}}", "{__class__}", "{ a }"],
)
def test_placeholders_reach_nothing_but_plain_names(package, text: str) -> None:
    name = package("textsample7", de=f"[s]\na = '{text}'\n")
    with pytest.raises(TextError, match=r"textsample7 de: s\.a"):
        Texts([name])


@pytest.mark.parametrize("content", ["[s]\na = 1\n", '[s]\na = ""\n', '[s]\na = ["x"]\n', "[s\n"])
def test_wrong_files_are_named(package, content: str) -> None:
    name = package("textsample8", de=content)
    with pytest.raises(TextError, match="textsample8 de"):
        Texts([name])


def test_two_packages_cannot_own_one_key(package) -> None:
    one = package("textsample9", de='[s]\na = "x"\n')
    two = package("textsample10", de='[s]\na = "y"\n')
    with pytest.raises(TextError, match="already belongs to textsample9"):
        Texts([one, two])
    assert Texts([one, one]).get("s.a") == "x"


def test_parts_of_a_package_are_read_and_a_key_stands_in_one_of_them(package, tmp_path: Path) -> None:
    name = package("textsample11", de='[s]\na = "x"\n')
    (tmp_path / name / "texts" / "console.de.toml").write_text('[console.s]\na = "Seite"\n')
    (tmp_path / name / "texts" / "notes.txt").write_text("not read")
    assert Texts([name]).get("console.s.a") == "Seite"
    (tmp_path / name / "texts" / "console.de.toml").write_text('[s]\na = "y"\n')
    with pytest.raises(
        TextError, match=r"de\.toml: the key s\.a already belongs to textsample11 console\.de"
    ):
        Texts([name])


def test_a_package_without_texts_is_fine() -> None:
    assert Texts(["json"]).keys() == Texts([]).keys()


def test_the_kernels_own_texts_are_complete() -> None:
    texts = Texts([])
    assert texts.languages == ("de", "en")
    assert texts.keys("de") == texts.keys("en")
    assert all(texts.placeholders(key, "de") == texts.placeholders(key, "en") for key in sorted(texts.keys()))
    assert texts.get("clock.bad_time.cause", "en", field="start").startswith("“start”")
