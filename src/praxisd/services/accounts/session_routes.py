"""REST operations of sessions, the own password and the second factor.

Those that carry a password, a code or a secret open their own transaction and take no Idempotency-Key (see `routes`).
"""

from dataclasses import replace

from praxisd.kernel import glance
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.console_routes import practice_of
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Answer, Call, Route
from praxisd.kernel.sessions import Live, cleared, cookie
from praxisd.kernel.store import Tx
from praxisd.services.accounts import factors, passwords, session_store, sessions, signin, store, users
from praxisd.services.accounts import session_shapes as shapes

_NO_STORE = {"Cache-Control": "no-store"}
_ISSUER_MOST = 40


def open_session(call: Call) -> Answer:
    """Sign in

    The answer sets the session's cookie; a session the cookie held before is ended.
    """
    body: shapes.SignInBody = call.body
    made = signin.sign_in(
        call.house,
        call.visit,
        login=body.login,
        password=body.password,
        code=body.code,
        organization=body.organization,
    )
    live = replace(made.live, actor=glance.allowed(call.house, made.actor))
    with call.house.store.read(live.actor) as tx:
        shown = _session(call, tx, live)
    headers = {**_NO_STORE, "Set-Cookie": cookie(made.token, made.max_age_s, call.visit.secure)}
    return Answer(shown, 201, headers=headers)


def read_session(call: Call) -> shapes.SessionOut:
    """Who is signed in, and what they may do."""
    live = _live(call)
    with call.read() as tx:
        return _session(call, tx, live)


def close_session(call: Call) -> Answer:
    """Sign out."""
    _live(call)
    sessions.sign_out(call.house, call.visit.token)
    return Answer(None, 204, headers={"Set-Cookie": cleared(call.visit.secure)})


def list_sessions(call: Call) -> shapes.SessionList:
    """Where somebody is signed in

    One's own sessions; with the permission `accounts.user.write` those of another user.
    """
    user = call.query.user
    whose = _whose(call, user)
    with call.read() as tx:
        if user is not None:
            store.USERS.need(tx, user)
        found = sessions.sessions_of(call.house, tx, whose)
    current = _current(call)
    return shapes.SessionList(sessions=[shapes.session_view(one, until, current) for one, until in found])


def end_session(call: Call) -> None:
    """End one session

    One's own; with the permission `accounts.user.write` anyone's.
    """
    sessions.end_session(call.writing, call.path["id"])


def end_sessions(call: Call) -> shapes.Ended:
    """End all sessions of a person

    One's own; with the permission `accounts.user.write` those of another user.
    """
    body: shapes.EndSessions = call.body
    whose = _whose(call, body.user)
    if body.user is not None:
        store.USERS.need(call.writing, body.user)
    keep = _current(call) if body.keep_current else None
    return shapes.Ended(ended=sessions.end_sessions(call.writing, whose, "ended", keep))


def change_password(call: Call) -> None:
    """Change one's own password; all other sessions end."""
    body: shapes.PasswordChange = call.body
    live = _live(call)
    confirmed = signin.confirm_password(call.house, call.actor, body.old, call.visit.address)
    hashed = passwords.hash_password(body.new, confirmed.user.login)

    def work(tx: Tx) -> None:
        signin.hold(tx, confirmed, live.id)
        users.change_user(
            tx, call.house.registry, confirmed.user.id, password_hash=hashed, keep_session=live.id
        )

    call.house.store.run(call.actor, work)


def start_factor(call: Call) -> Answer:
    """Begin to set up the second factor

    The app on the phone reads the picture; it counts once `confirm` got a code of it.
    """
    live = _live(call)
    confirmed = signin.confirm_password(call.house, call.actor, call.body.password, call.visit.address)
    with call.read() as tx:
        issuer = practice_of(call, tx).name[:_ISSUER_MOST].replace(":", " ").strip() or "praxisd"

    def work(tx: Tx) -> tuple[str, str]:
        signin.hold(tx, confirmed, live.id)
        return factors.start(call.house, tx, confirmed.user, issuer)

    secret, uri = call.house.store.run(call.actor, work)
    size, path = factors.picture(uri)
    shown = shapes.FactorStarted(secret=secret, uri=uri, qr=shapes.QrOut(size=size, path=path))
    return Answer(shown, headers=_NO_STORE)


