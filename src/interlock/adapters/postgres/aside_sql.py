"""SQL for a log that lies elsewhere: the outbox, and the index. A part of `sql.py`.

The index are rows of `log` without bodies, and `head` as far as it is indexed: so all questions of the record are the
same, wherever the events are.
"""

from __future__ import annotations

from interlock.adapters.postgres.columns import Ints, Texts
from interlock.adapters.postgres.rows_sql import Kinds, each, insert
from interlock.adapters.postgres.sql import BUCKETS, EVENT_COLUMNS, EVENT_KINDS

OUTBOX_NEW = insert("outbox", EVENT_COLUMNS, EVENT_KINDS)
OUTBOX_WAITING = (
    f"SELECT number, {EVENT_COLUMNS} FROM (SELECT o.*, sum(octet_length(o.body)) OVER (ORDER BY o.number) - "
    "octet_length(o.body) AS before FROM unnest($1::bigint[]) AS w(wanted) CROSS JOIN LATERAL (SELECT * FROM outbox "
    "WHERE partition = w.wanted ORDER BY number LIMIT $2::bigint) AS o) AS page WHERE before < $3::bigint "
    "ORDER BY number"
)
# Once through what waits in the partitions, however many keys are asked for: IS TRUE keeps it from becoming a join.
OUTBOX_KEYS = (
    "SELECT DISTINCT partition, key_hash FROM outbox WHERE partition = ANY($1::bigint[]) AND "
    "((partition::bigint, key_hash) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))) IS TRUE"
)
_GONE = each(
    "unnest($1::bigint[], $2::bigint[]) AS g(partition, number)",
    "outbox AS o",
    "o.partition = g.partition AND o.number = g.number",
    "o.ctid AS place",
)
OUTBOX_GONE = f"DELETE FROM outbox WHERE ctid = ANY(ARRAY(SELECT found.place FROM {_GONE}))"
OUTBOX_SOME = "SELECT count(*) FROM (SELECT FROM outbox LIMIT $1::bigint) AS counted"
OUTBOX_SIZE = "SELECT count(*) FROM outbox"
OUTBOX_NEWEST = "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('outbox', 'number')::regclass), 0)"
INDEX_MOVE = (
    "WITH moved AS (UPDATE head SET position = m.through FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) "
    "AS m(partition, after, through) WHERE head.partition = m.partition AND head.position = m.after RETURNING 1) "
    "SELECT must((SELECT count(*) FROM moved) = $4::bigint, 'index')"
)
INDEX_KINDS: Kinds = (*EVENT_KINDS, Ints, Ints)
INDEX = insert("log", f"{EVENT_COLUMNS}, position, crc", INDEX_KINDS)
CLAIM_KINDS: Kinds = (Texts, Texts, Ints, Ints)
CLAIM = tuple(
    insert(f"claim_{bucket}", "id, source, partition, position", CLAIM_KINDS) + " ORDER BY 1, 2"
    for bucket in range(BUCKETS)
)
DUPLICATE_NEW = insert("duplicate", "partition, position", (Ints, Ints))
DUPLICATES = (
    "SELECT position FROM duplicate WHERE partition = $1::bigint AND position > $2::bigint AND position <= $3::bigint"
)
FIND_ENDS = "SELECT partition, position FROM head WHERE partition = ANY($1::bigint[])"
# Reads all of the partitions' index: for what is older than any claim, and therefore rare.
FIND_UNCLAIMED = (
    "SELECT log.id, log.source, log.partition, log.position FROM log JOIN unnest($2::text[], $3::text[]) AS "
    "w(id, source) ON log.id = w.id AND log.source = w.source WHERE log.partition = ANY($1::bigint[])"
)
IDENTITY_KEEP = "INSERT INTO meta(name, value) VALUES ('identity', $1::text) ON CONFLICT (name) DO NOTHING RETURNING 1"
IDENTITY = "SELECT value FROM meta WHERE name = 'identity'"
INDEXED = (
    f"SELECT position, {EVENT_COLUMNS}, crc FROM log WHERE partition = $1::bigint AND position > $2::bigint AND "
    "position <= $3::bigint AND type = ANY($4::text[]) ORDER BY position LIMIT $5::bigint"
)
