#!/bin/sh
# Keep in step: what changed since last time. The cursor is kept in a file.
#
#   sh feed.sh cursor.txt
. "$(dirname "$0")/praxis.sh"

KEPT=${1:-cursor.txt}

# --- feed ---
CURSOR=$(cat "$KEPT" 2> /dev/null || true) # nothing: everything first
while :; do
  STATUS=$(ask GET "/api/v1/appointments${CURSOR:+?since=$CURSOR}")
  if [ "$STATUS" = 410 ]; then # calendar.cursor_expired: older than the practice keeps
    CURSOR=
    continue
  fi
  python3 - "$ANSWER" << 'END'
import json, sys
for one in json.load(open(sys.argv[1], encoding="utf-8"))["changes"]:
    print(one["id"], "deleted" if one.get("deleted") else one["status"])
END
  CURSOR=$(pick '["cursor"]')
  [ "$(pick '["more"]')" = True ] || break
done
printf '%s' "$CURSOR" > "$KEPT"
