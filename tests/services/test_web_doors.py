"""The doors over real sockets: who comes in, what is refused and how, what an answer carries. SPEC 1.1, 1.4, 14."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from praxisd.kernel.house import SERVICE as KERNEL
from praxisd.testing.houses import Houses

from . import web_sample
from .web_sample.serving import Running, running

SERVICES = (KERNEL, web_sample.SERVICE)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for the tests of this file: none of them leaves anything behind that another would notice."""
    houses = Houses("sqlite", tmp_path_factory.mktemp("doors"))
    with running(houses.open(SERVICES, max_body_bytes=100_000)) as server:
        yield server
    houses.close()


def code(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal, which must be a whole problem document."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"] == f"https://praxisd.org/problems/{problem['code']}"
    assert problem["title"] and problem["title"] != problem["code"]
    assert problem["instance"] == f"urn:praxisd:request:{answer.headers['x-request-id']}"
    assert isinstance(problem["retry"], bool)
    return answer.status_code, problem["code"]


def test_without_key_with_wrong_key_and_without_permission(one: Running) -> None:
    bare = httpx.get(f"{one.url}/api/v1/notes")
    assert bare.status_code == 401
    assert bare.json()["code"] == "accounts.key_missing"
    assert bare.headers["www-authenticate"].startswith("Bearer")
    assert one.http.get("/api/v1/notes", headers={"Authorization": "Basic all"}).status_code == 401
    assert one.http.get("/api/v1/notes", headers={"Authorization": "Bearer wrong"}).status_code == 401
    refused = one.http.get("/api/v1/notes", headers=one.key("nothing"))
    assert code(refused) == (403, "access.forbidden")
    assert refused.json()["params"] == {"permission": "sample.note.read"}
    assert code(one.http.post("/api/v1/notes", headers=one.key("reader"), json={})) == (
        403,
        "access.forbidden",
    )


def test_rate_limit_answers_429_with_the_seconds_to_wait(one: Running) -> None:
    web_sample.limited_actors.add("other")
    try:
        answer = one.http.get("/api/v1/quick", headers=one.key("other"))
    finally:
        web_sample.limited_actors.clear()
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "3"
    assert answer.json()["retry"] is True


def test_route_functions_see_the_decoded_request(one: Running) -> None:
    seen = one.http.get(
        "/api/v1/notes?word=b%C3%A4r&limit=3&schedule=a&schedule=b",
        headers={"If-Match": 'W/"7"', "X-Praxisd-Fence": "12", "Accept-Language": "en-GB,de;q=0.5"},
    ).json()
    assert seen == {
        "lang": "en",
        "baseUrl": one.url,
        "ifMatch": 7,
        "fence": 12,
        "word": "bär",
        "limit": 3,
        "schedules": ["a", "b"],
        "hasSecret": False,
        "organization": "practice",
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?colour=red", "http.unknown_parameter"),
        ("?limit=1&limit=2", "http.repeated_parameter"),
        ("?limit=0", "http.invalid_parameter"),
        ("?limit=many", "http.invalid_parameter"),
        ("?wide=99999999999999999999", "http.invalid_parameter"),
        ("?word=%00", "http.invalid_parameter"),
        ("?word=%FF%FE", "http.malformed_query"),
        ("?word", "http.malformed_query"),
        ("?" + "&".join(f"schedule={n}" for n in range(80)), "http.malformed_query"),
    ],
)
def test_bad_queries(one: Running, query: str, expected: str) -> None:
    assert code(one.http.get(f"/api/v1/notes{query}")) == (400, expected)


def test_a_route_without_a_query_takes_no_parameter(one: Running) -> None:
    assert code(one.http.get("/api/v1/notes/x?limit=1")) == (400, "http.unknown_parameter")
    assert code(one.http.post("/api/v1/notes?x=1", json={"title": "a"})) == (400, "http.unknown_parameter")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "http.malformed_json"),
        (b"{", "http.malformed_json"),
        (b'{"title": "a"} trailing', "http.malformed_json"),
        (b'{"title": "\xff"}', "http.malformed_json"),
        (b'{"title": "\\ud800"}', "http.malformed_json"),
        (b'{"title": NaN}', "http.malformed_json"),
        (b"[" * 50_000 + b'"\\u0000', "http.malformed_json"),
        (b"[" * 50_000, "http.invalid_body"),
        (b"[]", "http.invalid_body"),
        (b"{}", "http.invalid_body"),
        (b'{"title": 5}', "http.invalid_body"),
        (b'{"title": ""}', "http.invalid_body"),
        (b'{"title": "a", "colour": "red"}', "http.invalid_body"),
        (b'{"title": "a\\u0000b"}', "http.invalid_body"),
        (b'{"title": "a", "amount": 123456789012345678901234567890}', "http.invalid_body"),
    ],
)
def test_bad_bodies(one: Running, content: bytes, expected: str) -> None:
    answer = one.http.post("/api/v1/notes", content=content, headers={"Content-Type": "application/json"})
    assert code(answer) == (400, expected)


