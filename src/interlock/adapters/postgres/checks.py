"""What `interlock doctor` looks at on a PostgreSQL server, as data."""

from __future__ import annotations

from interlock.model.diagnosis import BOUNDED, CLEAR_ERROR, DURABLE, FINAL, NO_PAYLOAD, NOTHING_DROPPED, ORDER, Check

REACHED = Check(
    "PG_REACHED", "whether the server takes our connection", CLEAR_ERROR,
    "See whether the server runs and takes connections: pg_isready",
)  # fmt: skip
VERSION = Check("PG_VERSION", "the server's release", CLEAR_ERROR, "Upgrade the server, or choose another one.")
FSYNC = Check(
    "PG_FSYNC", "`fsync`", DURABLE, "Set fsync = on in postgresql.conf and reload. The start is refused until then."
)
FULL_PAGES = Check(
    "PG_FULL_PAGE_WRITES", "`full_page_writes`", DURABLE,
    "Set full_page_writes = on in postgresql.conf and reload. The start is refused until then.",
)  # fmt: skip
COMMIT = Check(
    "PG_SYNCHRONOUS_COMMIT", "`synchronous_commit` as our sessions have it", DURABLE,
    "Set it to on, in postgresql.conf or with: ALTER ROLE … RESET synchronous_commit",
)  # fmt: skip
STANDBYS = Check(
    "PG_STANDBYS", "`synchronous_standby_names`, and who answers to them", DURABLE,
    "Set synchronous_standby_names so that commits wait for a standby, if the loss of one disk must not lose events.",
)  # fmt: skip
UNLOGGED = Check("PG_UNLOGGED", "tables of the schema that are not written ahead", DURABLE, "ALTER TABLE … SET LOGGED")
WAL_LEVEL = Check(
    "PG_WAL_LEVEL",
    "`wal_level`",
    DURABLE,
    "Set wal_level = replica and restart the server, to have standbys.",
)
PRIMARY = Check(
    "PG_PRIMARY", "whether the server may be written to", CLEAR_ERROR,
    "Point stores.dsn at the primary (target_session_attrs=read-write finds it among several hosts).",
)  # fmt: skip
ENCODING = Check(
    "PG_ENCODING", "the encoding of the database", CLEAR_ERROR,
    "Create a database for Interlock with: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
)  # fmt: skip
CONNECTIONS = Check(
    "PG_CONNECTIONS", "`max_connections`, and how many are left", BOUNDED,
    "Raise max_connections, or let other clients of the server have fewer.",
)  # fmt: skip
POOLER = Check(
    "PG_POOLER", "whether each of our sessions has a server process of its own", FINAL,
    "Connect to the server directly, or set the pooler's pool_mode to session.",
)  # fmt: skip
TLS = Check(
    "PG_TLS", "whether the connection is encrypted where it leaves the machine", NO_PAYLOAD,
    "Add sslmode=verify-full to the connection string, and set ssl = on at the server.",
)  # fmt: skip
CLOCK = Check("PG_CLOCK", "the server's clock beside ours", CLEAR_ERROR, "Let NTP set the clocks of both machines.")
SCHEMA = Check(
    "PG_SCHEMA", "the schema, its format, and what our user may do with its tables", CLEAR_ERROR,
    "Let the user own the schema: ALTER SCHEMA … OWNER TO …",
)  # fmt: skip
PARTITIONS = Check(
    "PG_PARTITIONS", "the partitions of the schema against stores.partitions", ORDER,
    "Set stores.partitions to what the schema was made with: it is fixed.",
)  # fmt: skip
TRANSACTIONS = Check(
    "PG_TRANSACTIONS", "transactions that stay open, also prepared ones", BOUNDED,
    "End it at its client, or: SELECT pg_terminate_backend(process)",
)  # fmt: skip
SLOTS = Check(
    "PG_SLOTS", "replication slots that nobody reads", BOUNDED,
    "Start its reader, or drop it: SELECT pg_drop_replication_slot(…)",
)  # fmt: skip
VACUUM = Check(
    "PG_VACUUM", "`autovacuum`, dead rows, and the age of the oldest transaction number", BOUNDED,
    "Set autovacuum = on; meanwhile run VACUUM on the tables of the schema.",
)  # fmt: skip
MEMBERS = Check(
    "PG_MEMBERS", "the processes on the store, and how long ago each was heard of", FINAL,
    "See what became of it on its machine; the others take its partitions over by themselves.",
)  # fmt: skip
LEASES = Check(
    "PG_LEASES", "whether somebody has each partition", NOTHING_DROPPED,
    "Start a process that runs flows: interlock up",
)  # fmt: skip
ALIKE = Check(
    "PG_ALIKE", "whether all processes have one release, one estate and the same settings", CLEAR_ERROR,
    "Finish the upgrade: start the processes that are behind again.",
)  # fmt: skip
CHECKS = (
    REACHED, VERSION, FSYNC, FULL_PAGES, COMMIT, STANDBYS, UNLOGGED, WAL_LEVEL, PRIMARY, ENCODING, CONNECTIONS, POOLER,
    TLS, CLOCK, SCHEMA, PARTITIONS, MEMBERS, LEASES, ALIKE, TRANSACTIONS, SLOTS, VACUUM,
)  # fmt: skip
