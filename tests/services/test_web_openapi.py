"""The description: complete, true to what the doors do, and readable offline (SPEC 1.1)."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import httpx
import msgspec
import pytest

from praxisd.kernel.house import SERVICE as KERNEL
from praxisd.testing.houses import Houses

from . import web_sample
from .web_sample.serving import Running, running


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    houses = Houses("sqlite", tmp_path_factory.mktemp("openapi"))
    with running(houses.open((KERNEL, web_sample.SERVICE))) as server:
        yield server
    houses.close()


@pytest.fixture(scope="module")
def document(one: Running) -> dict[str, Any]:
    found: dict[str, Any] = one.http.get("/openapi.json").json()
    return found


def test_any_valid_key_may_read_it_and_nobody_else(one: Running) -> None:
    assert one.http.get("/openapi.json", headers=one.key("nothing")).status_code == 200
    assert httpx.get(f"{one.url}/openapi.json").status_code == 401
    first = one.http.get("/openapi.json")
    again = one.http.get("/openapi.json", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    english = one.http.get("/openapi.json", headers={"Accept-Language": "en"})
    assert english.headers["etag"] != first.headers["etag"]
    assert english.headers["vary"] == "Accept-Language"


def test_every_route_is_in_it(document: dict[str, Any]) -> None:
    described = {
        (m.upper(), p): o["operationId"] for p, ms in document["paths"].items() for m, o in ms.items()
    }
    for route in web_sample.SERVICE.routes:
        path = route.path if route.root else "/api/v1" + route.path
        assert described[(route.method, path)] == route.name
    assert {"/health/live", "/health/ready", "/metrics", "/openapi.json"} <= set(document["paths"])
    assert document["openapi"] == "3.1.0"


def test_it_names_parameters_bodies_headers_and_refusals(document: dict[str, Any]) -> None:
    listed = document["paths"]["/api/v1/notes"]["get"]
    assert [p["name"] for p in listed["parameters"]] == ["word", "limit", "wide", "schedule", "onlyOpen"]
    assert listed["parameters"][1]["schema"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "default": 10,
    }
    assert listed["parameters"][0]["schema"] == {"type": "string"}
    write = document["paths"]["/api/v1/notes"]["post"]
    assert [p["name"] for p in write["parameters"]] == ["Idempotency-Key"]
    assert set(write["responses"]) == {
        *("201", "400", "401", "403", "408", "409", "413", "415", "422", "429", "500", "503"),
    }
    assert "sample.refused" in write["responses"]["409"]["x-codes"]
    assert write["requestBody"]["required"] is True
    change = document["paths"]["/api/v1/notes/{id}"]["patch"]
    assert [p["name"] for p in change["parameters"]] == ["id", "If-Match", "Idempotency-Key"]
    assert "resource.stale" in change["responses"]["412"]["x-codes"]
    assert change["requestBody"]["required"] is False
    assert document["paths"]["/feeds/{token}.ics"]["get"]["security"] == []
    assert document["paths"]["/health/live"]["get"]["security"] == []
    assert write["security"] == [{"key": []}, {"session": []}]
    assert document["components"]["securitySchemes"]["session"]["in"] == "cookie"
    assert "accounts.csrf_refused" in write["responses"]["403"]["x-codes"]


def test_unknown_fields_are_forbidden_in_the_schema_too(document: dict[str, Any]) -> None:
    assert document["components"]["schemas"]["NewNote"]["additionalProperties"] is False


def test_all_references_lead_somewhere(document: dict[str, Any]) -> None:
    text = msgspec.json.encode(document).decode()
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert names and names <= set(document["components"]["schemas"])


def test_the_examples_really_work(one: Running, document: dict[str, Any]) -> None:
    tried = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if not operation["operationId"].startswith("sample.") or "requestBody" not in operation:
                continue
            example = operation["requestBody"]["content"]["application/json"]["example"]
            answer = one.http.request(method.upper(), path.replace("{id}", "x"), json=example)
            good = next(s for s in operation["responses"] if s.startswith("2"))
            assert str(answer.status_code) == good, (path, example, answer.text)
            tried += 1
    assert tried == 4


def test_every_refusal_the_doors_give_is_described(one: Running, document: dict[str, Any]) -> None:
    cases = [
        ("GET", "/api/v1/notes", {"params": {"x": "1"}}),
        ("GET", "/api/v1/notes/{id}", {"id": "unknown"}),
        ("GET", "/api/v1/notes/{id}", {"id": "broken"}),
        ("GET", "/api/v1/notes/{id}", {"id": "busy"}),
        ("POST", "/api/v1/notes", {"content": b"{"}),
        ("POST", "/api/v1/notes", {"json": {"title": "a", "mode": "refuse"}}),
        ("POST", "/api/v1/notes", {"json": {}, "headers": {"Authorization": "Bearer reader"}}),
        ("POST", "/api/v1/notes", {"json": {"title": "a"}, "headers": {"Authorization": "Bearer x"}}),
        ("PATCH", "/api/v1/notes/{id}", {"id": "x", "json": {}, "headers": {"If-Match": '"1"'}}),
    ]
    for method, path, options in cases:
        asked = dict(options)
        address = path.replace("{id}", str(asked.pop("id", "")))
        answer = one.http.request(method, address, **asked)  # type: ignore[arg-type]
        described = document["paths"][path][method.lower()]["responses"][str(answer.status_code)]
        assert answer.json()["code"] in described["x-codes"]
        assert set(answer.json()) <= set(document["components"]["schemas"]["ProblemDocument"]["properties"])


class Page(HTMLParser):
    """What a page loads and which inline code it holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.inline: list[str] = []
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in = tag if tag in ("script", "style") else ""
        for name, value in attrs:
            if name in ("src", "href"):
                self.loads.append(value or "")
            if name.startswith("on") or name == "style":
                self.inline.append(name)

    def handle_data(self, data: str) -> None:
        if self._in and data.strip():
            self.inline.append(data)


