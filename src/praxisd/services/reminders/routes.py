"""The door to the reminders: the preview. It writes nothing and works while everything is switched off."""

from praxisd.kernel.service import Call, Route
from praxisd.services.reminders import previewing
from praxisd.services.reminders.shapes import Preview, PreviewIn

READ = "reminders.preview.read"


def preview(call: Call) -> Preview:
    """Who would get what, who not, and why."""
    with call.read() as tx:
        return previewing.preview(call.house, tx, call.body, call.lang)


ROUTES = (
    Route(
        "POST",
        "/reminders/preview",
        "reminders.preview",
        preview,
        READ,
        answer=Preview,
        body=PreviewIn,
        problems=((422, "reminders.bad_day"), (409, "directory.organization_missing")),
        transaction=False,
        tags=("reminders",),
    ),
)
