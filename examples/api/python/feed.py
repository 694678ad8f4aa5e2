"""Keep in step: what changed since last time. The cursor is kept in a file.

python feed.py cursor.txt
"""

import sys
from pathlib import Path
from urllib.parse import urlencode

from praxis import ask

kept = Path(sys.argv[1] if len(sys.argv) > 1 else "cursor.txt")


# --- feed ---
def changes(cursor):
    """(what changed, the next cursor). Without a cursor: everything first."""
    found = []
    while True:
        query = "" if cursor is None else "?" + urlencode({"since": cursor})
        status, answer, _ = ask("GET", "/api/v1/appointments" + query)
        if status == 410:  # calendar.cursor_expired: older than the practice keeps
            cursor = None
            continue
        found += answer["changes"]
        cursor = answer["cursor"]
        if not answer["more"]:
            return found, cursor


found, cursor = changes(kept.read_text() if kept.exists() else None)
for one in found:  # put all of it into your own database, then keep the cursor
    print(one["id"], "deleted" if one.get("deleted") else one["status"])
kept.write_text(cursor)
