#!/bin/sh
# Makes the roles and databases of PostgreSQL: `ratchet` owns the database ratchet, `temporal` owns Temporal's two, and neither may
# enter the other's. The PostgreSQL image runs this when it makes its files; doing it again changes nothing but passwords.
# Reads RATCHET_DB_PASSWORD and TEMPORAL_DB_PASSWORD, and POSTGRES_USER, the superuser as whom it connects.
set -eu
: "${RATCHET_DB_PASSWORD:?set POSTGRES_PASSWORD in .env}" "${TEMPORAL_DB_PASSWORD:?set TEMPORAL_DB_PASSWORD in .env}"
admin=${POSTGRES_USER:-postgres}

sql() {
  database=$1
  shift
  psql --no-psqlrc --quiet --tuples-only -v ON_ERROR_STOP=1 --username "$admin" --dbname "$database" "$@" >/dev/null
}

role() { # NAME PASSWORD
  # The password goes in by the environment: a command line can be read by every process.
  ROLE_PASSWORD=$2 sql postgres -v name="$1" <<'SQL'
\getenv password ROLE_PASSWORD
select format('create role %I login', :'name')
  where not exists (select 1 from pg_roles where rolname = :'name') \gexec
alter role :"name" login nosuperuser nocreatedb nocreaterole password :'password';
SQL
}

database() { # NAME OWNER
  sql postgres -v name="$1" -v owner="$2" <<'SQL'
select format('create database %I owner %I', :'name', :'owner')
  where not exists (select 1 from pg_database where datname = :'name') \gexec
alter database :"name" owner to :"owner";
revoke all on database :"name" from public;
SQL
  # What another role made in it before.
  sql "$1" -v owner="$2" <<'SQL'
select format('alter schema %I owner to %I', nspname, :'owner') from pg_namespace
  where nspname !~ '^pg_' and nspname not in ('information_schema', 'public')
    and nspowner <> (select oid from pg_roles where rolname = :'owner') \gexec
select format('alter %s %I.%I owner to %I',
    case c.relkind when 'S' then 'sequence' when 'v' then 'view' when 'm' then 'materialized view' else 'table' end,
    n.nspname, c.relname, :'owner')
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'S', 'v', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and c.relowner <> (select oid from pg_roles where rolname = :'owner')
    -- A sequence of a column, and what an extension brought, follow what they belong to.
    and not exists (select 1 from pg_depend d where d.objid = c.oid and d.classid = 'pg_class'::regclass
      and d.deptype in ('a', 'i', 'e')) \gexec
select format('alter type %I.%I owner to %I', n.nspname, t.typname, :'owner')
  from pg_type t join pg_namespace n on n.oid = t.typnamespace
  where t.typtype in ('e', 'd') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and t.typowner <> (select oid from pg_roles where rolname = :'owner') \gexec
select format('alter routine %s owner to %I', p.oid::regprocedure, :'owner')
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and p.proowner <> (select oid from pg_roles where rolname = :'owner')
    and not exists (select 1 from pg_depend d where d.objid = p.oid and d.classid = 'pg_proc'::regclass
      and d.deptype = 'e') \gexec
SQL
}

role ratchet "$RATCHET_DB_PASSWORD"
role temporal "$TEMPORAL_DB_PASSWORD"
database ratchet ratchet
database temporal temporal
database temporal_visibility temporal
