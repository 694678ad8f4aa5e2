"""Attachments: which are taken, how they are given back, and that nothing of them is ever run. On both engines."""

import base64
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel.access import system
from praxisd.web.app import build

from .fhir_client import BASE, XML, Fhir
from .messaging_cast import PDF, PNG, Cast, cast, message, patient_of, with_file


@pytest.fixture
def there(house) -> Any:
    with TestClient(build(house, main.doors(house))) as client:
        yield cast(house, client)


def put(there: Cast, key: str, value: int) -> None:
    actor = system("test", there.practice.organization)
    there.house.store.run(actor, lambda tx: there.house.settings.put(tx, f"messaging.{key}", value))


def raw(there: Cast, who: Fhir, id_: str, **headers: str) -> Any:
    return there.client.get(f"{BASE}/Binary/{id_}", headers=who.headers | headers)


def test_as_itself_and_as_a_resource(there: Cast) -> None:
    made = there.upload(there.red)
    assert made["contentType"] == "application/pdf" and base64.b64decode(made["data"]) == PDF
    assert there.red.last.headers["location"].endswith(f"/Binary/{made['id']}")
    for accept in ("application/pdf", "*/*", "image/png, */*;q=0.1"):
        got = raw(there, there.red, made["id"], Accept=accept)
        assert (got.status_code, got.content, got.headers["content-type"]) == (200, PDF, "application/pdf")
        assert got.headers["content-disposition"] == f'attachment; filename="{made["id"]}.pdf"'
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert got.headers["cache-control"] == "no-store"
    assert there.red("GET", f"Binary/{made['id']}") == made
    in_xml = Fhir(there.client, there.red.headers["Authorization"].removeprefix("Bearer "), XML)
    assert in_xml("GET", f"Binary/{made['id']}")["data"] == made["data"]

    resource = {"resourceType": "Binary", "contentType": "image/png", "data": base64.b64encode(PNG).decode()}
    resource["securityContext"] = {"reference": "Patient/x"}  # type: ignore[assignment]
    for who in (there.red, in_xml):
        stored = who("POST", "Binary", 201, resource)
        assert {k: stored[k] for k in resource} == resource
        assert raw(there, there.red, stored["id"]).content == PNG
    assert there.red.code("GET", "Binary?_count=1", 405) == "http.method_not_allowed"


def test_plain_text_is_utf_8(there: Cast) -> None:
    made = there.upload(there.red, "Bitte rufen Sie zurück.".encode(), "text/plain; charset=UTF-8")
    got = raw(there, there.red, made["id"])
    assert (got.text, got.headers["content-type"]) == ("Bitte rufen Sie zurück.", "text/plain; charset=utf-8")
    there.upload(there.red, b"x", "text/plain; charset=iso-8859-1", 415)
    for data in ("zurück".encode("latin-1"), b"a\0b"):
        there.upload(there.red, data, "text/plain", 422)


@pytest.mark.parametrize(
    ("media", "data", "status", "code"),
    [
        ("text/html", b"<script>alert(1)</script>", 415, "messaging.attachment_type"),
        ("image/svg+xml", b"<svg onload='alert(1)'/>", 415, "messaging.attachment_type"),
        ("application/x-msdownload", b"MZ\x90", 415, "messaging.attachment_type"),
        ("application/octet-stream", b"MZ\x90", 415, "messaging.attachment_type"),
        ("application/pdf", b"MZ\x90\0", 422, "messaging.attachment_unreadable"),
        ("application/pdf", b"", 422, "messaging.attachment_unreadable"),
        ("image/png", b"<html>", 422, "messaging.attachment_unreadable"),
        ("image/webp", b"RIFF\0\0\0\0AVI ", 422, "messaging.attachment_unreadable"),
        ("application/json", b"{}", 400, "fhir.required"),
    ],
)
def test_what_is_not_taken(there: Cast, media: str, data: bytes, status: int, code: str) -> None:
    assert there.upload(there.red, data, media, status)["issue"][0]["details"]["coding"][0]["code"] == code
    assert there.red.last.headers.get("location") is None


