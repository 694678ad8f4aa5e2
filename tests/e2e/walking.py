"""What the tests of all pages share: which pages there are, what axe says, what is cut off."""

from typing import Any

from playwright.sync_api import Page

from praxisd.testing import browser as browsing

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def names(page: Page) -> list[str]:
    """The pages in the navigation of who is signed in."""
    return [
        str(one).removeprefix("#/")
        for one in page.eval_on_selector_all("nav a", "all => all.map(a => a.getAttribute('href'))")
    ]


def violations(page: Page, axe: str) -> list[str]:
    """What axe-core finds, as `rule target …`. It is put into a document once: the console's pages share theirs."""
    browsing.settled(page)
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    found: dict[str, Any] = page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})",
        _TAGS,
    )
    return [
        f"{rule['id']} {node['target']} {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def overflow(page: Page) -> list[str]:
    """What sticks out of the window sideways, and controls too small to hit (24 CSS pixels, WCAG 2.5.8)."""
    found: list[str] = page.evaluate(
        """() => {
          const found = [];
          const root = document.documentElement;
          if (root.scrollWidth > root.clientWidth + 1) found.push(`page ${root.scrollWidth} > ${root.clientWidth}`);
          for (const e of document.querySelectorAll('main button, main select, main input, main a')) {
            const box = e.getBoundingClientRect();
            if (!box.width || e.closest('[aria-hidden=true]') || e.matches('p a, td a, li p a, .ec *')) continue;
            const label = e.closest('label');
            const size = label ? label.getBoundingClientRect() : box;
            if (size.height < 23.5 || size.width < 23.5) found.push(`small ${e.outerHTML.slice(0, 120)}`);
          }
          return found;
        }"""
    )
    return found
