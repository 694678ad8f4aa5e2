"""The OpenAPI 3.1 document, made from the same declarations the doors run on: it cannot describe anything else."""

import inspect
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from praxisd import __version__
from praxisd.kernel.registry import Registry
from praxisd.kernel.sessions import CSRF_HEADER, PLAIN, SECURE
from praxisd.kernel.texts import Texts
from praxisd.web import schemas, uploads
from praxisd.web.door import API, Entry
from praxisd.web.problems import GENERAL, MEDIA_TYPE, ProblemDocument

VERSION = "3.1.0"
UNAUTHORIZED = ("accounts.key_missing", "accounts.session_missing", "accounts.session_ended")
LIMITED = "accounts.rate_limited"
_ETAG = {"description": "Version of the record; send it back as If-Match.", "schema": {"type": "string"}}
_RETRY = {"description": "Seconds to wait before trying again.", "schema": {"type": "integer", "minimum": 0}}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "ETag of the version the change was made from; a stale one is refused with 412.",
    "schema": {"type": "string", "pattern": '^((W/)?"[0-9]{1,9}"|\\*)$', "examples": ['"1"']},
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes the request safe to repeat for 24 hours: the same key and content get the first answer again.",
    "schema": {
        "type": "string",
        "pattern": "^[!-~]{1,255}$",
        "examples": ["0d9ab1f2-7c4e-4a52-9f0b-1f3f5f0f8c11"],
    },
}
_SESSION = {
    "type": "apiKey",
    "in": "cookie",
    "name": PLAIN,
    "description": (
        f"The session of a person, opened with `POST {API}/session`; over https the cookie is called `{SECURE}`. Methods "
        f"that change something also need the header `{CSRF_HEADER}` with the session's `csrf`."
    ),
}
_TITLES = {
    "de": "praxisd: Schnittstelle der Praxis",
    "en": "praxisd: interface of the practice",
}


def document(registry: Registry, entries: Sequence[Entry], base_url: str, lang: str = "en") -> dict[str, Any]:
    """The document for callers who reach the server at `base_url`; texts of problems in `lang`."""
    return _Writer(registry.texts, entries, lang).write(base_url)


def general_problems(entry: Entry) -> dict[int, set[str]]:
    """Refusals the door itself may give for an operation, by status."""
    route = entry.route
    found: dict[int, set[str]] = defaultdict(set)

    def add(*codes: str) -> None:
        for code in codes:
            found[GENERAL[code]].add(code)

    add("http.malformed_query", "http.unknown_parameter", "http.repeated_parameter", "http.invalid_parameter")
    add("http.busy", "http.store_unavailable", "http.internal")
    if not entry.exempt:
        add("maintenance")
    if entry.signed_in:
        found[401].update(UNAUTHORIZED)
        found[403].update(("access.forbidden", "access.shared", "accounts.second_factor_must"))
        found[429].add(LIMITED)
    if "{" in entry.path:
        add("http.not_found")
    if route.write:
        if entry.signed_in:
            found[403].add("accounts.csrf_refused")
        add("http.malformed_json", "http.invalid_body", "http.unsupported_media_type", "http.body_too_large")
        add("http.body_timeout", "http.bad_etag", "http.bad_fence")
        if route.transaction:
            add("http.bad_idempotency_key", "http.idempotency_mismatch", "http.idempotency_running")
            add("http.conflict", "http.answer_not_kept")
        if takes_if_match(entry):
            found[412].add("resource.stale")
    return found


def takes_if_match(entry: Entry) -> bool:
    """True for writes on one named record."""
    return entry.route.write and "{" in entry.path


