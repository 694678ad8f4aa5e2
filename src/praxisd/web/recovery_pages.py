"""What the recovery page looks like. Every value goes through `html.escape`; there is no script and no inline style."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, Protocol

import msgspec

from praxisd import __version__
from praxisd.kernel.errors import Problem
from praxisd.kernel.texts import Texts
from praxisd.web.problems import ProblemDocument

_SEVERITIES = ("error", "warning", "info")


class Line(Protocol):
    """One line of the log."""

    @property
    def number(self) -> int:
        """Its number since the start."""
        ...

    @property
    def at(self) -> str:
        """RFC 3339."""
        ...

    @property
    def level(self) -> str:
        """debug, info, warning, error."""
        ...

    @property
    def event(self) -> str:
        """What it tells."""
        ...

    @property
    def detail(self) -> Mapping[str, Any]:
        """All else."""
        ...


@dataclass(frozen=True)
class Frame:
    """What all pages share. `other` is the address of the same page in the other language."""

    texts: Texts
    lang: str
    instance: str
    other: str
    maintenance: bool

    def t(self, key: str, /, **params: object) -> str:
        """A text of these pages, escaped; the params too."""
        return escape(self.texts.get(f"recovery.{key}", self.lang, **params))


@dataclass(frozen=True)
class View:
    """What a signed-in person sees; None where that is not for them. Issues are words, since when, and if ignored."""

    name: str
    csrf: str
    limited: bool
    sign_out: str
    check: str
    issues: Sequence[tuple[Mapping[str, Any], str, bool]] | None
    events: Sequence[tuple[str, str, str]] | None
    lines: Sequence[Line] | None


def moment(text: str, lang: str) -> str:
    """`27.11.2026 09:00:00`: an RFC 3339 time as people write it, in its own zone."""
    at = datetime.fromisoformat(text)
    return at.strftime("%d.%m.%Y %H:%M:%S" if lang == "de" else "%Y-%m-%d %H:%M:%S")


def whole(frame: Frame, body: str) -> bytes:
    """The page around a body."""
    notice = f'<p class="note" role="status">{frame.t("maintenance")}</p>' if frame.maintenance else ""
    other = "en" if frame.lang == "de" else "de"
    page = f"""<!doctype html>
<html lang="{escape(frame.lang)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{frame.t("title")} – praxisd</title>
<link rel="stylesheet" href="/recovery/recovery.css">
</head>
<body>
<header>
<h1>{frame.t("title")}</h1>
<a href="/">{frame.t("console")}</a>
<a href="{escape(frame.other)}" hreflang="{other}" lang="{other}">{frame.t("language")}</a>
</header>
<main>
<p class="small">{frame.t("what")}</p>
{notice}
{body}
</main>
<footer><p class="small">{frame.t("server", version=__version__, instance=frame.instance)}</p></footer>
</body>
</html>
"""
    return page.encode()


def sign_in(frame: Frame, action: str, login: str, refused: Problem | None) -> str:
    """The form to sign in, with what was wrong the last time."""
    told = "" if refused is None else _told(frame, refused)
    return f"""{told}
