"""REST operations of updates. Updates belong to the installation; whoever may install here does so for all practices."""

from praxisd.kernel.service import Call, Route
from praxisd.services.updates import shapes, view

READ, WRITE, INSTALL, PUSH = "updates.read", "updates.write", "updates.install", "updates.push"
_TAGS = ("updates",)


def get_updates(call: Call) -> shapes.UpdatesOut:
    """How updates stand

    The version that runs, what is subscribed, what was downloaded and waits, the order in progress, and the downloads whose
    notice this user has not seen. Answers during maintenance and in safe mode too.
    """
    return view.shown(call.house, call.actor, call.lang)


ROUTES = (
    Route(
        "GET", "/updates", "updates.read", get_updates, READ, answer=shapes.UpdatesOut, exempt=True, safe=True, tags=_TAGS
    ),
)  # fmt: skip