def test_the_place_of_a_fault_is_named_but_never_the_value(one: Running) -> None:
    answer = one.http.post("/api/v1/notes", json={"title": {"first": web_sample.CANARY}})
    assert "$.title" in answer.json()["detail"]
    assert web_sample.CANARY not in answer.text
    assert "colour" in one.post("a", colour="red").json()["detail"]


def test_backslash_u0000_as_plain_text_is_no_nul(one: Running) -> None:
    assert one.post("back\\u0000slash").status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/xml"},
        {"Content-Type": "application/json; charset=iso-8859-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {"Content-Type": "application/merge-patch+json"},
        {},
    ],
)
def test_other_content_types_are_refused(one: Running, headers: dict[str, str]) -> None:
    answer = one.http.post("/api/v1/notes", content=b'{"title": "a"}', headers=headers)
    assert code(answer) == (415, "http.unsupported_media_type")


def test_json_with_utf8_and_merge_patch_are_accepted(one: Running) -> None:
    body = '{"title": "Müller"}'.encode()
    json = {"Content-Type": 'Application/JSON; charset="UTF-8"'}
    assert one.http.post("/api/v1/notes", content=body, headers=json).status_code == 201
    merge = {"Content-Type": "application/merge-patch+json"}
    assert one.http.patch("/api/v1/notes/x", content=b'{"reason": "a"}', headers=merge).status_code == 200


def test_a_body_of_optional_fields_may_be_left_out_and_a_surplus_one_is_refused(one: Running) -> None:
    assert one.http.post("/api/v1/notes/x/cancel").json()["count"] == 0
    assert one.http.delete("/api/v1/notes/x").status_code == 204
    surplus = one.http.request("DELETE", "/api/v1/notes/x", json={"reason": "a"})
    assert code(surplus) == (400, "http.invalid_body")


def test_a_body_of_ten_megabytes_is_refused_and_the_connection_lives_on(one: Running) -> None:
    big = b'{"title": "' + b"x" * 10_000_000 + b'"}'
    answer = one.http.post("/api/v1/notes", content=big, headers={"Content-Type": "application/json"})
    assert code(answer) == (413, "http.body_too_large")
    assert answer.json()["params"] == {"limit": 100_000}
    assert one.http.get("/api/v1/quick").status_code == 200


