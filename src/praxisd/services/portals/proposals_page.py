"""The page of a proposal as HTML: one small document, readable on a telephone, no script, nothing fetched from elsewhere."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from praxisd.kernel.clock import zone

_DAYS = {
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;margin:0;background:#f4f6f8;color:#16202a}"
    "main{max-width:32rem;margin:2rem auto;padding:1.5rem;background:#fff;border-radius:.75rem}"
    "h1{font-size:1.3rem;margin:0 0 1rem}form{display:flex;gap:.75rem;flex-wrap:wrap;margin-top:1.5rem}"
    "button{font:inherit;padding:.75rem 1.25rem;border-radius:.5rem;border:2px solid #0b5c8a;background:#fff;color:#0b5c8a}"
    "button[value=yes]{background:#0b5c8a;color:#fff}button:focus-visible{outline:3px solid #16202a;outline-offset:2px}"
)


def when(moment: int, zone_name: str, language: str) -> str:
    """`Donnerstag, 03.12.2026, 10:30`, in the practice's time."""
    wall = datetime.fromtimestamp(moment, zone(zone_name))
    day = _DAYS.get(language, _DAYS["en"])[wall.weekday()]
    date = f"{wall:%d.%m.%Y}" if language == "de" else f"{wall.day} {wall:%B %Y}"
    return f"{day}, {date}, {wall:%H:%M}"


def page(
    language: str, heading: str, practice: str, sentence: str, buttons: Sequence[tuple[str, str]]
) -> str:
    """The document. `practice` and `sentence` are escaped already; `buttons` are (value, label) of the answers."""
    form = ""
    if buttons:
        made = "".join(
            f'<button name="answer" value="{value}">{escape(label)}</button>' for value, label in buttons
        )
        form = f'<form method="post">{made}</form>'
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(heading)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{practice}</h1><p>{sentence}</p>{form}</main></body></html>"
    )