def test_a_foreign_type_in_a_resource_is_422(there: Cast) -> None:
    page = {"resourceType": "Binary", "contentType": "text/html", "data": base64.b64encode(b"<p>").decode()}
    assert there.red.code("POST", "Binary", 422, page) == "messaging.attachment_type"
    empty = {"resourceType": "Binary", "contentType": "image/png"}
    assert there.red.code("POST", "Binary", 422, empty) == "messaging.attachment_unreadable"


def test_the_size_is_limited_by_the_practice(there: Cast) -> None:
    put(there, "attachment_kilobytes", 16)
    full = PDF + bytes(16 * 1024 - len(PDF))
    there.upload(there.red, full)
    assert there.upload(there.red, full + b"\0", status=413)["issue"][0]["code"] == "too-long"
    put(there, "attachment_kilobytes", 4096)
    large = PDF + bytes(4096 * 1024 - len(PDF))  # in base64 nearly three times the general limit of a body
    stored = {
        "resourceType": "Binary",
        "contentType": "application/pdf",
        "data": base64.b64encode(large).decode(),
    }
    id_ = there.red("POST", "Binary", 201, stored)["id"]
    assert raw(there, there.red, id_).content == large
    assert there.red.code("POST", "Binary", 413, bytes(10_000_000)) == "http.body_too_large"
    other = {**message("x", "y"), "payload": [{"contentString": "x" * 3_000_000}]}
    assert there.red.code("POST", "Communication", 413, other) == "http.body_too_large"


def test_a_portal_cannot_fill_the_disk(there: Cast, clock: Any) -> None:
    put(there, "attachments_per_day", 2)
    there.upload(there.red)
    clock.advance(3600)
    there.upload(there.red)
    refused = there.upload(there.red, status=429)
    assert refused["issue"][0]["details"]["coding"][0]["code"] == "messaging.attachments_exhausted"
    assert int(there.red.last.headers["retry-after"]) == 23 * 3600
    there.upload(there.blue)
    there.upload(there.desk)
    clock.advance(23 * 3600)
    there.upload(there.red)


def test_attachments_are_seen_by_their_sender_and_the_practice(there: Cast) -> None:
    id_ = there.upload(there.red)["id"]
    assert raw(there, there.desk, id_).content == PDF
    assert raw(there, there.blue, id_).status_code == 404
    assert there.blue.code("GET", f"Binary/{id_}", 404) == "http.not_found"
    alias = patient_of(there.blue)
    told = message(alias, there.doctor, payload=[with_file(id_)])
    assert there.blue.code("POST", "Communication", 422, told) == "messaging.attachment_unknown"


def test_to_be_saved_by_a_browser(there: Cast) -> None:
    id_ = there.upload(there.red, PNG, "image/png")["id"]
    address = f"/api/v1/communications/attachments/{id_}"
    saved = there.client.get(address, headers=there.desk.headers)
    assert (saved.status_code, saved.content) == (200, PNG)
    assert saved.headers["content-type"] == "application/octet-stream"
    assert saved.headers["content-disposition"] == f'attachment; filename="{id_}.png"'
    assert saved.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert there.client.get(address, headers=there.blue.headers).status_code == 404


def test_a_message_and_its_attachments_must_fit(there: Cast) -> None:
    alias, id_ = patient_of(there.red), there.upload(there.red)["id"]

    def code(**changed: Any) -> str:
        part = with_file(id_)
        part["contentAttachment"] = {k: v for k, v in (part["contentAttachment"] | changed).items() if v}
        told = message(alias, there.doctor, payload=[part])
        return there.red.code("POST", "Communication", 422, told)

    assert code(url=None) == code(creation=None) == code(contentType=None) == "fhir.required"
    assert code(url="https://example.org/virus.pdf") == "messaging.attachment_unknown"
    assert code(url="Binary/nobody") == code(url="Patient/x") == "messaging.attachment_unknown"
    assert code(contentType="image/png") == "messaging.attachment_mismatch"
    assert code(data="eHg=") == "messaging.attachment_inline"
