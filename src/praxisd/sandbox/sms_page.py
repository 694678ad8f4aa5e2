"""What people and tests see of the SMS sandbox: the messages as on a phone, and what can be done with them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import quote, unquote

from praxisd.sandbox.door import Answer, Bad, Call, Route, as_json, as_page, see
from praxisd.sandbox.frame import frame, language, remember, speaker
from praxisd.sandbox.sms import FINAL, STATES, Gateway, Message, moment
from praxisd.sandbox.sms_calls import Caller

GATEWAYS = ("sandbox", "seven", "lox24", "aspsms")
_REFRESH_S = 5
_SHOWN = 200
_TONES = {"delivered": "good", "failed": "bad", "expired": "bad"}


def routes(gateway: Gateway, caller: Caller, usual: str) -> tuple[Route, ...]:
    """`/messages`, `/faults`, `/credits`, `/hooks`, and the pages."""
    return (
        ("GET", "/messages", lambda _: as_json([one.json() for one in gateway.messages()])),
        ("DELETE", "/messages", lambda _: _cleared(gateway)),
        ("POST", "/messages/{id}/state", lambda call: _state(gateway, call)),
        ("POST", "/messages/{id}/reply", lambda call: _reply(gateway, call)),
        ("POST", "/replies", lambda call: _stray_reply(gateway, call)),
        ("GET", "/faults", lambda _: as_json(gateway.faults.state())),
        ("POST", "/faults", lambda call: _faults(gateway, call)),
        ("POST", "/credits", lambda call: _credits(gateway, call)),
        ("GET", "/hooks", lambda _: as_json(caller.made)),
        ("POST", "/hooks", lambda call: _hooks(gateway, call)),
        ("GET", "/", lambda call: _list_page(gateway, call, usual)),
        ("GET", "/phones/{number}", lambda call: _phone_page(gateway, call, usual)),
    )


def _cleared(gateway: Gateway) -> Answer:
    gateway.clear()
    return as_json([])


def _given(call: Call) -> tuple[dict[str, Any], bool]:
    """The fields of the call, and whether a form of a page sent them."""
    if "json" in call.headers.get("content-type", ""):
        return call.table(), False
    return dict(call.form()), True


def _message(gateway: Gateway, call: Call) -> Message:
    found = gateway.message(call.path["id"])
    if found is None:
        raise Bad("not_found", 404)
    return found


def _back(form: Mapping[str, Any], message: Message | None) -> Answer:
    number = quote(str(form["phone"])) if form.get("phone") else ""
    return see(f"/phones/{number}" if number else "/" if message is None else f"/#m{message.id}")


def _state(gateway: Gateway, call: Call) -> Answer:
    fields, form = _given(call)
    message = _message(gateway, call)
    if fields.get("state") not in STATES:
        raise Bad("state_invalid", 422)
    gateway.set_state(message.id, fields["state"])
    return _back(fields, message) if form else as_json(message.json())


def _reply(gateway: Gateway, call: Call) -> Answer:
    fields, form = _given(call)
    message = _message(gateway, call)
    text = str(fields.get("text") or "").strip()
    if not text:
        raise Bad("text_invalid", 422)
    made = gateway.reply(message, message.to, text)
    return _back(fields, message) if form else as_json({**made, "at": moment(made["at"])})


def _stray_reply(gateway: Gateway, call: Call) -> Answer:
    fields = call.table()
    sender, text, name = (str(fields.get(word) or "") for word in ("from", "text", "gateway"))
    if not sender or not text or name not in ("", *GATEWAYS):
        raise Bad("text_invalid", 422)
    made = gateway.reply(None, sender, text, name)
    return as_json({**made, "at": moment(made["at"])})


def _faults(gateway: Gateway, call: Call) -> Answer:
    fields, form = _given(call)
    if form:
        fields = {"rate": float(fields.get("rate") or 0)}
    try:
        gateway.faults.set(
            rate=fields.get("rate"),
            seed=fields.get("seed"),
            kinds=fields.get("kinds"),
            next_=fields.get("next"),
            delay_s=fields.get("delay"),
        )
    except (ValueError, TypeError) as error:
        raise Bad(f"{error}_invalid" if str(error).isalpha() else "malformed", 422) from None
    return see("/") if form else as_json(gateway.faults.state())


def _credits(gateway: Gateway, call: Call) -> Answer:
    fields, form = _given(call)
    try:
        left = int(fields["credits"])
    except (KeyError, ValueError, TypeError):
        raise Bad("credits_invalid", 422) from None
    if not 0 <= left <= 10**9:
        raise Bad("credits_invalid", 422)
    gateway.set_credits(left)
    return see("/") if form else as_json({"credits": gateway.credits})


def _hooks(gateway: Gateway, call: Call) -> Answer:
    fields = call.table()
    name, url = str(fields.get("gateway") or "sandbox"), str(fields.get("url") or "")
    if name not in GATEWAYS or (url and not url.startswith(("http://", "https://"))):
        raise Bad("hook_invalid", 422)
    gateway.set_hook(name, url, str(fields.get("secret") or ""))
    return as_json({"gateway": name, "url": url})


def _page(
    call: Call, usual: str, title: str, lead: str, body: Callable[[str], str], refresh_s: int
) -> Answer:
    lang = language(call.query, call.headers, usual)
    say = speaker(lang)
    path = call.target.partition("?")[0]
    html = frame(lang, say(title), say(lead), body(lang), path, refresh_s)
    return as_page(html, Set_Cookie=remember(lang)) if "lang" in call.query else as_page(html)


def _list_page(gateway: Gateway, call: Call, usual: str) -> Answer:
    def body(lang: str) -> str:
        say = speaker(lang)
        found = gateway.messages()
        times: dict[str, int] = {}
        for one in found:
            times[one.reference] = times.get(one.reference, 0) + 1
        rate = gateway.faults.state()["rate"]
        bar = (
            f'<div class="row bar"><span><strong>{say("sms_count", count=len(found))}</strong></span>'
            f"<span>{say('sms_credits', credits=gateway.credits)}</span>"
            f'<span class="{"bad" if rate else "soft"}">{say("sms_faults", rate=rate)}</span>'
            f'<form method="post" action="/faults" class="row"><input type="hidden" name="rate" value="'
            f'{0 if rate else 0.3}"><button>{say("sms_faults_off" if rate else "sms_faults_on")}</button></form>'
            f'<a href="/">{say("refresh")}</a></div>'
        )
        cards = [
            _card(say, one, times[one.reference] > 1 and bool(one.reference)) for one in found[::-1][:_SHOWN]
        ]
        return bar + (
            f'<div class="grid">{"".join(cards)}</div>' if cards else f'<p class="card">{say("sms_none")}</p>'
        )

    return _page(call, usual, "sms_title", "sms_lead", body, _REFRESH_S)


def _card(say: Callable[..., str], one: Message, twice: bool, here: bool = False) -> str:
    """One message: number, bubble, state, what can be done."""
    warn = f' <span class="tag bad">{say("sms_twice")}</span>' if twice else ""
    head = (
        f"<h2>{escape(one.to)}</h2>"
        if here
        else f'<h2><a href="/phones/{quote(one.to)}">{escape(one.to)}</a>{warn}</h2>'
    )
    parts = say("sms_parts", parts=one.parts)
    shown = say("sms_from", sender=one.sender or "–", at=f"{datetime.fromtimestamp(one.at):%Y-%m-%d %H:%M}")
    meta = f'<p class="soft">{shown} · {parts} · {escape(one.gateway)}</p>'
    back = f'<input type="hidden" name="phone" value="{escape(one.to)}">' if here else ""
    buttons = "".join(
        f'<button name="state" value="{state}">{say("sms_do_" + state)}</button>'
        for state in ("delivered", "failed", "expired")
        if state != one.state
    )
    tone = _TONES.get(one.state, "wait")
    replies = "".join(f'<p class="bubble mine">{escape(reply["text"])}</p>' for reply in one.replies)
    write = "" if here else f'<a href="/phones/{quote(one.to)}">{say("sms_reply")}</a>'
    act = (
        ""
        if one.state in FINAL and not here
        else (f'<form method="post" action="/messages/{one.id}/state" class="row">{back}{buttons}</form>')
    )
    return (
        f'<article class="card" id="m{one.id}">{"" if here else head}{meta}<p class="bubble">{escape(one.text)}</p>{replies}'
        f'<p><span class="tag {tone}">{say("sms_" + one.state)}</span>{warn if here else ""} {write}</p>{act}</article>'
    )


def _phone_page(gateway: Gateway, call: Call, usual: str) -> Answer:
    """The conversation with one telephone, with a box to write back."""
    number = unquote(call.path["number"])
    found = [one for one in gateway.messages() if one.to == number]
    if not found:
        return see("/")

    def body(lang: str) -> str:
        say = speaker(lang)
        last = found[-1]
        words = "".join(
            f'<button name="text" value="{word}">{word}</button>' for word in ("JA", "NEIN", "STOPP")
        )
        phone = f'<input type="hidden" name="phone" value="{escape(number)}">'
        action = f'method="post" action="/messages/{last.id}/reply" class="row"'
        box = (
            f'<div class="card"><h2>{say("sms_answer", number=number)}</h2><form {action}>{phone}{words}</form><br>'
            f'<form {action}>{phone}<label for="text">{say("sms_text")}</label>'
            f'<input id="text" name="text" required maxlength="800" size="40">'
            f'<button class="main">{say("sms_reply")}</button></form></div>'
        )
        cards = "".join(_card(say, one, False, here=True) for one in found)
        return f'<p><a href="/">{say("sms_all")}</a></p><div class="grid">{cards}</div><br>{box}'

    return _page(call, usual, "sms_title", "sms_lead", body, 0)
