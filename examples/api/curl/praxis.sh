# What the other examples share: one question to a praxisd, with curl. Needs curl and python3 (which only reads JSON here).
#
# PRAXISD_URL and PRAXISD_KEY say where it is and who asks.
set -eu
ANSWER=$(mktemp)
HEADERS=$(mktemp)
trap 'rm -f "$ANSWER" "$HEADERS"' EXIT

# ask METHOD PATH [more for curl]: prints the status; the answer lies in $ANSWER. A refusal is an answer too.
ask() {
  method=$1 path=$2
  shift 2
  curl -sS -o "$ANSWER" -D "$HEADERS" -w '%{http_code}' -X "$method" "$PRAXISD_URL$path" \
    -H "Authorization: Bearer $PRAXISD_KEY" "$@"
}

# pick '["slots"][0]["start"]': one value of the answer
pick() { python3 -c "import json, sys; print(json.load(sys.stdin)$1)" < "$ANSWER"; }