def test_the_page_is_offline_and_needs_no_inline_code(one: Running) -> None:
    page = httpx.get(f"{one.url}/docs")
    assert page.status_code == 200 and page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    found = Page(page.text)
    assert found.inline == []
    assert sorted(found.loads) == ["/docs/docs.css", "/docs/docs.js"]
    for path, media in (("/docs/docs.js", "text/javascript"), ("/docs/docs.css", "text/css")):
        part = httpx.get(one.url + path)
        assert part.status_code == 200 and part.headers["content-type"].startswith(media)
        assert not re.search(r"https?://", part.text)
    script = httpx.get(f"{one.url}/docs/docs.js").text
    assert "innerHTML" not in script and "localStorage" not in script and "sessionStorage" not in script


def test_the_page_speaks_both_languages_completely(one: Running) -> None:
    script = httpx.get(f"{one.url}/docs/docs.js").text
    blocks = re.findall(r"^  (de|en): \{(.*?)^  \},", script, re.DOTALL | re.MULTILINE)
    keys = {lang: set(re.findall(r"(\w+): \"", body)) for lang, body in blocks}
    assert keys["de"] == keys["en"] and len(keys["de"]) > 20
    used = set(re.findall(r"\bt\(\"(\w+)\"\)", script))
    used |= set(re.findall(r"data-text=\"(\w+)\"", httpx.get(f"{one.url}/docs").text))
    assert used <= keys["de"]


def test_metrics_count_routes_and_name_nobody(one: Running) -> None:
    one.http.get(f"/api/v1/notes/{web_sample.CANARY}")
    here = httpx.get(f"{one.url}/metrics")
    assert here.status_code == 200
    assert here.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert re.search(r'praxisd_http_requests_total\{route="sample.read",status="2xx"\} [1-9]', here.text)
    for name in ("duration_seconds_bucket", "in_flight", "pool_waiting"):
        assert f"praxisd_http_{'request_' if 'duration' in name else ''}{name}" in here.text
    for name in (
        "praxisd_build_info",
        "praxisd_store_generation",
        "praxisd_events_head",
        "praxisd_events_lag",
    ):
        assert re.search(rf"^{name}[ {{]", here.text, re.MULTILINE), name
    memory = re.search(r"^process_resident_memory_bytes (\S+)", here.text, re.MULTILINE)
    assert memory is not None and float(memory[1]) > 10_000_000
    assert web_sample.CANARY not in here.text and "127.0.0.1" not in here.text


def test_metrics_from_elsewhere_need_the_permission(one: Running) -> None:
    elsewhere = {"Host": "praxis.example"}
    assert httpx.get(f"{one.url}/metrics", headers=elsewhere).status_code == 401
    assert one.http.get("/metrics", headers={**elsewhere, **one.key("all")}).status_code == 403
    assert one.http.get("/metrics", headers={**elsewhere, **one.key("metrics")}).status_code == 200
