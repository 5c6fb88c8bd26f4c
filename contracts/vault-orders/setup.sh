#!/bin/sh
# What an operator prepares, once: a role that may read three secrets and the discounts, and a database user.
# VAULT_ADDR and VAULT_TOKEN are an administrator's, DATABASE the DSN of the database's owner.
set -eu
vault() { curl -sSf -o /dev/null -X POST -H "X-Vault-Token: $VAULT_TOKEN" -d "$2" "$VAULT_ADDR/v1/$1"; }

vault sys/policies/acl/vault-orders '{"policy": "path \"secret/data/vault-orders/*\" { capabilities = [\"read\"] }"}'
vault auth/approle/role/vault-orders '{"token_policies": "vault-orders", "token_ttl": "10m"}'
vault auth/approle/role/vault-orders/role-id '{"role_id": "vault-orders"}'
vault auth/approle/role/vault-orders/custom-secret-id "{\"secret_id\": \"$ONEX_SECRET_VAULT_ORDERS_SECRET_ID\"}"
vault secret/data/vault-orders/login "{\"data\": {\"secret_id\": \"$ONEX_SECRET_VAULT_ORDERS_SECRET_ID\"}}"
vault secret/data/vault-orders/payments "{\"data\": {\"token\": \"$PAYMENTS_TOKEN\"}}"
vault secret/data/vault-orders/discounts/spring '{"data": {"percent": 15}}'

psql -q "$DATABASE" -c "CREATE TABLE orders (id uuid PRIMARY KEY, customer text NOT NULL, total numeric NOT NULL)" \
  -c "CREATE ROLE vault_orders LOGIN" -c "GRANT SELECT, INSERT ON orders TO vault_orders"
sh "$(dirname "$0")/rotate.sh"
