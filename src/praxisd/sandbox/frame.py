"""The frame of the sandboxes' pages: German and English, light and dark, without script and without anything foreign."""

from collections.abc import Callable, Mapping
from functools import cache
from html import escape
from typing import Any

from praxisd.kernel.texts import Texts

LANGUAGES = ("de", "en")
COOKIE = "praxisd-sandbox-lang"
Say = Callable[..., str]

_STYLE = """
:root{color-scheme:light dark;--ground:#f4f6f8;--card:#fff;--ink:#16212b;--soft:#5a6b7a;--line:#d5dde4;--brand:#0b6a78;
--good:#1a7044;--bad:#b3261e;--wait:#8a5a00;--bubble:#e3f1f3}
@media (prefers-color-scheme:dark){:root{--ground:#10171d;--card:#18222b;--ink:#e6edf2;--soft:#9aabb8;--line:#2c3a46;
--brand:#5cc0cf;--good:#69cf97;--bad:#ff9d94;--wait:#f0bd63;--bubble:#1d3a40}}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
header{background:var(--card);border-bottom:1px solid var(--line)}
header>div,main{max-width:72rem;margin:0 auto;padding:1rem 1.25rem}
header>div{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;align-items:baseline}
h1{font-size:1.25rem;margin:0}h2{font-size:1.05rem;margin:0 0 .5rem}header p{margin:0;color:var(--soft)}nav{margin-left:auto}
a{color:var(--brand)}.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1rem}
.grid{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(19rem,1fr))}
.soft{color:var(--soft);font-size:.875rem}.good{color:var(--good)}.bad{color:var(--bad)}.wait{color:var(--wait)}
.row{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center}.bar{margin-bottom:1rem}
button,input,textarea,select{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:8px;
padding:.375rem .75rem;min-height:2.5rem}button{cursor:pointer}button:hover{border-color:var(--brand)}
button.main{background:var(--brand);border-color:var(--brand);color:var(--card)}
:focus-visible{outline:3px solid var(--brand);outline-offset:2px}
.bubble{background:var(--bubble);border-radius:14px 14px 14px 4px;padding:.625rem .875rem;white-space:pre-wrap;
overflow-wrap:anywhere;margin:.5rem 0}.bubble.mine{background:var(--ground);border:1px solid var(--line);
border-radius:14px 14px 4px 14px;margin-left:2rem}
.tag{border:1px solid currentColor;border-radius:99px;padding:0 .5rem;font-size:.8125rem;font-weight:600}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.375rem .5rem;border-bottom:1px solid var(--line);
vertical-align:top}pre{white-space:pre-wrap;overflow-wrap:anywhere}
"""


@cache
def _texts() -> Texts:
    return Texts(["praxisd.sandbox"])


def language(query: Mapping[str, str], headers: Mapping[str, str], usual: str = "de") -> str:
    """What the address asks for, else what was chosen before, else what the browser prefers."""
    cookie = headers.get("cookie", "").partition(f"{COOKIE}=")[2][:2]
    wanted = headers.get("accept-language", "")[:2].lower()
    return next((one for one in (query.get("lang"), cookie, wanted) if one in LANGUAGES), usual)


def speaker(lang: str) -> Say:
    """`say(key, …)`: a text of `sandbox/texts`, escaped for a page."""

    def say(key: str, /, **params: Any) -> str:
        return escape(_texts().get(f"sandbox.{key}", lang, **params))

    return say


def frame(
    lang: str, title: str, lead: str, body: str, path: str = "/", refresh_s: int = 0, style: str = ""
) -> str:
    """A whole page. `title`, `lead` and `body` are HTML; the other language is offered for `path`. `style`: more CSS."""
    say = speaker(lang)
    again = f'<meta http-equiv="refresh" content="{refresh_s}">' if refresh_s else ""
    mark = "&amp;" if "?" in path else "?"
    others = " ".join(
        f'<a href="{escape(path)}{mark}lang={one}" hreflang="{one}" lang="{one}">{say("language_" + one)}</a>'
        for one in LANGUAGES
        if one != lang
    )
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">{again}'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{title}</title>'
        f"<style>{_STYLE}{style}</style></head><body><header><div><h1>{title}</h1><p>{lead}</p><nav>{others}</nav></div></header>"
        f"<main>{body}</main></body></html>"
    )


def remember(lang: str) -> str:
    """The Set-Cookie that keeps a chosen language."""
    return f"{COOKIE}={lang}; Path=/; Max-Age=31536000; SameSite=Strict"
