"""What people see of the sandbox of updates: what is published, what comes next, what goes wrong, who fetched what."""

from datetime import datetime
from html import escape

from praxisd.sandbox.door import Answer, Call, Route, as_page
from praxisd.sandbox.frame import Say, frame, language, remember, speaker
from praxisd.sandbox.updates import STEPS
from praxisd.sandbox.updates_door import Shop

_REFRESH_S = 5
_SHOWN = 25
_STYLE = "td:nth-child(2){overflow-wrap:anywhere;min-width:7rem}.wide{overflow-x:auto;font-size:.875rem}"
_NAMES = {"holidays": "updates_data", "medication": "updates_drugs"}
_FILES = {"path": "targets/", "ends": ".zip,.zst"}
_BUTTONS = {
    "slow": {"kind": "slow", **_FILES, "rate": "200000"},
    "cut": {"kind": "cut", **_FILES, "times": "2"},
    "endless": {"kind": "endless", **_FILES},
    "missing": {"kind": "missing", **_FILES},
    "corrupt": {"kind": "corrupt", **_FILES},
    "stale": {"kind": "stale"},
    "rollback": {"kind": "rollback"},
}
"""Name of the button → the fault it plans."""


def routes(shop: Shop, usual: str) -> tuple[Route, ...]:
    """`/`."""
    return (("GET", "/", lambda call: _page(shop, call, usual)),)


def _page(shop: Shop, call: Call, usual: str) -> Answer:
    lang = language(call.query, call.headers, usual)
    say = speaker(lang)
    body = _steps(shop, say) + _faults(shop, say) + _requests(shop, say)
    html = frame(lang, say("updates_title"), say("updates_lead", url=shop.url), body, "/", _REFRESH_S, _STYLE)
    return as_page(html, Set_Cookie=remember(lang)) if "lang" in call.query else as_page(html)


def _steps(shop: Shop, say: Say) -> str:
    out = shop.made.published()
    cards = []
    for what in STEPS:
        version = shop.made.versions[what]
        if what in out:
            act = f'<span class="tag good">{say("updates_out")}</span>'
        else:
            act = (
                f'<form method="post" action="/publish"><button class="main" name="what" value="{what}">'
                f"{say('updates_publish')}</button></form>"
            )
        name = say(_NAMES.get(what, "updates_program"), version=version)
        cards.append(f'<article class="card"><h2>{name}</h2><p>{say("updates_" + what)}</p>{act}</article>')
    return f'<div class="grid">{"".join(cards)}</div><br>'


def _faults(shop: Shop, say: Say) -> str:
    coming = shop.faults.state()
    names = ", ".join(say(f"updates_fault_{one['kind']}") for one in coming)
    shown = say("updates_coming", names="") + names if coming else say("updates_well")
    forms = "".join(
        '<form method="post" action="/faults">'
        + "".join(f'<input type="hidden" name="{key}" value="{value}">' for key, value in fields.items())
        + f"<button>{say('updates_fault_' + name)}</button></form>"
        for name, fields in _BUTTONS.items()
    )
    mend = (
        f'<form method="post" action="/faults"><button class="main">{say("updates_mend")}</button></form>'
        if coming
        else ""
    )
    tone = "bad" if coming else "soft"
    return (
        f'<section class="card"><h2>{say("updates_faults")}</h2><p class="{tone}">{shown}</p>'
        f'<div class="row">{forms}{mend}</div></section><br>'
    )


def _requests(shop: Shop, say: Say) -> str:
    rows = "".join(
        f"<tr><td>{datetime.fromtimestamp(one.at):%H:%M:%S}</td><td>{escape(_short(one.path))}</td>"
        f"<td>{one.start or ''}</td><td>{one.status}</td>"
        f"<td>{say('updates_fault_' + one.fault) if one.fault else ''}</td></tr>"
        for one in shop.requests()[::-1][:_SHOWN]
    )
    if not rows:
        return f'<section class="card"><h2>{say("updates_requests")}</h2><p>{say("updates_no_requests")}</p></section>'
    heads = "".join(f"<th>{say('updates_' + one)}</th>" for one in ("at", "file", "start", "status", "fault"))
    return (
        f'<section class="card wide"><h2>{say("updates_requests")}</h2><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></section>"
    )


def _short(path: str) -> str:
    """The path without its hash: that says nothing to people."""
    folder, slash, name = path.rpartition("/")
    head, _, rest = name.partition(".")
    return f"{folder}{slash}{rest}" if len(head) == 64 else path
