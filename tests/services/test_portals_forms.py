"""The forms of the adapters: each field has its texts in both languages, and what cannot work is refused by name."""

import pytest

from praxisd.kernel.errors import Problem
from praxisd.kernel.texts import Texts
from praxisd.services.portals.portals import ADAPTERS, check_fields, forms, open_portal
from praxisd.services.portals.portals.forms import Field, protected

ADDRESSES = {"address_period": "https://portal.example/1", "address_upload": "https://portal.example/2"}
FLEX = {**ADDRESSES, "key": "k"}


@pytest.fixture(scope="module")
def texts() -> Texts:
    return Texts(["praxisd.services.portals"])


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_everything_that_is_asked_for_is_explained(texts: Texts, adapter: str) -> None:
    form = next(one for name, one in forms().items() if name == adapter)
    wanted = [f"portals.adapter.{adapter}.title", f"portals.adapter.{adapter}.help"]
    for field in form.fields:
        wanted += [f"portals.field.{adapter}.{field.name}.{part}" for part in ("label", "help")]
        wanted += [f"portals.choice.{adapter}.{field.name}.{choice}" for choice in field.choices]
    for lang in ("de", "en"):
        assert [key for key in wanted if not texts.has(key, lang)] == [], lang
    assert len({one.name for one in form.fields}) == len(form.fields)
    assert all(one.default in ("", *(one.choices or (one.default,))) for one in form.fields)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_new_address_asks_for_the_secrets_anew(adapter: str) -> None:
    form = next(one for name, one in forms().items() if name == adapter)
    assert [one.name for one in form.fields if one.kind in ("address", "base") and not one.whom] == []
    assert any(one.secret for one in form.fields) and any(one.whom for one in form.fields)


@pytest.mark.parametrize(
    ("adapter", "values", "field"),
    [
        ("drflex", {**FLEX, "key": " "}, "key"),
        ("drflex", {**FLEX, "address_upload": ""}, "address_upload"),
        ("drflex", {**FLEX, "address_period": "http://portal.example/1"}, "address_period"),
        ("drflex", {**FLEX, "address_period": "https://u:p@portal.example/1"}, "address_period"),
        ("drflex", {**FLEX, "header_name": "X Key"}, "header_name"),
        ("drflex", {**FLEX, "header_name": "X\r\nHost: a"}, "header_name"),
        ("drflex", {**FLEX, "calendar_in": "cookie"}, "calendar_in"),
        ("drflex", {**FLEX, "key": "a\nb"}, "key"),
        ("drflex", {**FLEX, "key": "a" * 501}, "key"),
        ("drflex", {**FLEX, "colour": "red"}, "colour"),
        ("two_way", {"address": "ftp://portal.example", "key": "k"}, "address"),
        ("two_way", {"address": "https://portal.example/api?v=2", "key": "k"}, "address"),
        ("webdav_ics", {"address": "https://dav.example", "file": "kalender.ics"}, "file"),
        ("webdav_ics", {"address": "https://dav.example", "days": "0"}, "days"),
        ("webdav_ics", {"address": "https://dav.example", "days": "731"}, "days"),
        ("webdav_ics", {"address": "https://dav.example", "days": "²"}, "days"),
    ],
)
def test_what_cannot_work_is_named(adapter: str, values: dict[str, str], field: str) -> None:
    with pytest.raises(Problem) as caught:
        check_fields(adapter, values)
    assert (caught.value.code, caught.value.status) == ("portals.field_wrong", 422)
    assert caught.value.params["field"] == field


def test_what_works_is_taken() -> None:
    check_fields("drflex", FLEX)
    check_fields("drflex", ADDRESSES, kept=("key",))
    check_fields("drflex", {**FLEX, "address_period": "http://127.0.0.1:8081/drflex/period"})
    check_fields("two_way", {"address": "https://portal.example/api", "key": "k"})
    check_fields(
        "webdav_ics",
        {"address": "http://nas/kalender", "blocker_file": "{calendar}-zurück.ics", "days": "730"},
    )


def test_a_kept_field_that_is_no_secret_is_asked_for() -> None:
    with pytest.raises(Problem):
        check_fields(
            "drflex", {"address_period": "https://portal.example/1", "key": "k"}, kept=("address_upload",)
        )


def test_no_such_adapter() -> None:
    with pytest.raises(Problem) as caught:
        open_portal(None, "fax", None, None)  # type: ignore[arg-type]
    assert (caught.value.code, caught.value.status) == ("portals.adapter_unknown", 404)


def test_blanks_are_cut_and_defaults_stand_in() -> None:
    filled = forms()["drflex"].filled({**FLEX, "key": " k ", "header_name": "  "})
    assert (filled["key"], filled["header_name"], filled["header_prefix"]) == ("k", "X-API-Key", "")
    assert Field("a").default == ""


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://portal.example", True),
        ("https://portal.example:8443/a?b=c", True),
        ("http://192.168.1.20/dav", True),
        ("http://[::1]:80/", True),
        ("http://praxis.local/", True),
        ("http://8.8.8.8/", False),
        ("http://portal.example", False),
        ("https://", False),
        ("https://portal.example:99999/", False),
        ("https://portal.example/#a", False),
        ("https://portal.example/a b", False),
        ("portal.example", False),
        ("javascript:alert(1)", False),
    ],
)
def test_addresses(url: str, good: bool) -> None:
    assert protected(url) is good
