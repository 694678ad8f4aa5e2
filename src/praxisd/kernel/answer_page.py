"""The page on which somebody who was written to answers by a link: one small document, no script, nothing fetched elsewhere.

Services say what stands on it; how it looks, and what the browser is told to keep to, is the same for all of them.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape

from praxisd.kernel.service import Raw
from praxisd.kernel.texts import Texts

MEDIA_TYPE = "text/html; charset=utf-8"
_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;margin:0;background:#f4f6f8;color:#16202a}"
    "main{max-width:34rem;margin:6vh auto;padding:1.75rem;background:#fff;border-radius:.75rem}"
    "h1{font-size:1.35rem;margin:0 0 1rem}p{margin:.5rem 0}.when{font-weight:600;font-size:1.2rem}"
    "form{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}"
    "button{font:inherit;padding:.75rem 1.4rem;border-radius:.5rem;border:2px solid #0b5cad;background:#fff;color:#0b5cad}"
    "button:first-of-type{background:#0b5cad;color:#fff}"
    "button:focus-visible,input:focus-visible,a:focus-visible{outline:3px solid #16202a;outline-offset:2px}"
    "label{flex-basis:100%;font-weight:600}small{flex-basis:100%;color:#4a5763}"
    "input{font:inherit;font-size:1.3rem;letter-spacing:.08em;text-transform:uppercase;padding:.6rem .8rem;width:14rem;"
    "max-width:100%;box-sizing:border-box;border:2px solid #5c6b78;border-radius:.5rem}"
    ".alert{border-left:.3rem solid #b3261e;background:#fdf0ef;padding:.6rem .8rem}nav{margin-top:1.5rem;font-size:.95rem}"
    "a{color:#0b5cad}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}


def spoken(texts: Texts, *wished: str | None) -> str:
    """The first of the wished languages in which there are texts (`de-CH` counts as `de`), else English."""
    for one in wished:
        if one is not None and one[:2].lower() in texts.languages:
            return one[:2].lower()
    return "en"


def answer_page(
    language: str,
    heading: str,
    lines: Sequence[str],
    buttons: Sequence[tuple[str, str]] = (),
    *,
    when: str = "",
    ask: tuple[str, str, str] | None = None,
    alert: str = "",
    links: Sequence[tuple[str, str, str]] = (),
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Raw:
    """The document. `when`: the line among `lines` that stands out; empty lines are left out. `buttons`: (value of `answer`,
    label), the one most people press first. `ask`: name, label and help of a code to type; `alert`: what was wrong with it;
    `links`: (address, label, language) of the same page; `headers`: more of them.
    """
    words = "".join(f"<p{' class=when' if one == when else ''}>{escape(one)}</p>" for one in lines if one)
    made = "".join(
        f'<button name="answer" value="{escape(value)}">{escape(label)}</button>' for value, label in buttons
    )
    field = ""
    if ask is not None:
        name, label, help_ = map(escape, ask)
        field = (
            f'<label for="{name}">{label}</label><input id="{name}" name="{name}" required autofocus autocomplete="off" '
            f'autocapitalize="characters" spellcheck="false" maxlength="40" aria-describedby="{name}-help">'
            f'<small id="{name}-help">{help_}</small>'
        )
    form = f'<form method="post">{field}{made}</form>' if made else ""
    told = f'<p class="alert" role="alert">{escape(alert)}</p>' if alert else ""
    ways = "".join(
        f'<a href="{escape(href)}" lang="{escape(code)}" hreflang="{escape(code)}">{escape(label)}</a>'
        for href, label, code in links
    )
    nav = f"<nav>{ways}</nav>" if ways else ""
    data = (
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(heading)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(heading)}</h1>{words}{told}{form}{nav}</main></body></html>"
    )
    return Raw(data.encode(), MEDIA_TYPE, status, {**_HEADERS, **(headers or {})})