def confirm_factor(call: Call) -> Answer:
    """Let the second factor count

    Takes a first code of the app and answers recovery codes; other sessions end.
    """
    live, code = _live(call), call.body.code

    def work(tx: Tx) -> list[str]:
        made = factors.confirm(call.house, tx, call.actor.id, code)
        sessions.end_sessions(tx, call.actor.id, "second_factor", live.id)
        return made

    factors.count(call.house, call.actor.id)
    codes = call.house.store.run(call.actor, work)
    factors.was_right(call.house, call.actor.id)
    return Answer(shapes.RecoveryCodes(recovery_codes=codes), headers=_NO_STORE)


def remove_factor(call: Call) -> None:
    """Take the second factor away; other sessions end."""
    live, body = _live(call), call.body
    confirmed = signin.confirm_password(call.house, call.actor, body.password, call.visit.address)
    user = confirmed.user

    def work(tx: Tx) -> None:
        signin.hold(tx, confirmed, live.id)
        if not factors.confirmed(tx, user.id):
            raise Problem("accounts.second_factor_absent", 409)
        if not factors.spend(call.house, tx, user.id, body.code):
            raise factors.refused(403)
        factors.remove(tx, user.id)
        sessions.end_sessions(tx, user.id, "second_factor", live.id)

    factors.count(call.house, user.id)
    call.house.store.run(call.actor, work)
    factors.was_right(call.house, user.id)


def renew_codes(call: Call) -> Answer:
    """New recovery codes; the old ones are good no more."""
    live = _live(call)
    confirmed = signin.confirm_password(call.house, call.actor, call.body.password, call.visit.address)

    def work(tx: Tx) -> list[str]:
        signin.hold(tx, confirmed, live.id)
        return factors.new_codes(tx, confirmed.user.id)

    codes = call.house.store.run(call.actor, work)
    return Answer(shapes.RecoveryCodes(recovery_codes=codes), headers=_NO_STORE)


def reset_factor(call: Call) -> None:
    """Take away the second factor of a user who lost phone and codes; their sessions end."""
    users.reset_second_factor(call.writing, call.house.registry, call.path["id"])


def _live(call: Call) -> Live:
    """The session that asks; 401 `accounts.session_missing` for a key, which has none."""
    if call.visit.live is None:
        raise Problem("accounts.session_missing", 401)
    return call.visit.live


def _current(call: Call) -> str | None:
    return None if call.visit.live is None else call.visit.live.id


def _whose(call: Call, user: str | None) -> str:
    if user is None or user == call.actor.id:
        return _live(call).actor.id
    call.actor.require(sessions.OTHERS)
    return user


def _session(call: Call, tx: Tx, live: Live) -> shapes.SessionOut:
    if live.guest:
        shown = shapes.SessionUser(id=live.actor.id, login="", name=live.guest, role="partner")
    else:
        user = store.USERS.need(tx, live.actor.id)
        shown = shapes.SessionUser(id=user.id, login=user.login, name=user.name, role=user.role)
    return shapes.SessionOut(
        csrf=live.csrf,
        user=shown,
        guest=bool(live.guest),
        permissions=sorted(live.actor.permissions),
        masked=live.actor.masked,
        organization=practice_of(call, tx),
        expires_at=format_rfc3339(live.ends_at),
        second_factor=factors.confirmed(tx, shown.id),
        second_factor_must=live.limited,
        recovery_codes_left=session_store.codes_left(tx, shown.id),
    )


