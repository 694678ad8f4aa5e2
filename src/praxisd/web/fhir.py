"""The FHIR door under /fhir/R4, generic: every type and interaction comes from the services' `FhirResource`s.

It takes the same steps as the REST door (`Door`: maintenance, key, rate, threads, Idempotency-Key) and words refusals
as OperationOutcome. Only keys come in here: a session's cookie is no credential of this door. Source of the rules:
FHIR R4 http.html, patch in fhirpatch.html, gematik ISiK Terminplanung.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.service import Call, FhirAnswer, FhirOperation, FhirResource, Raw, Route
from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_json_patch import apply_json_patch
from praxisd.model.fhir_patch import apply_fhirpath_patch
from praxisd.model.fhir_primitives import valid_id
from praxisd.model.fhir_search import Prefer, parse_prefer
from praxisd.model.fhir_times import parse_instant
from praxisd.web import fhir_formats, fhir_outcomes, fhir_search
from praxisd.web.answers import Sent, finish
from praxisd.web.door import Asgi, Door
from praxisd.web.fhir_async import PATH as ASYNC
from praxisd.web.fhir_async import RETRY_S, Background
from praxisd.web.fhir_formats import MEDIA, Body, Format
from praxisd.web.fhir_metadata import statement
from praxisd.web.request import Receive, Request, Scope, Send

BASE = "/fhir/R4"
_Write = Callable[[Call], FhirAnswer]
_STATEMENTS_KEPT = 16
_METHODS = {
    "read": ("GET",),
    "search": ("GET",),
    "search-post": ("POST",),
    "create": ("POST",),
    "update": ("PUT",),
    "patch": ("PATCH",),
    "operation": ("POST",),
    "metadata": ("GET",),
    "async": ("GET",),
}


@dataclass(frozen=True, slots=True)
class Target:
    """What an address and method ask for. `kind` "" is nothing we have; `allow` are the methods of the address."""

    kind: str
    name: str
    one: FhirResource | None = None
    id: str = ""
    operation: FhirOperation | None = None
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Writing:
    """One write as `Door.write` takes it."""

    route: Route
    body: Body


def handlers(door: Door) -> list[tuple[str, Asgi]]:
    """(path template, ASGI function) of the whole door."""
    return [(f"{BASE}/*", FhirDoor(door).app)]


class FhirDoor:
    """All interactions; one object per application."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._types = door.house.registry.fhir
        self._background = Background(door)
        # Nobody needs a key to ask: it must cost next to nothing, however often it is asked.
        self._told = lru_cache(maxsize=_STATEMENTS_KEPT)(self._statement)

    def _statement(self, base: str, form: Format) -> bytes:
        return fhir_formats.written(statement(self._door.house.registry, base), form)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI function."""
        rest = scope.get("path_params", {}).get("rest", "")
        target = self._target(scope.get("method", ""), rest)
        probe = Request(scope, receive, "") if scope["type"] == "http" else None
        form, named = fhir_formats.chosen(probe) if probe is not None else (None, False)

        async def answer(request: Request) -> Sent:
            try:
                return await self._answer(request, target, form, named)
            except FhirError as error:
                raise fhir_outcomes.FhirProblem(error) from None

        words = fhir_outcomes.words(form or "json")
        await self._door.serve(f"fhir.{target.name}", scope, receive, send, answer, words)

    # --- what is asked for -------------------------------------------------------------------------------------------

    def _target(self, method: str, rest: str) -> Target:
        """Names of targets are few and known, because they label metrics."""
        found = self._at(rest)
        reading = "GET" if method == "HEAD" else method
        allow = tuple(sorted({m for t in found for m in _METHODS[t.kind]}))
        allow = (*allow, "HEAD", "OPTIONS") if "GET" in allow else (*allow, "OPTIONS")
        for one in found:
            if reading in _METHODS[one.kind]:
                return one
        if found:
            return Target("options" if method == "OPTIONS" else "", "other", allow=allow)
        return Target("", "unknown")

    def _at(self, rest: str) -> list[Target]:
        """All targets of an address."""
        match rest.strip("/").split("/"):
            case ["metadata"]:
                return [Target("metadata", "metadata")]
            case [start, id_] if start == ASYNC:
                return [Target("async", "async", id=id_)]
            case [type_] if type_ in self._types:
                one = self._types[type_]
                found = [Target("search", f"{type_}.search", one)] if one.searchable else []
                return [*found, Target("create", f"{type_}.create", one)] if one.create else found
            case [type_, "_search"] if type_ in self._types and self._types[type_].searchable:
                return [Target("search-post", f"{type_}.search", self._types[type_])]
            case [type_, name] if type_ in self._types and name.startswith("$"):
                one = self._types[type_]
                return [
                    Target("operation", f"{type_}.{o.name}", one, operation=o)
                    for o in one.operations
                    if o.name == name
                ]
            case [type_, id_] if type_ in self._types and valid_id(id_):
                one = self._types[type_]
                found = [Target("read", f"{type_}.read", one, id_)]
                if one.update:
                    found.append(Target("update", f"{type_}.update", one, id_))
                if one.patch:
                    found.append(Target("patch", f"{type_}.patch", one, id_))
                return found
        return []

    # --- the steps ---------------------------------------------------------------------------------------------------

    async def _answer(self, request: Request, target: Target, form: Format | None, named: bool) -> Sent:
        door = self._door
        await door.open()
        if target.kind == "options":
            return Sent(204, b"", None, {"Allow": ", ".join(target.allow)})
        raw = target.kind == "read" and target.one is not None and target.one.raw is not None and not named
        if form is None and not raw:
            raise Problem("fhir.not_acceptable", 406)
        if target.kind == "metadata" and form is not None:
            base = request.base_url(door.house.config.public_url, door.trusted) + BASE
            return Sent(200, self._told(base, form), MEDIA[form], {"Cache-Control": "no-cache"})
        actor = await door.admit(request)
        if not target.kind:
            if target.allow:
                raise Problem("http.method_not_allowed", 405, headers={"Allow": ", ".join(target.allow)})
            raise not_found("Path")
        _require(actor, target)
        call = door.call(request, actor, {}, None)
        call = replace(call, base_url=call.base_url + BASE)
        prefer = parse_prefer(request.header(b"prefer"))
        shown: Format = form or "json"
        if target.kind == "async":
            return await self._fetch(call, target.id, shown)
        if target.kind == "read":
            return await door.in_thread(lambda: self._read(call, target, shown, raw))
        if target.kind in ("search", "search-post"):
            pairs = fhir_search.read_pairs(request.scope["query_string"])
            if target.kind == "search-post":
                pairs += await self._form(request)
            return await door.in_thread(lambda: self._search(call, target, pairs, prefer, shown))
        if request.header(b"if-none-exist") is not None:
            raise Problem("fhir.conditional_unsupported", 400)
        work, body = self._work(target)
        if target.operation is not None and target.operation.respond_async and prefer.respond_async:
            return await self._accept(request, call, target, body, shown)
        larger = target.one.create_bytes if target.one is not None and target.kind == "create" else None
        most = 0 if larger is None else await door.in_thread(lambda: larger(call))
        route = self._route(target, work, prefer, shown)
        return await door.write(Writing(route, body), request, call, fhir_outcomes.words(shown), most)

    async def _form(self, request: Request) -> fhir_search.Pairs:
        content = await request.body(self._door.house.config.max_body_bytes)
        if content and fhir_formats.content_type(request) != fhir_formats.FORM:
            raise Problem("http.unsupported_media_type", 415)
        return fhir_search.read_pairs(content)

    # --- reading -----------------------------------------------------------------------------------------------------

    def _read(self, call: Call, target: Target, form: Format, raw: bool) -> Sent:
        one = target.one
        assert one is not None  # noqa: S101 - the target table says so
        if raw and one.raw is not None:
            found = one.raw(call, target.id)
            if found is not None:
                return finish(found, 200)
        return _resource(200, one.read(call, target.id), form)

    def _search(
        self, call: Call, target: Target, pairs: fhir_search.Pairs, prefer: Prefer, form: Format
    ) -> Sent:
        one = target.one
        assert one is not None  # noqa: S101
        query = fhir_search.question(call, one, pairs, prefer.strict)
        if query.format is not None:
            form = fhir_formats.read_format(query.format) or form
        return Sent(200, fhir_formats.written(fhir_search.bundle(call, one, query), form), MEDIA[form])

    # --- writing -----------------------------------------------------------------------------------------------------

    def _work(self, target: Target) -> tuple[_Write, Body]:
        """What the write does with its decoded body, and the reader of that body."""
        one, id_ = target.one, target.id
        assert one is not None  # noqa: S101
        if target.operation is not None:
            perform = target.operation.call
            return (lambda call: perform(call, call.body)), Body((one.type, "Parameters"))
        if target.kind == "create" and one.create is not None:
            create = one.create
            return (lambda call: create(call, call.body)), Body((one.type,), anything=one.raw is not None)
        if target.kind == "update" and one.update is not None:
            update = one.update
            return (lambda call: update(call, id_, _same_id(call.body, id_))), Body((one.type,))
        change = one.patch
        assert change is not None  # noqa: S101
        return (lambda call: change(call, id_, _patching(call.body))), Body(("Parameters",), patch=True)

    def _route(self, target: Target, work: _Write, prefer: Prefer, form: Format) -> Route:
        def run(call: Call) -> Raw:
            try:
                answer = work(call)
            except FhirError as error:
                raise fhir_outcomes.FhirProblem(error) from None
            return self._written(call, target, answer, prefer, form)

        return Route("POST", BASE, f"fhir.{target.name}", run, None, why_open="checked by the door")

    def _written(self, call: Call, target: Target, answer: FhirAnswer, prefer: Prefer, form: Format) -> Raw:
        resource = answer.resource
        headers = dict(answer.headers)
        if resource is not None and "id" in resource:
            if answer.version is not None:
                headers["ETag"] = f'W/"{answer.version}"'
            if target.kind in ("create", "operation"):
                headers["Location"] = f"{call.base_url}/{resource['resourceType']}/{resource['id']}"
        if prefer.returning == "OperationOutcome" or resource is None:
            title = call.house.texts.get("fhir.done.title", call.lang)
            resource = fhir_outcomes.information("fhir.done", title)
        if prefer.returning == "minimal" and target.kind != "operation":
            return Raw(b"", MEDIA[form], answer.status, headers)
        return Raw(fhir_formats.written(resource, form), MEDIA[form], answer.status, headers)

    # --- in the background -------------------------------------------------------------------------------------------

    async def _accept(self, request: Request, call: Call, target: Target, body: Body, form: Format) -> Sent:
        content = await request.body(self._door.house.config.max_body_bytes)
        body.check_type(request, content)
        key, what = request.idempotency_key, target.name.replace(".", "/", 1)

        def keep() -> Any:
            resource = body.read(content)
            return self._background.accept(call.actor, what, call.lang, resource, key), resource

        (id_, _), resource = await self._door.in_thread(keep)
        self._background.start(call.actor, id_, call.lang, self._effect(call, target, resource))
        return self._under_way(call, id_, form)

    async def _fetch(self, call: Call, id_: str, form: Format) -> Sent:
        found, accepted = await self._door.in_thread(lambda: self._background.found(call.actor, id_))
        if found is not None:
            return _resource(200, found, form)
        type_ = accepted.target.split("/", 1)[0]
        target = next(t for t in self._at(accepted.target) if t.kind == "operation")
        _require(call.actor, target)
        resource = fhir_formats.parse(accepted.body, "json", (type_, "Parameters"))
        self._background.start(call.actor, id_, accepted.lang, self._effect(call, target, resource))
        return self._under_way(call, id_, form)

    def _effect(self, call: Call, target: Target, resource: dict[str, Any]) -> Any:
        work, _ = self._work(target)

        def effect(tx: Any) -> FhirAnswer:
            try:
                return work(replace(call, body=resource, tx=tx))
            except FhirError as error:
                raise fhir_outcomes.FhirProblem(error) from None

        return effect

    def _under_way(self, call: Call, id_: str, form: Format) -> Sent:
        text = self._door.house.texts.get("fhir.under_way.title", call.lang)
        body = fhir_formats.written(fhir_outcomes.information("fhir.under_way", text), form)
        headers = {"Content-Location": f"{call.base_url}/{ASYNC}/{id_}", "Retry-After": str(RETRY_S)}
        return Sent(202, body, MEDIA[form], headers)


def _require(actor: Actor, target: Target) -> None:
    """403 unless the actor may do this."""
    one = target.one
    if one is None:
        return
    needed = {
        "create": one.create_permission,
        "update": one.update_permission,
        "patch": one.patch_permission,
        "operation": target.operation.permission if target.operation else None,
    }.get(target.kind, one.read_permission)
    if needed is None or not actor.may(needed):
        raise Problem("access.forbidden", 403, permission=needed or "")


def _resource(status: int, resource: dict[str, Any], form: Format) -> Sent:
    """One resource with its version as weak ETag and its last change."""
    meta = resource.get("meta", {})
    headers = {}
    changed = meta.get("lastUpdated")
    if changed:
        headers["Last-Modified"] = formatdate(parse_instant(changed), usegmt=True)
    version = meta.get("versionId")
    tag = None if version is None else f'W/"{version}"'.encode()
    return Sent(status, fhir_formats.written(resource, form), MEDIA[form], headers, tag)


def _same_id(resource: dict[str, Any], id_: str) -> dict[str, Any]:
    if resource.get("id") != id_:
        raise FhirError("fhir.invalid", f"{resource['resourceType']}.id", "must be the id of the address")
    return resource


def _patching(body: Any) -> Callable[[dict[str, Any]], tuple[dict[str, Any], frozenset[str]]]:
    """The change a patch makes: a FHIRPath Patch (Parameters) or a JSON Patch (list)."""
    if isinstance(body, list):
        return lambda resource: apply_json_patch(resource, body)
    return lambda resource: apply_fhirpath_patch(resource, body)
