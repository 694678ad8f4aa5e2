"""All declared operations, walked: guarded, described, strict, and every code they may answer has its texts."""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec
import pytest

from praxisd.kernel.access import Actor, Kind
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.registry import Registry
from praxisd.kernel.service import Route
from praxisd.testing.houses import Houses, registry_of
from praxisd.web import docs, health, openapi
from praxisd.web.app import build
from praxisd.web.door import Door, Doors, Entry
from praxisd.web.problems import GENERAL
from praxisd.web.reading import BodyReader, QueryReader
from praxisd.web.schemas import collect, example


def authenticate(_house: House, secret: str, _address: str | None) -> Actor:
    """The key `nothing` is valid and may do nothing."""
    if secret != "nothing":
        raise Problem("accounts.key_missing", 401)
    return Actor(Kind.KEY, "nothing", "practice")


DOORS = Doors(authenticate, lambda _house, _actor: None)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return registry_of(None)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    houses = Houses("sqlite", tmp_path_factory.mktemp("routes"))
    yield houses.open()
    houses.close()


@pytest.fixture(scope="module")
def entries(house: House) -> list[Entry]:
    door = Door(house, DOORS)
    shown = [*(Entry(route) for route in house.registry.routes), *health.entries(door)]
    return [*shown, *docs.entries(door, shown)]


def ask(house: House, headers: dict[str, str], routes: list[Route]) -> list[tuple[Route, httpx.Response]]:
    """One request per route without a body and with harmless path parameters."""
    import asyncio

    async def run() -> list[tuple[Route, httpx.Response]]:
        transport = httpx.ASGITransport(build(house, DOORS))  # type: ignore[arg-type]
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", headers=headers
        ) as client:
            found = []
            for route in routes:
                path = Entry(route).path.replace("{", "").replace("}", "")
                found.append((route, await client.request(route.method, path)))
            return found

    return asyncio.run(run())


def test_there_are_routes(registry: Registry) -> None:
    assert len(registry.routes) > 40


def test_every_route_has_a_known_permission_or_says_why_it_is_open(registry: Registry) -> None:
    for route in registry.routes:
        if route.permission is None:
            assert len(route.why_open) > 20, route.name
        else:
            assert route.permission in registry.permissions, route.name


def test_every_socket_has_a_known_permission_or_says_why_it_is_open(registry: Registry) -> None:
    assert {"seats.live"} <= {socket.name for socket in registry.sockets}
    for socket in registry.sockets:
        if socket.permission is None:
            assert len(socket.why_open) > 20, socket.name
        else:
            assert socket.permission in registry.permissions, socket.name
        assert re.fullmatch(r"[a-z][A-Za-z]*\.[a-z][A-Za-z]*", socket.name), socket.name
        assert re.fullmatch(r"praxisd\.[a-z]+\.v[0-9]+", socket.protocol), socket.name
        assert 0 < socket.most_bytes <= 1_048_576, socket.name


def test_a_socket_asked_as_a_plain_request_tells_how_it_is_opened(house: House, registry: Registry) -> None:
    routes = [Route("GET", one.path, one.name, lambda _call: None, None) for one in registry.sockets]
    for route, answer in ask(house, {}, routes):
        assert (answer.status_code, answer.json()["code"]) == (426, "http.upgrade_required"), route.name


def test_without_a_key_every_guarded_route_answers_401(house: House, registry: Registry) -> None:
    guarded = [r for r in registry.routes if r.permission is not None]
    for route, answer in ask(house, {}, guarded):
        assert answer.status_code == 401, route.name
        assert answer.headers["www-authenticate"].startswith("Bearer"), route.name


def test_with_a_key_that_may_do_nothing_every_guarded_route_answers_403(
    house: House, registry: Registry
) -> None:
    guarded = [r for r in registry.routes if r.permission is not None]
    for route, answer in ask(house, {"Authorization": "Bearer nothing"}, guarded):
        assert (answer.status_code, answer.json()["code"]) == (403, "access.forbidden"), route.name
        assert answer.json()["params"] == {"permission": route.permission}


def test_every_code_an_operation_may_answer_has_texts_in_both_languages(
    registry: Registry, entries: list[Entry]
) -> None:
    codes = {code for e in entries for names in openapi.general_problems(e).values() for code in names}
    codes |= {"http.bad_subprotocol", "http.foreign_origin", "http.too_many_sockets", "http.upgrade_required"}
    codes |= (
        {code for e in entries for _, code in e.route.problems} | set(GENERAL) | {"http.headers_too_large"}
    )
    for code in sorted(codes):
        assert code in registry.problems, f"{code} is declared by nobody, so docs/reference does not have it"
        for lang in ("de", "en"):
            for part in ("title", "cause", "solution"):
                assert registry.texts.has(f"{code}.{part}", lang), f"{code}.{part} {lang}"


def test_general_codes_keep_their_status_where_services_use_them(registry: Registry) -> None:
    for route in registry.routes:
        for status, code in route.problems:
            if code in GENERAL:
                assert GENERAL[code] == status, (route.name, code)


