"""A page for every issue code, German and English: docs/{de,en}/codes. Made with the reference (`make docs`), from what
`kernel/issues_help` says in the console and on the command line too.
"""

import re
from pathlib import Path

from praxisd.kernel import issues_help
from praxisd.kernel.registry import Registry

NOTE = "<!-- made by `make docs`; do not edit -->"
LANGUAGES = ("de", "en")
INDEX = "index.md"
WORDS = {
    "de": {
        "back": "Alle Meldungen",
        "other": "English",
        "diagnosis": "[Diagnose](../diagnose.md)",
        "intro": "Jede Meldung, die praxisd kennt, mit Ursache und Lösung. In der Konsole: *Meldungen* → *Hilfe zu dieser "
        "Meldung*. Auf dem Server: `praxisd doctor --explain CODE`. Mehr: [Diagnose](../diagnose.md). Was Programme als Antwort "
        "bekommen, steht in [reference/codes.md](../../reference/codes.md).",
        "where": "Im Programm",
        "there": "Konsole, *Meldungen* → *Hilfe zu dieser Meldung*; `praxisd doctor --explain {code}`",
    },
    "en": {
        "back": "All issues",
        "other": "Deutsch",
        "diagnosis": "[Diagnosis](../diagnosis.md)",
        "intro": "Every issue that praxisd knows, with cause and solution. In the console: *Issues* → *Help on this issue*. On "
        "the server: `praxisd doctor --explain CODE`. More: [Diagnosis](../diagnosis.md). What programs get as an answer stands "
        "in [reference/codes.md](../../reference/codes.md).",
        "where": "In the program",
        "there": "Console, *Issues* → *Help on this issue*; `praxisd doctor --explain {code}`",
    },
}
_STEP = re.compile(r" (?=[2-9][0-9]?\. )")


def pages(found: Registry) -> dict[str, str]:
    """Path below docs/ and text of every page, the indexes among them."""
    made: dict[str, str] = {}
    for lang in LANGUAGES:
        for code in issues_help.issue_codes(found):
            made[f"{lang}/codes/{code}.md"] = _page(found, code, lang)
        made[f"{lang}/codes/{INDEX}"] = _index(found, lang)
    return made


def write(docs: Path, found: Registry) -> None:
    """Write all pages below `docs`; a page whose code is gone goes too."""
    made = pages(found)
    for lang in LANGUAGES:
        folder = docs / lang / "codes"
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.md"):
            if f"{lang}/codes/{old.name}" not in made:
                old.unlink()
    for name, text in made.items():
        (docs / name).write_text(text, encoding="utf-8")


def _page(found: Registry, code: str, lang: str) -> str:
    one = issues_help.topic(found, code, lang)
    assert one is not None, code
    say, words = found.texts.get, WORDS[lang]

    def head(name: str) -> str:
        return f"## {say(f'console.help.{name}', lang)}"

    other = "en" if lang == "de" else "de"
    looked = "; ".join(say("console.help.check", lang, name=f"`{c.name}`", often=c.often) for c in one.checks)
    facts = [
        (say("console.help.code", lang), f"`{code}`"),
        (say("console.help.area", lang), one.area),
        (say("console.help.severity", lang), one.severity or ""),
        (say("console.help.checked", lang), looked),
        (say("console.help.answered", lang), ", ".join(f"HTTP {status}" for status in one.statuses)),
        (words["where"], words["there"].format(code=code)),
    ]
    parts = [f"# {one.title}", NOTE]
    parts.append("\n".join(f"- **{name}**: {text}" for name, text in facts if text))
    if one.hint:
        parts += [head("means"), one.hint]
    parts += [head("cause"), one.cause, head("solution"), _STEP.sub("\n", one.solution)]
    if one.fix:
        parts += [head("fix"), f"„{one.fix}“" if lang == "de" else f"“{one.fix}”"]
    if issues_help.BLANK in one.title + one.cause + one.solution:
        parts.append(say("console.help.blank", lang))
    parts.append(
        f"[{words['back']}]({INDEX}) · {words['diagnosis']} · [{words['other']}](../../{other}/codes/{code}.md)"
    )
    return "\n\n".join(parts) + "\n"


def _index(found: Registry, lang: str) -> str:
    """All codes by area, with their titles."""
    areas: dict[str, list[str]] = {}
    for code in issues_help.issue_codes(found):
        title = issues_help.say(found, f"{code}.title", lang)
        areas.setdefault(issues_help.area(found, code, lang), []).append(f"- [{title}]({code}.md) `{code}`")
    title = found.texts.get("console.help.title", lang)
    listed = [f"## {name}\n\n" + "\n".join(lines) for name, lines in sorted(areas.items())]
    return "\n\n".join([f"# {title}", NOTE, WORDS[lang]["intro"], *listed]) + "\n"
