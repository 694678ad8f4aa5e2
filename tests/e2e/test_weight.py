"""What the first visit costs: bytes over the wire until the overview stands, and nothing from elsewhere."""

from typing import Any
from urllib.parse import urlsplit

from praxisd.testing import browser as browsing

MOST_PROGRAM = 105_000
"""18 kB of it are the words of the shell and the overview; those of the other pages come with the first that is opened."""
MOST_ANSWERS = 50_000
"""What the practice has to show; it grows with what other tests did before in the same demo."""


def test_the_first_load_stays_light_and_asks_nobody_else(demo: Any, profile: Any) -> None:
    page = profile().new_page()
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    sizes: dict[str, int] = {}
    hosts: set[str] = set()
    paths: dict[str, str] = {}
    wire.on(
        "Network.requestWillBeSent",
        lambda e: paths.__setitem__(e["requestId"], urlsplit(e["request"]["url"]).path),
    )
    wire.on(
        "Network.loadingFinished", lambda e: sizes.__setitem__(e["requestId"], int(e["encodedDataLength"]))
    )
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    browsing.sign_in(page, demo.url, *demo.person("owner"))
    browsing.open_page(page, "overview")
    page.wait_for_timeout(500)
    assert len(sizes) > 4
    answers = {paths[one]: size for one, size in sizes.items() if paths[one].startswith("/api/")}
    assert sum(sizes.values()) - sum(answers.values()) <= MOST_PROGRAM, sizes
    assert answers and sum(answers.values()) <= MOST_ANSWERS, answers
    assert hosts == {urlsplit(demo.url).netloc}


def test_a_second_visit_reads_the_program_from_the_browsers_store(demo: Any, profile: Any) -> None:
    page = profile().new_page()
    page.goto(demo.url)
    page.locator("input[name=username]").wait_for()
    fetched: list[str] = []
    page.on("response", lambda r: None if r.from_service_worker else fetched.append(r.url))
    page.reload()
    page.locator("input[name=username]").wait_for()
    cached = page.evaluate(
        "performance.getEntriesByType('resource').filter(e => e.name.includes('/assets/')).map(e => e.transferSize)"
    )
    assert cached and sum(cached) == 0