<form method="post" action="{escape(action)}">
<h2>{frame.t("sign_in")}</h2>
<label for="login">{frame.t("login")}</label>
<input id="login" name="login" value="{escape(login)}" autocomplete="username" autocapitalize="none" required>
<label for="password">{frame.t("password")}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<label for="code">{frame.t("code")}</label>
<input id="code" name="code" autocomplete="one-time-code">
<button>{frame.t("sign_in")}</button>
</form>"""


def _told(frame: Frame, problem: Problem) -> str:
    """A refusal: what, why, and what to do."""
    parts = []
    for part, tag in (("title", "strong"), ("cause", "span"), ("solution", "span")):
        key = f"{problem.code}.{part}"
        if frame.texts.has(key):
            text = frame.texts.get(key, frame.lang, **problem.params)
            parts.append(f"<{tag}>{escape(text)}</{tag}>")
    return f'<p class="issue error" role="alert">{" ".join(parts) or escape(problem.code)}</p>'


def view(frame: Frame, shown: View) -> str:
    """All that a signed-in person sees."""
    parts = [
        f"<p>{frame.t('signed_in', name=shown.name)} {_button(shown.sign_out, shown.csrf, frame.t('sign_out'))}</p>"
    ]
    if shown.limited:
        parts.append(f'<p class="note">{frame.t("limited")}</p>')
    if shown.issues is not None:
        parts.append(_issues(frame, shown, shown.issues))
    if shown.events is not None:
        rows = [
            f'<tr><td class="when">{escape(at)}</td><td>{escape(said)}</td><td>{escape(who)}</td></tr>'
            for at, said, who in shown.events
        ]
        head = (frame.t("time"), frame.t("what_happened"), frame.t("who"))
        table = _table(frame.t("activity"), head, rows) if rows else f"<p>{frame.t('no_activity')}</p>"
        parts.append(f"<h2>{frame.t('activity')}</h2>\n{table}")
    if shown.lines is not None:
        titles = [frame.t(one) for one in ("number", "time", "level", "event", "detail")]
        table = _table(frame.t("log"), titles, [_line(one) for one in shown.lines])
        save = f'<p><a href="/api/v1/log/download">{frame.t("download")}</a></p>'
        parts.append(f"<h2>{frame.t('log')}</h2>\n{save}\n{table}")
    return "\n".join(parts)


def _issues(frame: Frame, shown: View, found: Sequence[tuple[Mapping[str, Any], str, bool]]) -> str:
    parts = [
        f"<h2>{frame.t('issues')} ({len(found)})</h2>",
        f"<p>{_button(shown.check, shown.csrf, frame.t('check'))}</p>",
    ]
    if not found:
        parts.append(f"<p>{frame.t('no_issues')}</p>")
    for words, since, ignored in sorted(found, key=lambda one: _SEVERITIES.index(one[0]["severity"])):
        severity = words["severity"]
        word = frame.texts.get(f"console.word.severity.{severity}", frame.lang)
        notes = [escape(word), frame.t("since", time=since), escape(words["code"])]
        notes += [frame.t("ignored")] if ignored else []
        parts.append(
            f'<section class="issue {escape(severity)}"><h3>{escape(words["title"])}</h3>'
            f'<p class="small">{" · ".join(notes)}</p><p>{escape(words["cause"])}</p>'
            f"<p><strong>{frame.t('solution')}</strong> {escape(words['solution'])}</p></section>"
        )
    return "\n".join(parts)


def _line(one: Line) -> str:
    detail = msgspec.json.encode(one.detail).decode() if one.detail else ""
    cells = [
        f"<td>{one.number}</td>",
        f'<td class="when">{escape(one.at)}</td>',
        f"<td>{escape(one.level)}</td>",
        f'<td class="code">{escape(one.event)}</td>',
        f'<td class="code">{escape(detail)}</td>',
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _table(label: str, head: Sequence[str], rows: Sequence[str]) -> str:
    titles = "".join(f'<th scope="col">{one}</th>' for one in head)
    return (
        f'<div class="wide" role="region" aria-label="{label}" tabindex="0"><table><thead><tr>{titles}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _button(action: str, csrf: str, label: str) -> str:
    return (
        f'<form class="inline" method="post" action="{escape(action)}">'
        f'<input type="hidden" name="csrf" value="{escape(csrf)}"><button>{label}</button></form>'
    )


def refused(texts: Texts, lang: str, problem: ProblemDocument, home: str) -> bytes:
    """A page for what went wrong, with the way back."""
    frame = Frame(texts, lang, "praxisd", f"{home}?lang={'en' if lang == 'de' else 'de'}", False)
    words = " ".join(escape(one) for one in (problem.cause, problem.solution) if one)
    body = (
        f'<p class="issue error" role="alert"><strong>{escape(problem.title)}</strong> {words}</p>'
        f'<p><a href="{escape(home)}?lang={escape(lang)}">{frame.t("back")}</a></p>'
    )
    return whole(frame, body)
