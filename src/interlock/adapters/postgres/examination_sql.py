"""The questions that `interlock doctor` asks a PostgreSQL server. All are reads of catalogs and statistics."""

from __future__ import annotations

SETTINGS = "SELECT name, setting FROM pg_settings WHERE name = ANY($1::text[])"
NAMES = (
    "fsync", "full_page_writes", "synchronous_commit", "synchronous_standby_names", "wal_level", "max_connections",
    "superuser_reserved_connections", "autovacuum", "server_encoding", "transaction_read_only", "server_version",
)  # fmt: skip
SESSION = (
    "SELECT pg_backend_pid(), pg_is_in_recovery(), "
    "(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), "
    "pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')"
)
PID = "SELECT pg_backend_pid()"
CLOCK = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
STANDBYS = (
    "SELECT coalesce(application_name, '?'), coalesce(state, '?'), coalesce(sync_state, '?'), "
    "coalesce((extract(epoch FROM replay_lag) * 1000)::bigint, 0) FROM pg_stat_replication"
)
OLDEST_TRANSACTION = (
    "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::bigint, "
    "coalesce((array_agg(coalesce(usename, '?') || ' (process ' || pid || ', ' || coalesce(state, '?') || ')' "
    "ORDER BY xact_start))[1], '') FROM pg_stat_activity "
    "WHERE xact_start IS NOT NULL AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
PREPARED = (
    "SELECT count(*), coalesce(max(extract(epoch FROM clock_timestamp() - prepared)), 0)::bigint "
    "FROM pg_prepared_xacts WHERE database = current_database()"
)
SLOTS = (
    "SELECT slot_name, coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint FROM "
    "pg_replication_slots WHERE NOT active ORDER BY 2 DESC"
)
SCHEMA = (
    "SELECT to_regnamespace($1::text) IS NOT NULL, EXISTS (SELECT 1 FROM pg_class "
    "WHERE relnamespace = to_regnamespace($1::text) AND relname = 'meta'), "
    "has_database_privilege(current_database(), 'CREATE')"
)
FORBIDDEN = (
    "SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = to_regnamespace($1::text) AND c.relkind = 'r' "
    "AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') "
    "AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')) ORDER BY 1"
)
UNLOGGED = (
    "SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = to_regnamespace($1::text) AND c.relkind = 'r' "
    "AND c.relpersistence <> 'p' ORDER BY 1"
)
MAY_USE = "SELECT has_schema_privilege($1::text, 'USAGE')"
META = "SELECT name, value FROM meta"
SIZE = (
    "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class "
    "WHERE relnamespace = to_regnamespace($1::text) AND relkind = 'r'"
)
DEAD_ROWS = (
    "SELECT relname, n_live_tup, n_dead_tup FROM pg_stat_user_tables WHERE schemaname = $1::text "
    "AND n_dead_tup > 10000 AND n_dead_tup > 4 * n_live_tup ORDER BY n_dead_tup DESC LIMIT 3"
)
PARKED = "SELECT count(DISTINCT key_hash), count(*), min(held_us) FROM held WHERE state = $1::bigint"
HAS_MEMBERS = (
    "SELECT count(*) = 2 FROM pg_class WHERE relnamespace = to_regnamespace($1::text) "
    "AND relname IN ('member', 'lease')"
)
MEMBERS = (
    "SELECT m.epoch, m.name, m.runs_flows, CASE m.until WHEN 'infinity' THEN 0 ELSE "
    "extract(epoch FROM clock_timestamp() - m.until)::float8 END, m.lease_seconds, coalesce(s.release, '?'), "
    "coalesce(s.estate_hash, '?'), coalesce(s.settings_hash, '?') "
    "FROM member AS m LEFT JOIN start AS s ON s.epoch = m.epoch ORDER BY m.epoch"
)
LEASES = "SELECT partition, epoch FROM lease ORDER BY partition"
AGE = "SELECT age(datfrozenxid)::bigint FROM pg_database WHERE datname = current_database()"
