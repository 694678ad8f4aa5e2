"""Attacks on the console in a real browser: what people type is shown as text, never run; frames, scripts, other sites."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from praxisd.testing import browser as browsing
from praxisd.testing.programs import Client

from .walking import names

HOSTILE = (
    "<script>window.__run=1</script>",
    "<img src=x onerror=window.__run=1>",
    "<svg/onload=window.__run=1>",
    "\"><iframe srcdoc='<script>parent.__run=1</script>'>",
    "javascript:window.__run=1",
    "{{constructor.constructor('window.__run=1')()}}",
    "${window.__run=1}",
    "'; DROP TABLE directory_patient; --",
    "<a href='javascript:window.__run=1'>Müller</a>",
    "=cmd|' /C calc'!A0",
    "\u202eterces\u202c Ω≈ç√∫˜µ 田中さん 👩🏽‍⚕️",
)


def _made(client: Client, path: str, body: dict[str, Any]) -> str | None:
    """The id of what was made, or None where the server refused the text: with a clear answer, never a crash."""
    status, answer = client.call("POST", path, body)
    assert status in (200, 201, 400, 422), (status, answer)
    return str(answer["id"] if "id" in answer else answer["absence"]["id"]) if status in (200, 201) else None


def _plant(client: Client, texts: tuple[str, ...]) -> dict[str, str]:
    """Put each text into every field of the practice that takes words; returns patient ids by family name."""
    columns = [one["id"] for one in client.call("GET", "/api/v1/schedules")[1]["schedules"]]
    patients: dict[str, str] = {}
    for number, text in enumerate(texts):
        made = _made(
            client,
            "/api/v1/patients",
            {"family": text, "given": text, "birthDate": f"1980-01-{number % 28 + 1:02}"},
        )
        if made:
            client.call("PATCH", f"/api/v1/patients/{made}", {"note": text, "prefix": text})
            patients[text] = made
        _made(
            client,
            "/api/v1/healthcare-services",
            {"name": text, "duration": 30, "groups": [columns[:1]], "comment": text},
        )
        _made(client, "/api/v1/practitioners", {"family": text, "given": text})
        _made(client, "/api/v1/locations", {"name": text, "kind": "room"})
        day = f"2031-02-{number % 28 + 1:02}"
        _made(client, "/api/v1/absences", {"first": day, "last": day, "schedule": columns[0], "reason": text})
        start = f"2031-03-{number % 28 + 1:02}T"
        _made(
            client,
            "/api/v1/reservations",
            {
                "title": text,
                "note": text,
                "schedules": columns[:1],
                "start": start + "09:00:00+01:00",
                "end": start + "10:00:00+01:00",
            },
        )
    return patients


def _untouched(page: Page, opened: list[str]) -> None:
    assert page.evaluate("window.__run") is None
    assert opened == []
    assert (
        page.evaluate(
            "document.querySelectorAll('main iframe, main script, main img[src=\"x\"], main svg[onload]').length"
        )
        == 0
    )


def _look_everywhere(page: Page) -> None:
    opened: list[str] = []
    page.on("dialog", lambda dialog: (opened.append(dialog.message), dialog.dismiss()))
    for name in names(page):
        browsing.open_page(page, name)
        _untouched(page, opened)
    for week in ("2031-02-10", "2031-03-10"):
        page.evaluate("to => { location.hash = '#/calendar/' + to }", week)
        page.wait_for_timeout(400)
        _untouched(page, opened)


def _owner(demo: Any) -> Client:
    """A key with the owner's rights, made on the command line."""
    from praxisd.testing.programs import command

    made = command("keys", "create", "--role", "owner", "--name", "Prüfung", "--json", folder=demo.folder)
    client: Client = demo.server.client(made.json["secret"])
    for key in (
        "accounts.rate_per_minute",
        "accounts.rate_burst",
    ):  # hundreds of records in a row are no attack here
        assert client.call("PUT", f"/api/v1/settings/{key}", {"value": 100_000})[0] == 200
    return client


