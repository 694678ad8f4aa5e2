#!/bin/sh
# Be called instead of asking: sign up an address; prints the id of the webhook and its secret, which is shown this once.
#
#   sh signup.sh https://portal.example/hook
. "$(dirname "$0")/praxis.sh"

# --- sign up ---
ask POST /api/v1/webhooks -H 'Content-Type: application/json' \
  -d "{\"name\": \"curl\", \"url\": \"$1\", \"events\": [\"appointment.*\"]}" > /dev/null
pick '["id"]'
pick '["secret"]'
