"""All SQL of the log, the state and the record, in named blocks.

Format 2 had tables of the registry that no release wrote to. Format 3: the registry's tables as they are, and the log
counted by contract version in place of by type.

One file holds log, state, marks, cursors, held envelopes, deliveries and the record: a commit across attached WAL
files would not be atomic in a crash. Keys are chosen so that inserts go to a few right edges: positions rise, minted
ids are UUIDv7, marks rise per flow and partition. Only `state`, `counter` and `answer` have keys of the user's making,
and the claim buckets those of the producers; the latter are bounded by time.
"""

from __future__ import annotations

from interlock.adapters.sqlite import schema_sql
from interlock.model.migration import Migration

FORMAT = 3

# Reserved from the first release on: scheme and key_id (protection of a body), generation, superseded.
EVENT_COLUMNS = (
    "partition, id, source, type, version, key_hash, time_us, correlation, causation, trace, business, attributes, "
    "scheme, key_id, body"
)

# Format 1. A new file begins with it and goes through all migrations, so each is run at every creation.
CREATE = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
CREATE TABLE name(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE log(
    position INTEGER PRIMARY KEY,
    partition INTEGER NOT NULL, id TEXT NOT NULL, source TEXT NOT NULL, type TEXT NOT NULL, version TEXT NOT NULL,
    key_hash INTEGER NOT NULL, time_us INTEGER NOT NULL, correlation TEXT, causation TEXT, trace TEXT,
    business BLOB NOT NULL, attributes BLOB, scheme INTEGER NOT NULL, key_id TEXT, body BLOB NOT NULL,
    crc INTEGER NOT NULL) STRICT;
CREATE TABLE segment(first INTEGER PRIMARY KEY, last INTEGER NOT NULL, hashes BLOB NOT NULL, offsets BLOB NOT NULL)
    STRICT;
CREATE TABLE type_tally(type TEXT PRIMARY KEY, total INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE subscription(
    flow INTEGER NOT NULL, type TEXT NOT NULL, before INTEGER NOT NULL, PRIMARY KEY(flow, type)) STRICT, WITHOUT ROWID;
CREATE TABLE handling(
    flow INTEGER NOT NULL, partition INTEGER NOT NULL, position INTEGER NOT NULL, generation INTEGER NOT NULL,
    state INTEGER NOT NULL, attempts INTEGER NOT NULL, at_us INTEGER NOT NULL, duration_us INTEGER NOT NULL,
    handler INTEGER NOT NULL, flow_version INTEGER NOT NULL, error TEXT, superseded INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY(flow, partition, position, generation)) STRICT, WITHOUT ROWID;
CREATE TABLE failed_attempt(
    flow INTEGER NOT NULL, partition INTEGER NOT NULL, position INTEGER NOT NULL, generation INTEGER NOT NULL,
    attempt INTEGER NOT NULL, at_us INTEGER NOT NULL, duration_us INTEGER NOT NULL, error TEXT NOT NULL,
    frame TEXT NOT NULL, PRIMARY KEY(flow, partition, position, generation, attempt)) STRICT, WITHOUT ROWID;
CREATE TABLE tally(flow INTEGER NOT NULL, state INTEGER NOT NULL, total INTEGER NOT NULL, PRIMARY KEY(flow, state))
    STRICT, WITHOUT ROWID;
CREATE TABLE cursor(
    flow INTEGER NOT NULL, partition INTEGER NOT NULL, position INTEGER NOT NULL, epoch INTEGER NOT NULL,
    PRIMARY KEY(flow, partition)) STRICT, WITHOUT ROWID;
CREATE TABLE held(
    flow INTEGER NOT NULL, partition INTEGER NOT NULL, position INTEGER NOT NULL, generation INTEGER NOT NULL,
    key_hash INTEGER NOT NULL, state INTEGER NOT NULL, attempts INTEGER NOT NULL, due_us INTEGER,
    held_us INTEGER NOT NULL, error TEXT, detail TEXT, overtaken INTEGER NOT NULL,
    e_partition INTEGER NOT NULL, e_id TEXT NOT NULL, e_source TEXT NOT NULL, e_type TEXT NOT NULL,
    e_version TEXT NOT NULL, e_key_hash INTEGER NOT NULL, e_time_us INTEGER NOT NULL, e_correlation TEXT,
    e_causation TEXT, e_trace TEXT, e_business BLOB NOT NULL, e_attributes BLOB, e_scheme INTEGER NOT NULL,
    e_key_id TEXT, e_body BLOB NOT NULL, PRIMARY KEY(flow, partition, position, generation)) STRICT, WITHOUT ROWID;
CREATE TABLE state(
    tbl INTEGER NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, value BLOB NOT NULL, PRIMARY KEY(tbl, key))
    STRICT, WITHOUT ROWID;
CREATE TABLE counter(tbl INTEGER NOT NULL, key TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY(tbl, key))
    STRICT, WITHOUT ROWID;
CREATE TABLE delivery(
    id TEXT PRIMARY KEY, flow TEXT NOT NULL, partition INTEGER NOT NULL, position INTEGER NOT NULL,
    generation INTEGER NOT NULL, key_hash INTEGER NOT NULL, event_id TEXT NOT NULL, correlation TEXT NOT NULL,
    trace TEXT, system TEXT NOT NULL, operation TEXT NOT NULL, step TEXT NOT NULL, idempotency_key TEXT NOT NULL,
    state INTEGER NOT NULL, attempts INTEGER NOT NULL, due_us INTEGER NOT NULL, created_us INTEGER NOT NULL,
    body BLOB) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_cause ON delivery(partition, position);
CREATE INDEX delivery_due ON delivery(due_us, id) WHERE state = 0;
CREATE INDEX delivery_dead ON delivery(id) WHERE state = 3;
CREATE TABLE delivery_tally(state INTEGER PRIMARY KEY, total INTEGER NOT NULL) STRICT;
CREATE TABLE delivery_attempt(
    delivery_id TEXT NOT NULL, attempt INTEGER NOT NULL, at_us INTEGER NOT NULL, duration_us INTEGER NOT NULL,
    status INTEGER, error TEXT, PRIMARY KEY(delivery_id, attempt)) STRICT, WITHOUT ROWID;
CREATE TABLE answer(
    scope TEXT PRIMARY KEY, fingerprint BLOB NOT NULL, epoch INTEGER NOT NULL, at_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL, status INTEGER NOT NULL, content_type TEXT NOT NULL, body BLOB NOT NULL)
    STRICT, WITHOUT ROWID;
CREATE INDEX answer_expiry ON answer(expires_us);
CREATE TABLE refusal(
    hour_us INTEGER NOT NULL, code TEXT NOT NULL, contract TEXT NOT NULL, source TEXT NOT NULL, pointer TEXT NOT NULL,
    total INTEGER NOT NULL, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,
    PRIMARY KEY(hour_us, code, contract, source, pointer)) STRICT, WITHOUT ROWID;
CREATE TABLE start(
    epoch INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, release TEXT NOT NULL, estate TEXT NOT NULL,
    estate_hash TEXT NOT NULL, settings_hash TEXT NOT NULL) STRICT;
"""

# Forward migrations: format number -> step that leads from it to the next one.
MIGRATIONS: dict[int, Migration] = {
    1: Migration(""),
    2: Migration(
        schema_sql.CREATE
        + """
CREATE TABLE contract_tally(type TEXT NOT NULL, version TEXT NOT NULL, total INTEGER NOT NULL,
    PRIMARY KEY(type, version)) STRICT, WITHOUT ROWID;
INSERT INTO contract_tally SELECT type, version, count(*) FROM log GROUP BY type, version;
DROP TABLE type_tally;
""",
        oldest=3,
    ),
}

HELD_COLUMNS = (
    "flow, partition, position, generation, key_hash, state, attempts, due_us, held_us, error, detail, overtaken"
)
HELD_EVENT = ", ".join("e_" + column.strip() for column in EVENT_COLUMNS.split(","))


def marks(count: int) -> str:
    return ", ".join("?" * count)


APPEND = f"INSERT INTO log(position, {EVENT_COLUMNS}, crc) VALUES ({marks(17)})"
READ = f"SELECT position, {EVENT_COLUMNS}, crc FROM log WHERE position > ? ORDER BY position LIMIT ?"
ALL_EVENTS = f"SELECT position, {EVENT_COLUMNS}, crc FROM log ORDER BY position"
READ_ONE = f"SELECT position, {EVENT_COLUMNS}, crc FROM log WHERE position = ?"
HEADS = "SELECT max(position) FROM log"
TAIL = "SELECT position, id, correlation, business FROM log WHERE position > ? ORDER BY position"
TAIL_IDENTITIES = (
    "SELECT source, id FROM log WHERE position > coalesce((SELECT max(last) FROM segment), 0) "
    "AND id IN (SELECT value FROM json_each(?))"
)
IDENTITIES_AT = "SELECT source, id FROM log WHERE position IN (SELECT value FROM json_each(?))"
SEGMENTS = "SELECT first, hashes, offsets FROM segment WHERE first > ? ORDER BY first LIMIT ?"
CONTRACT_TALLY = (
    "INSERT INTO contract_tally(type, version, total) VALUES (?, ?, ?) "
    "ON CONFLICT DO UPDATE SET total = total + excluded.total"
)
SEAL = "INSERT INTO segment(first, last, hashes, offsets) VALUES (?, ?, ?, ?)"

CLAIM_TABLE = (
    "CREATE TABLE IF NOT EXISTS claim_{bucket}(id TEXT NOT NULL, source TEXT NOT NULL, position INTEGER NOT NULL, "
    "PRIMARY KEY(id, source)) STRICT, WITHOUT ROWID"
)
CLAIM_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'claim_[0-9]*'"
CLAIM_INSERT = "INSERT INTO claim_{bucket}(id, source, position) VALUES (?, ?, ?)"
CLAIM_FIND = "SELECT c.id, c.source, c.position FROM json_each(?) AS j CROSS JOIN claim_{bucket} AS c ON c.id = j.value"

HANDLE = (
    "INSERT INTO handling(flow, partition, position, generation, state, attempts, at_us, duration_us, handler, "
    f"flow_version, error) VALUES ({marks(11)})"
)
HANDLE_AGAIN = HANDLE + (
    " ON CONFLICT DO UPDATE SET state = excluded.state, attempts = excluded.attempts, at_us = excluded.at_us, "
    "duration_us = excluded.duration_us, handler = excluded.handler, flow_version = excluded.flow_version, "
    "error = excluded.error WHERE state = 1"
)
HANDLING_STATE = (
    "SELECT state, superseded FROM handling WHERE flow = ? AND partition = ? AND position = ? AND generation = ?"
)
SUPERSEDE = "UPDATE handling SET superseded = 1 WHERE flow = ? AND partition = ? AND position = ? AND generation = ?"
MARKS_AFTER = "SELECT DISTINCT position FROM handling WHERE flow = ? AND partition = ? AND position > ?"
FAIL = (
    "INSERT INTO failed_attempt(flow, partition, position, generation, attempt, at_us, duration_us, error, frame) "
    f"VALUES ({marks(9)})"
)
TALLY = (
    "INSERT INTO tally(flow, state, total) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET total = total + excluded.total"
)
TALLIES = "SELECT name.text, tally.state, tally.total FROM tally JOIN name ON name.id = tally.flow ORDER BY 1, 2"

CURSOR_MOVE = "UPDATE cursor SET position = ? WHERE flow = ? AND partition = ? AND epoch = ?"
CURSOR_NEW = "INSERT INTO cursor(flow, partition, position, epoch) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
CURSOR_OWN = "UPDATE cursor SET epoch = ? WHERE flow = ?"
CURSORS = "SELECT partition, position FROM cursor WHERE flow = ?"
# `before` is how many events of the type the flow never takes, so accepted = total - before. Of a type that the flow
# takes no longer it is -1 - handled: no more than those were accepted.
SUBSCRIBE = "INSERT OR REPLACE INTO subscription(flow, type, before) VALUES (?, ?, ?)"
HANDLED_OF_TYPE = (
    "SELECT count(*) FROM handling AS h JOIN log ON log.position = h.position "
    "WHERE h.flow = ?1 AND h.superseded = 0 AND log.type = ?2"
)
ACCEPTED_OF_TYPE = "SELECT sum(total) FROM contract_tally WHERE type = ?"
BEYOND_CURSOR = (
    "SELECT count(*) FROM log JOIN cursor ON cursor.partition = log.partition AND cursor.flow = ?1 "
    "WHERE log.position > (SELECT min(position) FROM cursor WHERE flow = ?1) AND log.position > cursor.position "
    "AND log.type = ?2 AND NOT EXISTS (SELECT 1 FROM handling AS h "
    "WHERE h.flow = ?1 AND h.partition = log.partition AND h.position = log.position)"
)

HOLD = f"INSERT OR REPLACE INTO held({HELD_COLUMNS}, {HELD_EVENT}) VALUES ({marks(27)})"
RELEASE = "DELETE FROM held WHERE flow = ? AND partition = ? AND position = ? AND generation = ?"
# A JSON array of partitions, or NULL for all of them.
AMONG = "(?{0} IS NULL OR partition IN (SELECT value FROM json_each(?{0})))"
HELD_HEADERS = HELD_EVENT.replace("e_body", "x''")
HELD_OF_FLOW = (
    f"SELECT {HELD_COLUMNS}, {HELD_HEADERS} FROM held WHERE flow = ?1 AND {AMONG.format(2)} "
    "ORDER BY partition, position, generation"
)
HELD_ONE = (
    f"SELECT {HELD_COLUMNS}, {HELD_EVENT} FROM held "
    "WHERE flow = ? AND partition = ? AND position = ? AND generation = ?"
)
DEAD_LETTERS = f"SELECT {HELD_COLUMNS}, {HELD_EVENT} FROM held WHERE state = 4 AND (?1 IS NULL OR flow = ?1) LIMIT ?2"

STATE_GET = "SELECT value, version FROM state WHERE tbl = ? AND key = ?"
VALUES_OF = (
    "SELECT key, value FROM state WHERE tbl = (SELECT id FROM name WHERE text = ?) AND key > ? ORDER BY key LIMIT ?"
)
STATE_VERSION = "SELECT version FROM state WHERE tbl = ? AND key = ?"
STATE_PUT = "INSERT OR REPLACE INTO state(tbl, key, version, value) VALUES (?, ?, ?, ?)"
STATE_DELETE = "DELETE FROM state WHERE tbl = ? AND key = ?"
COUNTER_GET = "SELECT value FROM counter WHERE tbl = ? AND key = ?"
COUNTER_PUT = "INSERT OR REPLACE INTO counter(tbl, key, value) VALUES (?, ?, ?)"

DELIVERY_COLUMNS = (
    "id, flow, partition, position, generation, key_hash, event_id, correlation, trace, system, operation, step, "
    "idempotency_key, state, attempts, due_us, created_us, body"
)
DELIVERY_NEW = f"INSERT INTO delivery({DELIVERY_COLUMNS}) VALUES ({marks(18)})"
DELIVERY_STATE = "SELECT state FROM delivery WHERE id = ?"
DELIVERY_CHANGE = "UPDATE delivery SET state = ?, attempts = ?, due_us = ?, body = ? WHERE id = ?"
_ATTEMPT = "delivery_id, attempt, at_us, duration_us, status, error"
DELIVERY_ATTEMPT = f"INSERT INTO delivery_attempt({_ATTEMPT}) VALUES ({marks(6)})"
DELIVERY_TALLY = (
    "INSERT INTO delivery_tally(state, total) VALUES (?, ?) ON CONFLICT DO UPDATE SET total = total + excluded.total"
)
DELIVERY_TALLIES = "SELECT state, total FROM delivery_tally"
DELIVERY_ONE = f"SELECT {DELIVERY_COLUMNS} FROM delivery WHERE id = ?"
DELIVERIES_DUE = (
    f"SELECT {DELIVERY_COLUMNS} FROM delivery WHERE state = 0 AND (due_us, id) > (?1, ?2) AND {AMONG.format(4)} "
    "ORDER BY due_us, id LIMIT ?3"
)
DELIVERIES_OF = f"SELECT {DELIVERY_COLUMNS} FROM delivery WHERE partition = ? AND position = ? ORDER BY id"
DELIVERIES_DEAD = f"SELECT {DELIVERY_COLUMNS} FROM delivery WHERE state = 3 ORDER BY id LIMIT ?"
ATTEMPTS_OF = f"SELECT {_ATTEMPT} FROM delivery_attempt WHERE delivery_id = ? ORDER BY attempt"

_ANSWER = "scope, fingerprint, epoch, at_us, expires_us, status, content_type, body"
ANSWER = f"SELECT {_ANSWER} FROM answer WHERE scope = ? AND expires_us > ?"
ANSWER_ANY = "SELECT expires_us FROM answer WHERE scope = ?"
ANSWER_NEW = f"INSERT OR REPLACE INTO answer({_ANSWER}) VALUES ({marks(8)})"
ANSWER_EXPIRE = "DELETE FROM answer WHERE scope IN (SELECT scope FROM answer WHERE expires_us <= ? LIMIT ?)"
_REFUSED = "hour_us, code, contract, source, pointer, total, first_us, last_us"
REFUSE = (
    f"INSERT INTO refusal({_REFUSED}) VALUES ({marks(8)}) ON CONFLICT DO UPDATE SET total = total + excluded.total, "
    "last_us = max(last_us, excluded.last_us), first_us = min(first_us, excluded.first_us)"
)
REFUSALS = f"SELECT {_REFUSED} FROM refusal ORDER BY hour_us, code, contract, source, pointer"

EPOCH = "SELECT value FROM meta WHERE name = 'epoch'"
EPOCH_SET = "UPDATE meta SET value = ? WHERE name = 'epoch'"
_START = "epoch, at_us, release, estate, estate_hash, settings_hash"
START = f"INSERT INTO start({_START}) VALUES ({marks(6)})"
STARTS = f"SELECT {_START} FROM start ORDER BY epoch"
NAMES = "SELECT id, text FROM name"
NAME_NEW = "INSERT OR IGNORE INTO name(id, text) VALUES (?, ?)"

CURSOR_OF = "SELECT c.position FROM cursor AS c JOIN name ON name.id = c.flow WHERE name.text = ? AND c.partition = ?"
HANDLINGS_OF = (
    "SELECT f.text, h.partition, h.position, h.generation, h.state, h.attempts, h.at_us, h.duration_us, n.text, "
    "v.text, h.error FROM name AS f CROSS JOIN handling AS h ON h.flow = f.id JOIN name AS n ON n.id = h.handler "
    "JOIN name AS v ON v.id = h.flow_version WHERE f.id IN (SELECT DISTINCT flow FROM cursor) "
    "AND h.partition = ? AND h.position = ? ORDER BY h.at_us, f.text, h.generation"
)
FAILURES_OF = (
    "SELECT f.text, a.partition, a.position, a.generation, a.attempt, a.at_us, a.duration_us, a.error, a.frame "
    "FROM name AS f CROSS JOIN failed_attempt AS a ON a.flow = f.id WHERE f.id IN (SELECT DISTINCT flow FROM cursor) "
    "AND a.partition = ? AND a.position = ? ORDER BY a.at_us"
)
ROW_TALLIES = "SELECT state, count(*) FROM handling WHERE flow = ? AND superseded = 0 GROUP BY state"
"""Counted from rows: what `tally` must equal."""
PENDING_EVENTS = (
    "SELECT count(*) FROM log JOIN cursor ON cursor.partition = log.partition AND cursor.flow = ?1 "
    "WHERE log.position > (SELECT min(position) FROM cursor WHERE flow = ?1) AND log.position > cursor.position "
    "AND log.type IN (SELECT value FROM json_each(?2)) AND NOT EXISTS (SELECT 1 FROM handling AS h "
    "WHERE h.flow = ?1 AND h.partition = log.partition AND h.position = log.position)"
)
BEFORE_OF = "SELECT type, before FROM subscription WHERE flow = ?"
TYPE_TALLIES = "SELECT type, sum(total) FROM contract_tally GROUP BY type"
CARRIED = """
SELECT type, version, 'log', '', total FROM contract_tally
UNION ALL SELECT h.e_type, h.e_version, CASE h.state WHEN 1 THEN 'parked' ELSE 'dead_letters' END, n.text, count(*)
    FROM held AS h JOIN name AS n ON n.id = h.flow GROUP BY 1, 2, 3, 4
UNION ALL SELECT log.type, log.version, 'pending_calls', d.flow, count(*)
    FROM delivery AS d JOIN log ON log.position = d.position WHERE d.state = 0 GROUP BY 1, 2, 4
UNION ALL SELECT log.type, log.version, 'dead_calls', d.flow, count(*)
    FROM delivery AS d JOIN log ON log.position = d.position WHERE d.state = 3 GROUP BY 1, 2, 4
ORDER BY 1, 2, 3, 4
"""