@pytest.fixture(scope="module")
def planted(demo: Any) -> dict[str, str]:
    return _plant(_owner(demo), HOSTILE)


def test_hostile_words_are_shown_as_words_on_every_page(
    demo: Any, planted: dict[str, str], sign_in: Any
) -> None:
    assert len(planted) >= 8
    page = sign_in("owner")
    _look_everywhere(page)
    browsing.open_page(page, "patients")
    page.get_by_role("searchbox").first.fill("script")
    page.get_by_text("<script>window.__run=1</script>").first.wait_for()
    browsing.open_page(page, "services")
    page.get_by_text("<img src=x onerror=window.__run=1>").first.wait_for()
    assert page.evaluate("window.__run") is None


@pytest.mark.foreign_data
def test_the_big_list_of_naughty_strings_runs_nowhere(demo: Any, sign_in: Any, foreign_data: Path) -> None:
    texts = json.loads((foreign_data / "names" / "blns" / "blns.json").read_text(encoding="utf-8"))
    planted = _plant(_owner(demo), tuple(one for one in texts if one.strip())[:500:3])
    assert len(planted) > 80
    page = sign_in("owner")
    _look_everywhere(page)


def test_the_policy_stops_scripts_that_were_put_into_the_page(sign_in: Any, profile: Any) -> None:
    profile.expected.append("Content Security Policy")
    page = sign_in("owner")
    page.evaluate(
        """() => {
          const script = document.createElement('script');
          script.textContent = 'window.__run = 1';
          document.body.append(script);
          document.body.insertAdjacentHTML('beforeend', '<img src="/console/none.png" onerror="window.__run=2">');
        }"""
    )
    page.wait_for_timeout(300)
    assert page.evaluate("window.__run") is None


@contextmanager
def _site(body: str) -> Iterator[str]:
    """Another site on this computer (another port is another origin, another host name another site)."""

    class Page_(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = body.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page_)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()


def test_another_site_can_neither_frame_nor_post_in_the_persons_name(
    demo: Any, sign_in: Any, profile: Any
) -> None:
    profile.expected.append("frame-ancestors 'none'")
    page = sign_in("owner")
    before = demo.desk().call("GET", "/api/v1/locations")[1]["locations"]
    body = f"""<iframe id=f src="{demo.url}/"></iframe>
      <form id=p method=post enctype="text/plain" action="{demo.url}/api/v1/locations" target=t>
      <input name='{{"name":"Fremd","kind":"room","x":"' value='"}}'></form><iframe name=t></iframe>
      <script>
        document.getElementById('p').submit();
        fetch('{demo.url}/api/v1/locations', {{method: 'POST', credentials: 'include', mode: 'no-cors',
          headers: {{'Content-Type': 'text/plain'}}, body: '{{"name":"Fremd","kind":"room"}}'}}).finally(() => window.done = 1);
      </script>"""
    with _site(body) as site:
        other = page.context.new_page()
        other.goto(site)
        other.wait_for_function("() => window.done === 1")
        other.wait_for_timeout(300)
        assert not any(
            "praxisd" in (frame.title() or "") for frame in other.frames if frame != other.main_frame
        )
        other.close()
    assert demo.desk().call("GET", "/api/v1/locations")[1]["locations"] == before


def test_the_cookie_is_out_of_reach_of_scripts_and_signing_out_ends_it(demo: Any, sign_in: Any) -> None:
    page = sign_in("owner")
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
    assert page.evaluate("document.cookie") == ""
    page.evaluate(
        """async () => {
          const { csrf } = await (await fetch('/api/v1/session')).json();
          await fetch('/api/v1/session', {method: 'DELETE', headers: {'X-Praxisd-Csrf': csrf}});
        }"""
    )
    page.wait_for_timeout(300)
    page.context.clear_cookies()
    page.context.add_cookies([cookie])
    page.goto(demo.url)
    page.locator("input[name=username]").wait_for()
