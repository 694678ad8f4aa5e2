"""What the door says: problem+json for programs, OperationOutcome under /fhir, a small page for people."""

import base64
import hashlib
import html
import json

from praxisd_guard.door import Reply, Request
from praxisd_guard.words import LANGUAGES, accepted, say

TYPE_PREFIX = "https://praxisd.org/problems/"
STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;margin:12vh auto;max-width:34rem;padding:0 1.5rem;color:#1c2b33;"
    "background:#f6f8f9}h1{font-size:1.4rem}section+section{margin-top:2rem;border-top:1px solid #ccd5da;"
    "padding-top:1rem}dt{font-weight:600}dd{margin:0 0 .6rem;overflow-wrap:anywhere}input,button{font:inherit;"
    "padding:.4rem .7rem}.wrong{color:#a11}"
    "@media(prefers-color-scheme:dark){body{background:#14191c;color:#e4ebee}.wrong{color:#f88}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CSP = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
"""Nothing is loaded from anywhere, no script runs."""


def unavailable(request: Request, code: str, retry_s: int) -> Reply:
    """503 with `code` (`maintenance` or `guard.down`), in the form and language the caller takes."""
    lang = accepted(request.headers.get("accept-language", ""))
    headers = {"Retry-After": str(retry_s), "Content-Language": lang}
    if request.path == "/fhir" or request.path.startswith("/fhir/"):
        return _outcome(request, code, lang, headers)
    if request.wants_page:
        return page_reply(waiting_page(code, lang, retry_s), 503, lang, headers)
    document = {
        "type": TYPE_PREFIX + code,
        "title": say(f"{code}.title", lang),
        "status": 503,
        "code": code,
        "retry": True,
        "detail": say(f"{code}.cause", lang),
        "cause": say(f"{code}.cause", lang),
        "solution": say(f"{code}.solution", lang),
    }
    return Reply(503, json.dumps(document, ensure_ascii=False).encode(), "application/problem+json", headers)


def _outcome(request: Request, code: str, lang: str, headers: dict[str, str]) -> Reply:
    """OperationOutcome (FHIR R4), as XML for who takes only that."""
    text = " ".join(say(f"{code}.{part}", lang) for part in ("title", "cause", "solution"))
    accept = request.headers.get("accept", "")
    if "xml" in accept and "json" not in accept:
        body = (
            '<OperationOutcome xmlns="http://hl7.org/fhir"><issue><severity value="error"/><code value="transient"/>'
            f'<details><coding><code value="{html.escape(code)}"/></coding><text value="{html.escape(text)}"/></details>'
            "</issue></OperationOutcome>"
        )
        return Reply(503, body.encode(), "application/fhir+xml; charset=UTF-8", headers)
    issue = {
        "severity": "error",
        "code": "transient",
        "details": {"coding": [{"code": code}], "text": text},
    }
    body = json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}, ensure_ascii=False)
    return Reply(503, body.encode(), "application/fhir+json; charset=UTF-8", headers)


def waiting_page(code: str, lang: str, retry_s: int) -> str:
    """The page that reloads itself until the server is back, in both languages, the caller's first."""
    parts = []
    for one in (lang, *(other for other in LANGUAGES if other != lang)):
        parts.append(
            f'<section lang="{one}"><h1>{html.escape(say(f"{code}.title", one))}</h1>'
            f"<p>{html.escape(say(f'{code}.cause', one))}</p>"
            f"<p>{html.escape(say('page.comes_back', one))}</p></section>"
        )
    return page(lang, "".join(parts), refresh_s=max(1, retry_s))


def page(lang: str, body: str, refresh_s: int | None = None) -> str:
    """One whole HTML document."""
    refresh = "" if refresh_s is None else f'<meta http-equiv="refresh" content="{refresh_s}">'
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">{refresh}'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{html.escape(say('page.heading', lang))}</title><style>{STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>"
    )


def page_reply(text: str, status: int, lang: str, headers: dict[str, str]) -> Reply:
    """A page as an answer."""
    safety = {
        "Content-Security-Policy": CSP,
        "Referrer-Policy": "no-referrer",
        "X-Frame-Options": "DENY",
        "Vary": "Accept, Accept-Language",
        "Content-Language": lang,
    }
    return Reply(status, text.encode(), "text/html; charset=utf-8", {**headers, **safety})
