"""What people and tests see of the mail sandbox: what arrived, and the mails that can be made to come back."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import quote

from praxisd.sandbox.door import Answer, Bad, Call, Route, as_json, as_page, see
from praxisd.sandbox.frame import Say, frame, language, remember, speaker
from praxisd.sandbox.mail import Mail, Sink
from praxisd.sandbox.mail_answers import KINDS
from praxisd.sandbox.mail_faults import Faults

_REFRESH_S = 5
_SHOWN = 200
_TEXT_MOST = 4000
_TONES = {"failed": "bad", "delayed": "wait", "delivered": "good"}


def routes(sink: Sink, faults: Faults, status: Mapping[str, Any], usual: str) -> tuple[Route, ...]:
    """`/mails`, `/faults`, `/status`, and the pages. `status` is what a program must know to send mail here."""
    return (
        ("GET", "/mails", lambda _: as_json([one.json() for one in sink.mails()])),
        ("DELETE", "/mails", lambda _: _cleared(sink)),
        ("GET", "/mails/{id}", lambda call: _one(sink, call, usual)),
        ("GET", "/mails/{id}/raw", lambda call: _raw(sink, call)),
        ("POST", "/mails/{id}/answer", lambda call: _answer(sink, call, usual)),
        ("GET", "/faults", lambda _: as_json(faults.state())),
        ("POST", "/faults", lambda call: _faults(faults, call)),
        ("GET", "/status", lambda _: as_json(dict(status))),
        ("GET", "/", lambda call: _list_page(sink, faults, status, call, usual)),
    )


def _cleared(sink: Sink) -> Answer:
    sink.clear()
    return as_json([])


def _mail(sink: Sink, call: Call) -> Mail:
    found = sink.mail(call.path["id"])
    if found is None:
        raise Bad("not_found", 404)
    return found


def _wants_json(call: Call) -> bool:
    return "text/html" not in call.headers.get("accept", "")


def _given(call: Call) -> tuple[dict[str, Any], bool]:
    """The fields of the call, and whether a form of a page sent them."""
    if "json" in call.headers.get("content-type", ""):
        return call.table(), False
    return dict(call.form()), True


def _raw(sink: Sink, call: Call) -> Answer:
    return Answer(200, _mail(sink, call).content, "message/rfc822", {"Content-Disposition": "attachment"})


def _answer(sink: Sink, call: Call, usual: str) -> Answer:
    fields, form = _given(call)
    mail = _mail(sink, call)
    kind, text = fields.get("kind"), str(fields.get("text") or "").strip()
    found = next((one for one in KINDS if one == kind), None)
    if found is None:
        raise Bad("kind_invalid", 422)
    if len(text) > _TEXT_MOST or (found == "reply" and not text):
        raise Bad("text_invalid", 422)
    lang = str(fields.get("lang") or language(call.query, call.headers, usual))
    try:
        made = sink.answer(mail, found, text, lang)
    except OSError:
        raise Bad("mailbox_unusable", 500) from None
    return see(f"/mails/{quote(mail.id)}") if form else as_json(made)


def _faults(faults: Faults, call: Call) -> Answer:
    fields, form = _given(call)
    if form:
        fields = {"rate": float(fields.get("rate") or 0)}
    try:
        faults.set(
            rate=fields.get("rate"),
            seed=fields.get("seed"),
            kinds=fields.get("kinds"),
            next_=fields.get("next"),
            slow_s=fields.get("slow"),
        )
    except (ValueError, TypeError):
        raise Bad("malformed", 422) from None
    return see("/") if form else as_json(faults.state())


def _page(call: Call, usual: str, body: Callable[[str, Say], str], refresh_s: int) -> Answer:
    lang = language(call.query, call.headers, usual)
    say = speaker(lang)
    path = call.target.partition("?")[0]
    html = frame(lang, say("mail_title"), say("mail_lead"), body(lang, say), path, refresh_s)
    return as_page(html, Set_Cookie=remember(lang)) if "lang" in call.query else as_page(html)


def _list_page(sink: Sink, faults: Faults, status: Mapping[str, Any], call: Call, usual: str) -> Answer:
    if "json" in call.headers.get("accept", ""):
        return as_json(dict(status))

    def body(_lang: str, say: Say) -> str:
        found = sink.mails()
        times = Counter((one.message_id, one.to) for one in found)
        rate = faults.state()["rate"]
        bar = (
            f'<div class="row bar"><strong>{say("mail_count", count=len(found))}</strong>'
            f"<span>{say('mail_smtp', address=status['smtp'])}</span>"
            f'<span class="{"bad" if rate else "soft"}">{say("mail_faults", rate=rate)}</span>'
            f'<form method="post" action="/faults" class="row"><input type="hidden" name="rate" value="'
            f'{0 if rate else 0.3}"><button>{say("mail_faults_off" if rate else "mail_faults_on")}</button></form>'
            f'<a href="/">{say("refresh")}</a></div>'
        )
        cards = "".join(
            _card(say, one, times[one.message_id, one.to] > 1 and bool(one.message_id))
            for one in found[::-1][:_SHOWN]
        )
        return bar + (
            f'<div class="grid">{cards}</div>' if cards else f'<p class="card">{say("mail_none")}</p>'
        )

    return _page(call, usual, body, _REFRESH_S)


def _card(say: Say, one: Mail, twice: bool) -> str:
    warn = f' <span class="tag bad">{say("mail_twice")}</span>' if twice else ""
    return (
        f'<article class="card" id="m{one.id}"><h2><a href="/mails/{one.id}">{escape(one.subject or "–")}</a>{warn}</h2>'
        f'{_meta(say, one)}<p class="bubble">{escape(one.text)}</p>{_answers(say, one)}'
        f'<form method="post" action="/mails/{one.id}/answer" class="row">{_buttons(say, ("failed", "away"))}'
        f'<a href="/mails/{one.id}">{say("mail_reply")}</a></form></article>'
    )


def _meta(say: Say, one: Mail) -> str:
    shown = say(
        "mail_from_to", sender=one.sender, to=one.to, at=f"{datetime.fromtimestamp(one.at):%Y-%m-%d %H:%M}"
    )
    lock = f" · {say('mail_protected')}" if one.protected else ""
    return f'<p class="soft">{shown}{lock}</p>'


def _buttons(say: Say, kinds: tuple[str, ...]) -> str:
    return "".join(f'<button name="kind" value="{kind}">{say("mail_do_" + kind)}</button>' for kind in kinds)


def _answers(say: Say, one: Mail) -> str:
    return "".join(
        f'<p class="bubble mine">{escape(made["text"])}</p>'
        if made["kind"] == "reply"
        else f'<p><span class="tag {_TONES.get(made["kind"], "wait")}">{say("mail_" + made["kind"])}</span></p>'
        for made in one.answers
    )


def _one(sink: Sink, call: Call, usual: str) -> Answer:
    """One mail: as JSON, or its page with a box to answer it."""
    one = _mail(sink, call)
    if _wants_json(call):
        return as_json(one.json())

    def body(_lang: str, say: Say) -> str:
        action = f'<form method="post" action="/mails/{one.id}/answer" class="row">'
        words = "".join(
            f'{action}<input type="hidden" name="kind" value="reply"><button name="text" value="{word}">{word}</button></form>'
            for word in ("JA", "ABSAGE", "STOPP")
        )
        return (
            f'<p><a href="/">{say("mail_all")}</a></p><article class="card"><h2>{escape(one.subject or "–")}</h2>'
            f'{_meta(say, one)}<p class="bubble">{escape(one.text)}</p>{_answers(say, one)}'
            f"{action}{_buttons(say, ('failed', 'delayed', 'delivered', 'away'))}</form></article><br>"
            f'<div class="card"><h2>{say("mail_answer", to=one.to)}</h2><div class="row">{words}</div><br>'
            f'{action}<input type="hidden" name="kind" value="reply"><label for="text">{say("mail_text")}</label>'
            f'<input id="text" name="text" required maxlength="2000" size="50"><button class="main">'
            f'{say("mail_reply")}</button></form><p class="soft">{say("mail_mailbox", folder=sink.mailbox)}</p></div>'
            f'<details class="card"><summary>{say("mail_source")}</summary><pre>'
            f"{escape(one.content.decode('utf-8', 'replace'))}</pre>"
            f'<a href="/mails/{one.id}/raw">{say("mail_download")}</a></details>'
        )

    return _page(call, usual, body, 0)
