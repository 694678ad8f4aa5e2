#!/bin/sh
# The same in FHIR R4: search a slot, tell who comes, book, be too late, read, cancel.
#
#   PRAXISD_URL=http://127.0.0.1:8080 PRAXISD_KEY=pxd_… sh fhir.sh
. "$(dirname "$0")/praxis.sh"

JSON='Content-Type: application/fhir+json'
fhir() { method=$1 path=$2; shift 2; ask "$method" "/fhir/R4$path" -H 'Accept: application/fhir+json' "$@"; }

# --- search ---
fhir GET /Slot -G -d status=free -d "start=ge$(date -u +%Y-%m-%dT%H:%M:%SZ)" -d _count=5 > /dev/null
echo "free slots on the page: $(pick '["entry"].__len__()')"
SLOT=$(pick '["entry"][0]["resource"]["id"]')
START=$(pick '["entry"][0]["resource"]["start"]')
END=$(pick '["entry"][0]["resource"]["end"]')

# --- book ---
fhir POST /Patient -H "$JSON" -d '{"resourceType": "Patient", "birthDate": "1984-11-30",
  "name": [{"family": "Feuer", "given": ["Fanny"]}]}' > /dev/null
PATIENT=$(pick '["id"]')
APPOINTMENT="{\"resourceType\": \"Appointment\", \"status\": \"proposed\", \"slot\": [{\"reference\": \"Slot/$SLOT\"}],
  \"start\": \"$START\", \"end\": \"$END\",
  \"participant\": [{\"actor\": {\"reference\": \"Patient/$PATIENT\"}, \"status\": \"accepted\"}]}"
STATUS=$(fhir POST '/Appointment/$book' -H "$JSON" -d "$APPOINTMENT")
BOOKED=$(pick '["id"]')
echo "booked: $STATUS $(pick '["status"]')"
STATUS=$(fhir POST '/Appointment/$book' -H "$JSON" -d "$APPOINTMENT")
echo "taken: $STATUS $(pick '["issue"][0]["details"]["coding"][0]["code"]')"

# --- cancel ---
STATUS=$(fhir PATCH "/Appointment/$BOOKED" -H 'Content-Type: application/json-patch+json' \
  -d '[{"op": "replace", "path": "/status", "value": "cancelled"}]')
GONE=$(pick '["status"]')
fhir GET "/Appointment/$BOOKED" > /dev/null
echo "cancelled: $STATUS $GONE $(pick '["status"]')"