class _Writer:
    def __init__(self, texts: Texts, entries: Sequence[Entry], lang: str) -> None:
        self._texts = texts
        self._lang = lang
        self._entries = entries
        shown = [t for e in entries for t in (e.route.body, e.route.answer) if t is not None]
        self._schemas, self._components = schemas.collect([*shown, ProblemDocument])
        queries = [e.route.query for e in entries if e.route.query is not None]
        asked, parts = schemas.collect(queries)
        self._queries = {t: schemas.resolve(s, parts) for t, s in asked.items()}
        self._parts = parts
        own = {s["$ref"].rsplit("/", 1)[1] for s in asked.values() if "$ref" in s}
        self._components.update({k: v for k, v in parts.items() if k not in own})

    def write(self, base_url: str) -> dict[str, Any]:
        paths: dict[str, dict[str, Any]] = {}
        for entry in self._entries:
            paths.setdefault(entry.path, {})[entry.route.method.lower()] = self._operation(entry)
        tags = sorted({t for e in self._entries for t in e.route.tags or (_tag(e),)})
        return {
            "openapi": VERSION,
            "info": {"title": _TITLES[self._lang], "version": __version__},
            "servers": [{"url": base_url}],
            "tags": [{"name": t} for t in tags],
            "paths": dict(sorted(paths.items())),
            "components": {
                "schemas": dict(sorted(self._components.items())),
                "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}, "session": _SESSION},
            },
        }

    def _operation(self, entry: Entry) -> dict[str, Any]:
        route = entry.route
        words = (inspect.getdoc(route.call) or route.name).strip().split("\n\n", 1)
        found: dict[str, Any] = {
            "operationId": route.name,
            "summary": " ".join(words[0].split()).rstrip("."),
            "tags": list(route.tags or (_tag(entry),)),
            "security": _security(entry),
            "parameters": self._parameters(entry),
            "responses": self._responses(entry),
        }
        notes = [" ".join(words[1].split())] if len(words) > 1 else []
        if route.permission:
            notes.append(f"Permission: `{route.permission}`.")
        if entry.local_free:
            notes.append("Callers on the same computer need no key.")
        if notes:
            found["description"] = " ".join(notes)
        if route.body is not None:
            schema = self._schemas[route.body]
            content = {"schema": schema, "example": schemas.example(schema, self._components)}
            found["requestBody"] = {
                "required": entry.body.needed,
                "content": {"application/json": content},
            }
        if route.upload is not None:
            file = {"schema": {"type": "string", "format": "binary"}}
            found["requestBody"] = {"required": True, "content": dict.fromkeys(uploads.TYPES, file)}
        if route.raw and route.write:
            anything = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
            found["requestBody"] = {"required": False, "content": anything}
        return found

    def _parameters(self, entry: Entry) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for part in entry.path.split("/"):
            if part.startswith("{"):
                name = part[1 : part.index("}")]
                schema = {"type": "string", "minLength": 1, "maxLength": 512}
                found.append({"name": name, "in": "path", "required": True, "schema": schema})
        if entry.route.query is not None:
            asked = self._queries[entry.route.query]
            required = asked.get("required", ())
            for name, one in asked.get("properties", {}).items():
                bare = schemas.without_null(one)
                if "$ref" in bare:
                    bare = {k: v for k, v in bare.items() if k in ("$ref", "default", "description")}
                found.append({"name": name, "in": "query", "required": name in required, "schema": bare})
        if takes_if_match(entry):
            found.append(_IF_MATCH)
        if entry.route.write and entry.route.transaction:
            found.append(_IDEMPOTENCY_KEY)
        return found

    def _responses(self, entry: Entry) -> dict[str, Any]:
        route = entry.route
        found: dict[str, Any] = {str(route.status): self._success(entry)}
        codes = general_problems(entry)
        for status, code in route.problems:
            codes.setdefault(status, set()).add(code)
        for status, names in sorted(codes.items()):
            found[str(status)] = self._refusal(sorted(names), status)
            if route.media_type.startswith("text/html"):  # people read it: a refusal may be a page too
                found[str(status)]["content"][route.media_type] = {"schema": {"type": "string"}}
        if route.name == "health.ready":
            found["503"] = {**self._success(entry), "description": "Not ready; the reasons are listed."}
        return found

    def _success(self, entry: Entry) -> dict[str, Any]:
        route = entry.route
        found: dict[str, Any] = {"description": "Done." if route.write else "Found."}
        media = route.media_type
        if route.answer is not None:
            schema = self._schemas[route.answer]
            found["content"] = {
                media: {"schema": schema, "example": schemas.example(schema, self._components)}
            }
        elif route.status != 204:
            kind = {"type": "string"} if not media.startswith("application/json") else {}
            found["content"] = {media: {"schema": kind}}
        found["headers"] = {"ETag": _ETAG} if media.startswith("application/json") and route.answer else {}
        if route.status == 201:
            found["headers"]["Location"] = {"schema": {"type": "string"}}
        if not found["headers"]:
            del found["headers"]
        return found

    def _refusal(self, names: list[str], status: int) -> dict[str, Any]:
        lines = []
        for code in names:
            key = f"{code}.title"
            title = self._texts.get(key, self._lang) if self._texts.has(key) else ""
            lines.append(f"`{code}` {title}".strip())
        found: dict[str, Any] = {
            "description": "; ".join(lines),
            "content": {MEDIA_TYPE: {"schema": self._schemas[ProblemDocument]}},
            "x-codes": names,
        }
        if status in (429, 503):
            found["headers"] = {"Retry-After": _RETRY}
        return found


def _security(entry: Entry) -> list[dict[str, list[str]]]:
    """Key or session, none, or all of them."""
    if not entry.signed_in:
        return []
    either: list[dict[str, list[str]]] = [{"key": []}, {"session": []}]
    return [*either, {}] if entry.local_free else either


def _tag(entry: Entry) -> str:
    return entry.route.name.split(".", 1)[0]