def test_routes_are_described_in_words(entries: list[Entry]) -> None:
    for entry in entries:
        words = inspect.getdoc(entry.route.call)
        assert words and 4 < len(words.split("\n\n")[0]) < 200, entry.route.name


def walk(type_: Any, seen: set[Any], visit: Callable[[Any], None]) -> None:
    """Visit every struct inside a type."""
    if type_ in seen:
        return
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        seen.add(type_)
        visit(type_)
        for field in msgspec.structs.fields(type_):
            walk(field.type, seen, visit)
    for one in getattr(type_, "__args__", ()):
        walk(one, seen, visit)


def places(value: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a JSON value."""
    if isinstance(value, dict):
        yield value
        for one in value.values():
            yield from places(one)
    elif isinstance(value, list):
        for one in value:
            yield from places(one)


def test_unknown_fields_are_refused_in_every_body(registry: Registry) -> None:
    bodies = [r.body for r in registry.routes if r.body is not None]
    schemas, components = collect(bodies)
    for body in bodies:
        assert body.__struct_config__.forbid_unknown_fields, body.__qualname__  # type: ignore[attr-defined]
        reader, value = BodyReader(body), example(schemas[body], components)
        for place in list(places(value)):
            place["colourOfTheSky"] = "blue"
            with pytest.raises(Problem) as refused:
                reader.read(msgspec.json.encode(value))
            assert refused.value.code == "http.invalid_body"
            del place["colourOfTheSky"]


def test_names_in_json_are_camel_case(registry: Registry) -> None:
    def visit(struct: Any) -> None:
        for field in msgspec.structs.fields(struct):
            assert "_" not in field.encode_name.strip("_"), f"{struct.__qualname__}.{field.encode_name}"

    for route in registry.routes:
        for type_ in (route.body, route.answer, route.query):
            if type_ is not None:
                walk(type_, set(), visit)


def test_queries_are_frozen_so_that_a_kept_one_cannot_change(registry: Registry) -> None:
    for route in registry.routes:
        if route.query is not None:
            assert route.query.__struct_config__.frozen, route.name  # type: ignore[attr-defined]


def test_the_example_of_every_body_decodes_into_it(registry: Registry) -> None:
    bodies = [r.body for r in registry.routes if r.body is not None]
    schemas, components = collect(bodies)
    for body in bodies:
        value = example(schemas[body], components)
        msgspec.json.decode(msgspec.json.encode(value), type=body)


def test_the_description_is_complete_and_its_references_lead_somewhere(
    registry: Registry, entries: list[Entry]
) -> None:
    document = openapi.document(registry, entries, "http://localhost")
    names = [o["operationId"] for methods in document["paths"].values() for o in methods.values()]
    assert len(names) == len(set(names)) == len(entries)
    text = msgspec.json.encode(document).decode()
    for part in text.split('"#/components/schemas/')[1:]:
        assert part.split('"', 1)[0] in document["components"]["schemas"]
    for name in document["components"]["schemas"]:
        assert name.replace("_", "").replace(".", "").replace("-", "").isalnum(), name


def test_names_are_noun_and_verb_and_used_once(entries: list[Entry]) -> None:
    names = [entry.route.name for entry in entries]
    assert [n for n in names if not re.fullmatch(r"[a-z][A-Za-z]*\.[a-z][A-Za-z]*", n)] == []
    assert len(names) == len(set(names))


def test_no_list_gives_pages_without_bounds(registry: Registry) -> None:
    asked = {r.query for r in registry.routes if r.query} | {r.body for r in registry.routes if r.body}
    paged = [one for one in asked if "limit" in one.__struct_fields__]
    assert len(paged) > 5
    schemas, components = collect(paged)
    for one in paged:
        good = example(schemas[one], components)
        for limit in (1, 200):
            assert msgspec.convert(good | {"limit": limit}, one).limit == limit
        for bad in ({"limit": 0}, {"limit": -1}, {"limit": 201}, {"limit": 100_000}, {"cursor": "x" * 65}):
            if bad.keys() <= set(one.__struct_fields__):
                with pytest.raises(msgspec.ValidationError, match=next(iter(bad))):
                    msgspec.convert(good | bad, one)


@pytest.mark.parametrize("limit", ["0", "-1", "100000"])
def test_a_page_out_of_bounds_is_refused_at_the_door(registry: Registry, limit: str) -> None:
    for route in registry.routes:
        if route.query is None or "limit" not in route.query.__struct_fields__:
            continue
        schemas, components = collect([route.query])
        given = example(schemas[route.query], components) | {"limit": limit}
        query = urlencode({k: v for k, v in given.items() if v is not None}).encode("ascii")
        with pytest.raises(Problem) as refused:
            QueryReader(route.query).read(query)
        assert (refused.value.code, refused.value.status) == ("http.invalid_parameter", 400), route.name
        assert "limit" in str(refused.value.detail), route.name
