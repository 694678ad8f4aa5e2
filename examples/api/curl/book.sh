#!/bin/sh
# Find free slots, book, be too late, repeat safely, move, cancel.
#
#   PRAXISD_URL=http://127.0.0.1:8080 PRAXISD_KEY=pxd_… sh book.sh
. "$(dirname "$0")/praxis.sh"

JSON='Content-Type: application/json'
key() { python3 -c 'import uuid; print(uuid.uuid4())'; }
same() { if [ "$1" = "$2" ]; then echo true; else echo false; fi; }

# --- find ---
FROM=$(date -u +%Y-%m-%dT%H:%M:%SZ)
UNTIL=$(python3 -c 'import datetime as d; print(d.date.today() + d.timedelta(28))')T00:00:00Z
ask GET /api/v1/healthcare-services > /dev/null
TYPE=$(pick '["healthcareServices"][0]["id"]')
ask GET /api/v1/slots -G -d "service=$TYPE" -d "from=$FROM" -d "to=$UNTIL" -d limit=200 > /dev/null
SLOTS=$(cat "$ANSWER") # of a longer list: ask again with cursor=<next>
echo "free slots: $(pick '["slots"].__len__()')"
START=$(pick '["slots"][0]["start"]')
COLUMNS=$(pick '["slots"][0]["schedules"]' | tr "'" '"')
LATER=$(pick '["slots"][-1]["start"]')
THERE=$(pick '["slots"][-1]["schedules"]' | tr "'" '"')

# --- book ---
PATIENT='{"family": "Muster", "given": "Eva", "birthDate": "1980-05-17", "phone": "+49 30 23125000"}'
# book START SCHEDULES KEY: the same key again means the same booking; repeat it after a lost connection
book() {
  ask POST /api/v1/appointments -H "$JSON" -H "Idempotency-Key: $3" \
    -d "{\"service\": \"$TYPE\", \"start\": \"$1\", \"schedules\": $2, \"patient\": $PATIENT}"
}
KEY=$(key)
STATUS=$(book "$START" "$COLUMNS" "$KEY")
FIRST=$(pick '["id"]')
VERSION=$(pick '["version"]')
echo "booked: $STATUS $(pick '["status"]')"
STATUS=$(book "$START" "$COLUMNS" "$KEY")
REPLAYED=$(tr -d '\r' < "$HEADERS" | sed -n 's/^idempotent-replayed: //Ip')
echo "repeated: $STATUS $(same "$(pick '["id"]')" "$FIRST") $REPLAYED"

# --- conflict ---
# Book the first slot that nobody else was faster to take; the first of them is ours by now.
NUMBER=0
while :; do
  slot() { printf '%s' "$SLOTS" > "$ANSWER"; pick "[\"slots\"][$NUMBER][\"$1\"]" | tr "'" '"'; }
  NEXT=$(slot start)
  STATUS=$(book "$NEXT" "$(slot schedules)" "$(key)")
  [ "$STATUS" = 201 ] && break
  [ "$(pick '["code"]')" = calendar.slot_taken ] || { cat "$ANSWER" >&2; exit 1; }
  echo "taken, the next one: $(pick '["code"]')"
  NUMBER=$((NUMBER + 1))
done
SECOND=$(pick '["id"]')
echo "booked: $(pick '["status"]') $([ "$NEXT" \> "$START" ] && echo true)"

# --- move ---
STATUS=$(ask PATCH "/api/v1/appointments/$FIRST" -H "$JSON" -H "If-Match: W/\"$VERSION\"" -H "Idempotency-Key: $(key)" \
  -d "{\"start\": \"$LATER\", \"schedules\": $THERE}")
echo "moved: $STATUS $(same "$(pick '["id"]')" "$FIRST") $(same "$(pick '["start"]')" "$LATER")"

# --- cancel ---
for ONE in "$FIRST" "$SECOND"; do
  STATUS=$(ask POST "/api/v1/appointments/$ONE/cancel" -H "$JSON" -d '{}')
  echo "cancelled: $STATUS $(pick '["status"]')"
done
