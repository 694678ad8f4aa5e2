#!/bin/sh
# Check the signature of a call: its body on standard input. Ends with 0 if praxisd sent it, and not long ago. Needs openssl.
#
#   sh webhook.sh 't=1795772154,v1=5f1c…' 'whsec_…' < body
set -eu
HEADER=$1 SECRET=$2

# --- verify ---
STAMP=$(printf '%s' "$HEADER" | sed 's/^t=\([0-9]*\),v1=.*$/\1/')
GIVEN=$(printf '%s' "$HEADER" | sed 's/^.*,v1=\([0-9a-f]*\)$/\1/')
EXPECTED=$({ printf '%s.' "$STAMP"; cat; } | openssl dgst -sha256 -hmac "$SECRET" | sed 's/^.*= *//')
AGE=$(($(date +%s) - STAMP))
[ "$GIVEN" = "$EXPECTED" ] && [ "${AGE#-}" -le 300 ] || { echo refused; exit 1; }
echo verified
