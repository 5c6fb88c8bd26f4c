#!/bin/sh
# A new password for the database user: into Vault first, then into the server. Run it as often as you like.
set -eu
password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
dsn=$(echo "$DATABASE" | sed "s#//[^@]*@#//vault_orders:$password@#")
curl -sSf -o /dev/null -X POST -H "X-Vault-Token: $VAULT_TOKEN" -d "{\"data\": {\"dsn\": \"$dsn\"}}" \
  "$VAULT_ADDR/v1/secret/data/vault-orders/db"
psql -q "$DATABASE" -c "ALTER ROLE vault_orders PASSWORD '$password'"
