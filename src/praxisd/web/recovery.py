"""The recovery page („Notfallseite") at /recovery: sign-in, issues, log and activity as plain HTML without any script.

It answers when the console is missing or broken, without JavaScript, and during maintenance. Forms carry the session's
CSRF token in a hidden field; nothing is kept by caches; everything that is shown goes through `recovery_pages`, which
escapes it.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import parse_qsl, urlencode

from praxisd.kernel import activity, clock, event_search, issues, log_routes
from praxisd.kernel.access import INSTALLATION, Actor
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.event_search import Wanted
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.sentences import actor_names, sentence
from praxisd.kernel.sessions import Live, cleared, cookie
from praxisd.kernel.texts import Texts
from praxisd.web import problems
from praxisd.web import recovery_pages as pages
from praxisd.web.answers import Sent
from praxisd.web.console_files import PAGE_HEADERS
from praxisd.web.door import Asgi, Door
from praxisd.web.request import Receive, Request, Scope, Send

HOME = "/recovery"
CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
# With the referrer browsers would hide the origin, too: an older one without Sec-Fetch-Site could not sign in.
HEADERS = {
    **PAGE_HEADERS,
    "Content-Security-Policy": CSP,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
}
HTML = "text/html; charset=utf-8"
_FORM = "application/x-www-form-urlencoded"
_FORM_BYTES = 8_000
_FIELDS_MOST = 10
_EVENTS, _LINES = 30, 100
_STYLE = files("praxisd.web").joinpath("pages", "recovery.css")


@dataclass(frozen=True)
class Visit:
    """One request to these pages: its language, and what the address says beside."""

    request: Request
    lang: str
    organization: str

    def link(self, path: str = HOME, lang: str | None = None) -> str:
        """An address of these pages that keeps language and practice."""
        asked = {"lang": lang or self.lang}
        if self.organization:
            asked["organization"] = self.organization
        return f"{path}?{urlencode(asked)}"


class Recovery:
    """The pages of one door."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._house = door.house

    # --- what the addresses do -----------------------------------------------------------------------------------

    async def home(self, request: Request) -> Sent:
        """The page itself: the form to sign in, or what there is to see."""
        visit = self._visit(request)
        live = await self._live(request)
        return await self._page(visit, live)

    async def sign_in(self, request: Request) -> Sent:
        """Take login, password and code; on success the page is fetched anew."""
        visit, sent = self._visit(request), await _form(request)
        door, sign_in = self._door, self._door.doors.sign_in
        if sign_in is None:
            raise not_found("Path")
        facts, login = door.visit(request), sent.get("login", "")
        try:
            made = await door.in_thread(
                lambda: sign_in(
                    self._house,
                    facts,
                    login=login,
                    password=sent.get("password", ""),
                    code=sent.get("code", ""),
                    organization=visit.organization or None,
                )
            )
        except Problem as problem:
            request.code = problem.code
            return await self._page(visit, None, login=login, refused=problem)
        request.actor = made.actor
        return Sent(
            303,
            b"",
            None,
            {
                **HEADERS,
                "Location": visit.link(),
                "Set-Cookie": cookie(made.token, made.max_age_s, facts.secure),
            },
        )

    async def sign_out(self, request: Request) -> Sent:
        """End the session; also when it has ended meanwhile."""
        visit, sent = self._visit(request), await _form(request)
        facts, sign_out = self._door.visit(request), self._door.doors.sign_out
        if await self._live(request) is not None:
            self._door.check_csrf(request, sent.get("csrf", ""))
            if sign_out is not None:
                await self._door.in_thread(lambda: sign_out(self._house, facts.token))
        gone = {"Location": visit.link(), "Set-Cookie": cleared(facts.secure)}
        return Sent(303, b"", None, {**HEADERS, **gone})

    async def check(self, request: Request) -> Sent:
        """Run all checks, then show the page."""
        visit, sent = self._visit(request), await _form(request)
        live = await self._door.live(request)
        self._door.check_csrf(request, sent.get("csrf", ""))
        live.actor.require("kernel.issues.read")
        await self._door.in_thread(lambda: issues.check_now(self._house))
        return Sent(303, b"", None, {**HEADERS, "Location": visit.link()})

    async def style(self, _request: Request) -> Sent:
        """The stylesheet."""
        headers = {"Cache-Control": "no-cache", "Cross-Origin-Resource-Policy": "same-origin"}
        return Sent(200, _STYLE.read_bytes(), "text/css; charset=utf-8", headers)

    # --- how ------------------------------------------------------------------------------------------------------

    def _visit(self, request: Request) -> Visit:
        query = request.scope["query_string"].decode("latin-1")
        try:
            asked = dict(parse_qsl(query, max_num_fields=_FIELDS_MOST))
        except ValueError:
            raise Problem("http.malformed_query", 400) from None
        lang = asked.get("lang", "")
        lang = lang if lang in self._house.texts.languages else request.lang
        return Visit(request, lang, asked.get("organization", "")[:64])

    async def _live(self, request: Request) -> Live | None:
        """The session of the cookie, or None."""
        if not self._door.visit(request).token or self._door.doors.session is None:
            return None
        try:
            return await self._door.live(request)
        except Problem as problem:
            if problem.status == 401:
                return None
            raise

    async def _page(
        self, visit: Visit, live: Live | None, login: str = "", refused: Problem | None = None
    ) -> Sent:
        door = self._door
        if not door.glance.fresh:
            await door.in_thread(door.glance.look)
        frame = pages.Frame(
            texts=self._house.texts,
            lang=visit.lang,
            instance=self._house.config.instance,
            other=visit.link(lang="en" if visit.lang == "de" else "de"),
            maintenance=door.glance.closed is not None,
        )
        if live is None:
            body = pages.sign_in(frame, visit.link(f"{HOME}/sign-in"), login, refused)
            status = 200 if refused is None else refused.status
            kept = {k: v for k, v in (refused.headers if refused else {}).items() if k == "Retry-After"}
            return Sent(status, pages.whole(frame, body), HTML, {**HEADERS, **kept})
        view = await door.in_thread(lambda: self._view(live, visit))
        return Sent(200, pages.whole(frame, pages.view(frame, view)), HTML, HEADERS)

    def _view(self, live: Live, visit: Visit) -> pages.View:
        """In a thread: all that the person may see."""
        house, actor, lang = self._house, live.actor, visit.lang
        with house.store.read(actor) as tx:
            zone = zone_of(zone_name(house, tx))
            name = actor_names(house, tx, [actor.label], lang)[actor.label]
            found = event_search.find(tx, house.registry, Wanted(audit=False, limit=_EVENTS))
            names = actor_names(house, tx, {one.actor for one in found}, lang)
            shown = issues.list_open(tx)
            tx.organization = INSTALLATION
            shown += issues.list_open(tx)

        def at(moment: int) -> str:
            return pages.moment(clock.format_rfc3339(moment, zone), lang)

        return pages.View(
            name=name,
            csrf=live.csrf,
            limited=live.limited,
            sign_out=visit.link(f"{HOME}/sign-out"),
            check=visit.link(f"{HOME}/check"),
            issues=[
                (issues.explain(house, one, lang), at(one.first_at), one.ignored_by is not None)
                for one in shown
            ]
            if actor.may("kernel.issues.read")
            else None,
            events=[(at(one.at), sentence(house, one, lang), names[one.actor]) for one in found]
            if actor.may(activity.READ)
            else None,
            lines=self._lines(actor),
        )

    def _lines(self, actor: Actor) -> list[pages.Line] | None:
        if not actor.may(log_routes.READ):
            return None
        return [log_routes.line(n, data) for n, data in self._house.log.recent()[: -_LINES - 1 : -1]]


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form; 400 and 415 as the doors word them."""
    content = await request.body(_FORM_BYTES)
    sent = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
    if sent != _FORM:
        raise Problem("http.unsupported_media_type", 415)
    try:
        pairs = parse_qsl(
            content.decode("ascii"), keep_blank_values=True, max_num_fields=_FIELDS_MOST, errors="strict"
        )
    except ValueError:
        raise Problem("http.invalid_body", 400) from None
    if any("\0" in value for _, value in pairs):
        raise Problem("http.invalid_body", 400)
    return dict(pairs)


def refusal(problem: Problem, texts: Texts, lang: str, request_id: str) -> Sent:
    """A refusal as one of these pages."""
    worded = problems.render(problem, texts, lang, request_id)
    kept = {k: v for k, v in worded.headers.items() if k in ("Allow", "Retry-After", "Connection")}
    told = problems.document(problem, texts, lang, request_id)
    return Sent(problem.status, pages.refused(texts, lang, told, HOME), HTML, {**HEADERS, **kept})


def handlers(door: Door) -> Iterator[tuple[str, Asgi]]:
    """Pairs of path template and ASGI function."""
    found = Recovery(door)
    yield HOME, _app(door, {"GET": found.home})
    yield f"{HOME}/sign-in", _app(door, {"POST": found.sign_in})
    yield f"{HOME}/sign-out", _app(door, {"POST": found.sign_out})
    yield f"{HOME}/check", _app(door, {"POST": found.check})
    yield f"{HOME}/recovery.css", _app(door, {"GET": found.style})


def _app(door: Door, methods: dict[str, Callable[[Request], Awaitable[Sent]]]) -> Asgi:
    allow = ", ".join([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])

    async def answer(request: Request) -> Sent:
        asked = methods.get("GET" if request.method == "HEAD" else request.method)
        if asked is not None:
            return await asked(request)
        if request.method == "OPTIONS":
            return Sent(204, b"", None, {"Allow": allow})
        raise Problem("http.method_not_allowed", 405, headers={"Allow": allow})

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        await door.serve("recovery.page", scope, receive, send, answer, refusal)

    return run