_TAGS = ("sessions",)
_MISSING = (401, "accounts.session_missing")
_WRONG = (403, "accounts.password_wrong")
_LIMITED = (429, "accounts.rate_limited")
_NOT_FOUND = (404, "http.not_found")
_FORBIDDEN = (403, "access.forbidden")
_READ, _WRITE = "accounts.self.read", "accounts.self.write"
_ABSENT, _EXISTS = (409, "accounts.second_factor_absent"), (409, "accounts.second_factor_exists")
_CODE = (403, "accounts.second_factor_refused")

_ROUTES = (
    Route(
        "POST",
        "/session",
        "session.open",
        open_session,
        None,
        why_open="this is how a person comes in: login, password and code are checked and counted by the operation itself",
        answer=shapes.SessionOut,
        body=shapes.SignInBody,
        status=201,
        problems=(
            (401, "accounts.sign_in_refused"),
            (401, "accounts.second_factor_needed"),
            (401, "accounts.second_factor_refused"),
            (403, "accounts.csrf_refused"),
            _LIMITED,
        ),
        transaction=False,
        tags=_TAGS,
    ),
    Route("GET", "/session", "session.read", read_session, _READ, answer=shapes.SessionOut, problems=(_MISSING,), tags=_TAGS),
    Route(
        "DELETE", "/session", "session.close", close_session, _READ, status=204, problems=(_MISSING,), transaction=False,
        tags=_TAGS,
    ),
    Route(
        "GET", "/sessions", "sessions.list", list_sessions, _READ, answer=shapes.SessionList, query=shapes.SessionsQuery,
        problems=(_MISSING, _NOT_FOUND, _FORBIDDEN), tags=_TAGS,
    ),
    Route(
        "POST", "/sessions/{id}/end", "sessions.end", end_session, _WRITE, status=204, problems=(_NOT_FOUND,), tags=_TAGS,
    ),
    Route(
        "POST", "/sessions/end", "sessions.endAll", end_sessions, _WRITE, answer=shapes.Ended, body=shapes.EndSessions,
        problems=(_MISSING, _NOT_FOUND, _FORBIDDEN), tags=_TAGS,
    ),
    Route(
        "POST", "/session/password", "session.password", change_password, _WRITE, body=shapes.PasswordChange, status=204,
        problems=(_MISSING, _WRONG, (422, "accounts.weak_password"), _LIMITED), transaction=False, tags=_TAGS,
    ),
    Route(
        "POST", "/session/second-factor", "secondFactor.start", start_factor, _WRITE, answer=shapes.FactorStarted,
        body=shapes.PasswordBody, problems=(_MISSING, _WRONG, _EXISTS, _LIMITED), transaction=False, tags=_TAGS,
    ),
    Route(
        "POST", "/session/second-factor/confirm", "secondFactor.confirm", confirm_factor, _WRITE,
        answer=shapes.RecoveryCodes, body=shapes.CodeBody, problems=(_MISSING, _CODE, _ABSENT, _EXISTS, _LIMITED),
        transaction=False, tags=_TAGS,
    ),
    Route(
        "POST", "/session/second-factor/remove", "secondFactor.remove", remove_factor, _WRITE, body=shapes.RemoveFactor,
        status=204, problems=(_MISSING, _WRONG, _CODE, _ABSENT, _LIMITED), transaction=False, tags=_TAGS,
    ),
    Route(
        "POST", "/session/second-factor/codes", "secondFactor.codes", renew_codes, _WRITE, answer=shapes.RecoveryCodes,
        body=shapes.PasswordBody, problems=(_MISSING, _WRONG, _ABSENT, _LIMITED), transaction=False, tags=_TAGS,
    ),
    Route(
        "POST", "/users/{id}/second-factor/reset", "users.resetSecondFactor", reset_factor, "accounts.user.write",
        status=204, problems=(_NOT_FOUND, _FORBIDDEN), tags=_TAGS,
    ),
)  # fmt: skip
ROUTES = tuple(replace(one, inside=True, safe=True) for one in _ROUTES)
"""All for people: whoever comes through the relay finds none of it, unless the practice opens the console to the outside."""
