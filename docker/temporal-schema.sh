#!/bin/sh
# Makes and upgrades the tables of a Temporal server in its two databases on PostgreSQL, which postgres-roles.sh has made. Doing it
# again changes nothing.
# Reads SQL_PLUGIN, SQL_HOST, SQL_PORT, SQL_USER and SQL_PASSWORD; runs in temporalio/admin-tools.
set -eu
schema=${TEMPORAL_SCHEMA:-/etc/temporal/schema/postgresql/v12}
for pair in temporal:temporal temporal_visibility:visibility; do
  database=${pair%%:*}
  export SQL_DATABASE="$database"
  temporal-sql-tool setup-schema --version 0.0
  temporal-sql-tool update-schema --schema-dir "$schema/${pair##*:}/versioned"
done
