#!/bin/sh
# Make what compose.yaml must not hold: `sudo sh deploy/new-secrets.sh [FOLDER]`, once; nothing that is there is touched.
#
#   database-password   read by the database (user 999 of its image)
#   praxisd.toml        configuration of all nodes, with the same password in database_url (user 10001 of ours)
#   nats.conf           of the bus between relay hubs, with its token (any user of its image: 65534)
set -eu
umask 077
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 0711 "$folder"
secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
if [ ! -e "$folder/database-password" ]; then
    secret > "$folder/database-password"
fi
if [ ! -e "$folder/praxisd.toml" ]; then
    cat > "$folder/praxisd.toml" <<TOML
database_url = "postgresql://praxisd:$(cat "$folder/database-password")@database/praxisd"
database_patience = 60
vault_key = "/keys/vault.key"
# public_url = "https://praxis.example"      the address before the proxy
# trusted_proxies = ["172.16.0.0/12"]        its address as the containers see it
TOML
fi
if [ ! -e "$folder/nats.conf" ]; then
    cat > "$folder/nats.conf" <<CONF
listen: "0.0.0.0:4222"
authorization { token: "$(secret)" }
CONF
fi
if [ "$(id -u)" = 0 ]; then
    chown 999:999 "$folder/database-password"
    chown 10001:10001 "$folder/praxisd.toml"
    chown 65534:65534 "$folder/nats.conf"
fi
chmod 0400 "$folder/database-password" "$folder/praxisd.toml" "$folder/nats.conf"
