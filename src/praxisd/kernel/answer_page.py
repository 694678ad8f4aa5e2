"""The page on which somebody who was written to answers by a link: one small document, no script, nothing fetched elsewhere.

Services say what stands on it; how it looks, and what the browser is told to keep to, is the same for all of them.
"""

import base64
import hashlib
from collections.abc import Sequence
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
    "button:first-child{background:#0b5cad;color:#fff}"
    "button:focus-visible{outline:3px solid #16202a;outline-offset:2px}"
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
    status: int = 200,
) -> Raw:
    """The document. `when`: the line among `lines` that stands out; empty lines are left out. `buttons`: (value of `answer`,
    label), the one most people press first.
    """
    words = "".join(f"<p{' class=when' if one == when else ''}>{escape(one)}</p>" for one in lines if one)
    made = "".join(
        f'<button name="answer" value="{escape(value)}">{escape(label)}</button>' for value, label in buttons
    )
    form = f'<form method="post">{made}</form>' if made else ""
    data = (
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(heading)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(heading)}</h1>{words}{form}</main></body></html>"
    )
    return Raw(data.encode(), MEDIA_TYPE, status, _HEADERS)
