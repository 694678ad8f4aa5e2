"""A watched folder (`kernel/watched`): each file in it is a message. What was taken in is moved to `done`, what could not be read
to `unreadable`.
"""

from collections.abc import Iterator
from pathlib import Path

from praxisd.kernel import watched
from praxisd.kernel.errors import Problem
from praxisd.kernel.watched import File, Looks
from praxisd.services.messaging import api as messaging

STILL_S = 10
"""So long a file has to stand still. Seconds."""
DONE, ASIDE = "done", "unreadable"
MISSING, UNREACHABLE = "portals.folder_missing", "portals.folder_unreachable"


def files(path: str, looks: Looks, *, still: bool = True) -> Iterator[File]:
    """Files that stand still (all, without `still`), the oldest first; of each as much as is read of a mail.

    Problem `portals.folder_missing` or `portals.folder_unreachable` (503, both temporary: a share may come back).
    """
    if not Path(path).is_dir():
        raise Problem(MISSING, 503, retry=True)
    try:
        watched.put_back(path, (DONE, ASIDE))
        yield from watched.Folder(path, looks, still_s=STILL_S, most=messaging.READ_MOST).files(still=still)
    except OSError:
        raise Problem(UNREACHABLE, 503, retry=True) from None