def test_a_chunked_body_is_counted_while_it_comes(one: Running) -> None:
    with socket.create_connection(("127.0.0.1", one.port), timeout=10) as raw:
        raw.sendall(
            b"POST /api/v1/notes HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer all\r\n"
            b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
        try:
            for _ in range(8):
                raw.sendall(chunk)
        except OSError:
            pass
        assert b" 413 " in raw.recv(4096).split(b"\r\n", 1)[0]


def test_head_options_and_other_methods(one: Running) -> None:
    got, head = one.http.get("/api/v1/notes/x"), one.http.head("/api/v1/notes/x")
    assert head.status_code == 200 and head.content == b""
    assert head.headers["content-length"] == str(len(got.content))
    assert head.headers["etag"] == got.headers["etag"]
    options = one.http.options("/api/v1/notes/x")
    assert options.status_code == 204
    assert options.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"
    refused = one.http.put("/api/v1/notes/x", json={})
    assert code(refused) == (405, "http.method_not_allowed")
    assert refused.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"


@pytest.mark.parametrize(
    "path", ["/x", "/api/v1", "/api/v1/nothing", "/api/v2/notes", "/api/v1/notes/a/b/c", "/feeds/x"]
)
def test_unknown_paths(one: Running, path: str) -> None:
    assert code(one.http.get(path)) == (404, "http.not_found")


def test_ids_that_cannot_be_ids_are_unknown(one: Running) -> None:
    assert code(one.http.get("/api/v1/notes/a%00b")) == (404, "http.not_found")
    assert code(one.http.get("/api/v1/notes/" + "x" * 600)) == (404, "http.not_found")
    assert code(one.http.get("/api/v1/notes/unknown")) == (404, "http.not_found")


def test_a_fixed_ending_of_a_path_is_cut_off(one: Running) -> None:
    answer = httpx.get(f"{one.url}/feeds/s3cret.ics")
    assert answer.status_code == 200
    assert answer.text == "BEGIN:s3cret"
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"


def test_etag_and_304(one: Running) -> None:
    first = one.http.get("/api/v1/notes/x")
    assert first.headers["etag"] == '"7"'
    for tag in ('"7"', 'W/"7"', '"1", "7"', "*"):
        again = one.http.get("/api/v1/notes/x", headers={"If-None-Match": tag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", '"7"')
    assert one.http.get("/api/v1/notes/x", headers={"If-None-Match": '"8"'}).status_code == 200
    assert one.http.get("/api/v1/quick", headers={"If-None-Match": '"q1"'}).status_code == 304


@pytest.mark.parametrize(
    ("value", "status"),
    [('"7"', 200), ('W/"7"', 200), ("*", 200), ('"6"', 412), ('"other"', 412), ('"99999999999"', 412)],
)
def test_if_match(one: Running, value: str, status: int) -> None:
    assert one.http.patch("/api/v1/notes/x", json={}, headers={"If-Match": value}).status_code == status


def test_malformed_preconditions(one: Running) -> None:
    for value in ("7", '"7', '"7", "8"', ""):
        answer = one.http.patch("/api/v1/notes/x", json={}, headers={"If-Match": value})
        assert code(answer) == (400, "http.bad_etag"), value
    for value in ("-1", "x", "1.5"):
        answer = one.http.patch("/api/v1/notes/x", json={}, headers={"X-Praxisd-Fence": value})
        assert code(answer) == (400, "http.bad_fence"), value


def test_every_answer_carries_the_security_headers(one: Running) -> None:
    for path in (
        "/api/v1/quick",
        "/api/v1/notes/unknown",
        "/nothing",
        "/health/live",
        "/docs",
        "/feeds/x.ics",
    ):
        headers = one.http.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == ("no-cache" if path == "/docs" else "no-store")
        assert headers["x-request-id"]
        assert "server" not in headers


def test_quick_answers_on_the_loop_and_the_rest_in_the_pool(one: Running) -> None:
    assert "x-thread" not in one.http.get("/api/v1/quick").headers
    threaded = one.http.get("/api/v1/quick?word=thread").headers["x-thread"]
    assert threaded.startswith("praxisd-request")


@pytest.mark.parametrize(
    ("name", "status", "expected", "retry"),
    [
        ("broken", 500, "http.internal", False),
        ("busy", 503, "http.busy", True),
        ("away", 503, "http.store_unavailable", True),
        ("frozen", 503, "http.store_unavailable", True),
        ("violated", 409, "http.conflict", True),
    ],
)
def test_failures_become_problems_and_say_nothing_of_their_words(
    one: Running, name: str, status: int, expected: str, retry: bool
) -> None:
    answer = one.http.get(f"/api/v1/notes/{name}")
    assert code(answer) == (status, expected)
    assert answer.json()["retry"] is retry
    assert ("retry-after" in answer.headers) is (status == 503)
    assert web_sample.CANARY not in answer.text + str(answer.headers)
    assert web_sample.CANARY not in one.log()
    assert answer.headers["x-request-id"] in one.log()


def test_problems_speak_the_language_of_the_caller(one: Running) -> None:
    titles = {
        lang: one.http.get("/nothing", headers={"Accept-Language": lang}).json()["title"]
        for lang in ("de", "en", "fr", "de-CH;q=0.5,en;q=0.9")
    }
    assert titles == {
        "de": "Nicht gefunden",
        "en": "Not found",
        "fr": "Nicht gefunden",
        "de-CH;q=0.5,en;q=0.9": "Not found",
    }


def test_the_log_names_route_status_and_actor_but_no_path_and_no_query(one: Running) -> None:
    one.http.get(f"/api/v1/notes/{web_sample.CANARY}?x={web_sample.CANARY}")
    one.http.get(f"/{web_sample.CANARY}")
    one.post(web_sample.CANARY)
    lines = one.log()
    assert web_sample.CANARY not in lines
    assert '"route":"sample.write","status":201' in lines
    assert '"actor":"key:all"' in lines


def test_a_malformed_host_is_refused(one: Running) -> None:
    with socket.create_connection(("127.0.0.1", one.port), timeout=10) as raw:
        raw.sendall(b"GET /health/live HTTP/1.1\r\nHost: a/b\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(4096), b""))
    assert b" 400 " in answer.split(b"\r\n", 1)[0]
    assert b"http.bad_host" in answer


def test_public_url_wins_over_the_host_header(sqlite_houses: Houses) -> None:
    with running(sqlite_houses.open(SERVICES, public_url="https://praxis.example/")) as other:
        assert other.http.get("/api/v1/notes").json()["baseUrl"] == "https://praxis.example"
