"""Times of the calendar's REST shapes: a bad one is refused under the name its sender gave it."""

import pytest

from praxisd.kernel.errors import Problem
from praxisd.services.calendar import shapes


@pytest.mark.parametrize("field", ["from", "to", "start", "end"])
@pytest.mark.parametrize(
    ("text", "code"), [("2026-11-24T08:00:00", "clock.naive_time"), ("gestern", "clock.bad_time")]
)
def test_a_bad_time_names_its_field(text: str, code: str, field: str) -> None:
    with pytest.raises(Problem) as refused:
        shapes.instant(text, field)
    assert (refused.value.code, refused.value.params) == (code, {"field": field})
