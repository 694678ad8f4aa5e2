"""A browser in another time zone shows the practice's hours, and books what it shows."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from praxisd.testing import browser as browsing


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Auckland"])
def test_the_calendar_stands_in_the_practices_zone(demo: Any, sign_in: Any, zone: str) -> None:
    page = sign_in("desk", zone=zone)
    desk = demo.desk()
    coming = [
        one
        for one in desk.call("POST", "/api/v1/appointments/search", {"status": "booked", "limit": 200})[1][
            "appointments"
        ]
        if one.get("patientName")
    ]
    one = coming[len(coming) // 2]
    browsing.open_page(page, "calendar")
    page.get_by_label("Datum", exact=True).first.fill(one["start"][:10])
    page.get_by_label("Datum", exact=True).first.blur()
    clock = one["start"][11:16]
    box = page.locator(f".box.appointment[data-id='{one['id']}']").first
    expect(box).to_have_attribute("aria-label", re.compile(clock))
