"""praxisd whose calendar changes before every question, without the price of the booking that changed it.

    python -m bench.changing FOLDER

is `praxisd serve --data FOLDER --port 0`, except that each question for slots first finds what a booking leaves behind:
the answers, the plans and the bitmaps of two of the columns (a doctor's and a room's, others each time) are stale.
"""

import sys
from itertools import count
from pathlib import Path
from typing import Any

from praxisd import serving
from praxisd.kernel.service import Call, Route
from praxisd.services.calendar import SERVICE
from praxisd.services.calendar.view import views


def _slots() -> Route:
    return next(route for route in SERVICE.routes if route.path == "/slots" and not route.write)


def main(folder: str) -> int:
    """Serve until killed."""
    route, numbers = _slots(), count()
    quick = route.quick

    def changed(call: Call) -> Any:
        view, number = views(call.house), next(numbers)
        view.changed(call.actor.organization)
        columns = sorted({key[1] for key in tuple(view._occupied)}, key=str)
        if columns:
            stale = {columns[number % len(columns)], columns[(number + len(columns) // 2) % len(columns)]}
            for key in [key for key in tuple(view._occupied) if key[1] in stale]:
                view._occupied.pop(key, None)
        return None if quick is None else quick(call)

    object.__setattr__(route, "quick", changed)
    return serving.serve(Path(folder), port=0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
