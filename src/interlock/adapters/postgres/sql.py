"""SQL of the log and the state on PostgreSQL, in named blocks. Format 5.

Everything lies in one schema, which stands in each connection's search_path. Rows come in columns: one array a column,
turned into rows by `unnest`. Text keys compare by bytes (COLLATE "C"), so that order is the same on every server.
Positions are counted for each partition, without gaps: see docs/decisions/0010.
"""

from __future__ import annotations

from interlock.adapters.postgres import expired_sql, members_sql, schemas_sql
from interlock.adapters.postgres.columns import Blobs, Ints, Texts
from interlock.adapters.postgres.rows_sql import Kinds, casts, each, insert
from interlock.model.migration import Migration

FORMAT = 5
BUCKETS = 3

EVENT_COLUMNS = (
    "partition, id, source, type, version, key_hash, time_us, correlation, causation, trace, business, attributes, "
    "scheme, key_id, body"
)
EVENT_KINDS: Kinds = (
    Ints, Texts, Texts, Texts, Texts, Ints, Ints, Texts, Texts, Texts, Blobs, Blobs, Ints, Texts, Blobs,
)  # fmt: skip

_EVENT = """partition integer NOT NULL, id text COLLATE "C" NOT NULL, source text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL, version text NOT NULL, key_hash bigint NOT NULL, time_us bigint NOT NULL,
    correlation text, causation text, trace text, business bytea NOT NULL, attributes bytea, scheme integer NOT NULL,
    key_id text, body bytea NOT NULL"""
_HELD_EVENT = ", ".join(f"e_{part.strip()}" for part in _EVENT.replace("\n", " ").split(", "))

# Rows that are changed by each transaction keep room on their page, so that no index is touched by it.
_HOT = "WITH (fillfactor = 20)"

# Format 1. A new schema begins with it and goes through all migrations, so each is run at every creation.
CREATE = f"""
CREATE TABLE meta(name text COLLATE "C" PRIMARY KEY, value text NOT NULL);
CREATE TABLE owner(one boolean PRIMARY KEY DEFAULT true CHECK(one), epoch bigint NOT NULL);
INSERT INTO owner(epoch) VALUES (0);
CREATE TABLE writer(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, session bigint NOT NULL, batch bigint NOT NULL,
    heads bigint[], seen timestamptz NOT NULL DEFAULT now()) {_HOT};
CREATE TABLE name(id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text COLLATE "C" NOT NULL UNIQUE);
CREATE TABLE head(partition integer PRIMARY KEY, position bigint NOT NULL) {_HOT};
CREATE TABLE log({_EVENT}, position bigint NOT NULL, crc bigint NOT NULL, PRIMARY KEY(partition, position));
CREATE TABLE segment(partition integer NOT NULL, first bigint NOT NULL, last bigint NOT NULL, hashes bytea NOT NULL,
    offsets bytea NOT NULL, PRIMARY KEY(partition, first));
CREATE TABLE claim_bucket(one boolean PRIMARY KEY DEFAULT true CHECK(one), newest bigint NOT NULL);
INSERT INTO claim_bucket(newest) VALUES (-1);
{
    "".join(
        f'''CREATE TABLE claim_{bucket}(id text COLLATE "C" NOT NULL, source text COLLATE "C" NOT NULL,
    partition integer NOT NULL, position bigint NOT NULL, PRIMARY KEY(id, source));
'''
        for bucket in range(BUCKETS)
    )
}
CREATE TABLE contract_tally(partition integer NOT NULL, type text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL, total bigint NOT NULL, PRIMARY KEY(partition, type, version)) {_HOT};
CREATE TABLE subscription(flow integer NOT NULL, type text COLLATE "C" NOT NULL, before bigint NOT NULL,
    PRIMARY KEY(flow, type));
CREATE TABLE handling(
    flow integer NOT NULL, partition integer NOT NULL, position bigint NOT NULL, generation integer NOT NULL,
    state smallint NOT NULL, attempts integer NOT NULL, at_us bigint NOT NULL, duration_us bigint NOT NULL,
    handler integer NOT NULL, flow_version integer NOT NULL, error text, superseded smallint NOT NULL DEFAULT 0,
    PRIMARY KEY(flow, partition, position, generation));
CREATE TABLE failed_attempt(
    flow integer NOT NULL, partition integer NOT NULL, position bigint NOT NULL, generation integer NOT NULL,
    attempt integer NOT NULL, at_us bigint NOT NULL, duration_us bigint NOT NULL, error text NOT NULL,
    frame text NOT NULL, PRIMARY KEY(flow, partition, position, generation, attempt));
CREATE TABLE tally(flow integer NOT NULL, partition integer NOT NULL, state smallint NOT NULL, total bigint NOT NULL,
    PRIMARY KEY(flow, partition, state)) {_HOT};
CREATE TABLE cursor(flow integer NOT NULL, partition integer NOT NULL, position bigint NOT NULL, epoch bigint NOT NULL,
    PRIMARY KEY(flow, partition)) {_HOT};
CREATE TABLE held(
    flow integer NOT NULL, partition integer NOT NULL, position bigint NOT NULL, generation integer NOT NULL,
    key_hash bigint NOT NULL, state smallint NOT NULL, attempts integer NOT NULL, due_us bigint,
    held_us bigint NOT NULL, error text, detail text, overtaken smallint NOT NULL, {_HELD_EVENT},
    PRIMARY KEY(flow, partition, position, generation));
CREATE TABLE state(tbl integer NOT NULL, key text COLLATE "C" NOT NULL, version bigint NOT NULL, value bytea NOT NULL,
    PRIMARY KEY(tbl, key));
CREATE TABLE counter(tbl integer NOT NULL, key text COLLATE "C" NOT NULL, value bigint NOT NULL, PRIMARY KEY(tbl, key))
    WITH (fillfactor = 70);
CREATE TABLE delivery(
    id text COLLATE "C" PRIMARY KEY, flow text NOT NULL, partition integer NOT NULL, position bigint NOT NULL,
    generation integer NOT NULL, key_hash bigint NOT NULL, event_id text NOT NULL, correlation text NOT NULL,
    trace text, system text NOT NULL, operation text NOT NULL, step text NOT NULL, idempotency_key text NOT NULL,
    state smallint NOT NULL, attempts integer NOT NULL, due_us bigint NOT NULL, created_us bigint NOT NULL, body bytea);
CREATE INDEX delivery_cause ON delivery(partition, position);
CREATE INDEX delivery_due ON delivery(due_us, id) WHERE state = 0;
CREATE INDEX delivery_dead ON delivery(id) WHERE state = 3;
CREATE TABLE delivery_tally(partition integer NOT NULL, state smallint NOT NULL, total bigint NOT NULL,
    PRIMARY KEY(partition, state)) {_HOT};
CREATE TABLE delivery_attempt(
    delivery_id text COLLATE "C" NOT NULL, attempt integer NOT NULL, at_us bigint NOT NULL, duration_us bigint NOT NULL,
    status integer, error text, PRIMARY KEY(delivery_id, attempt));
CREATE TABLE answer(
    scope text COLLATE "C" PRIMARY KEY, fingerprint bytea NOT NULL, epoch bigint NOT NULL, at_us bigint NOT NULL,
    expires_us bigint NOT NULL, status integer NOT NULL, content_type text NOT NULL, body bytea NOT NULL);
CREATE INDEX answer_expiry ON answer(expires_us);
CREATE TABLE refusal(
    hour_us bigint NOT NULL, code text COLLATE "C" NOT NULL, contract text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL, pointer text COLLATE "C" NOT NULL, total bigint NOT NULL,
    first_us bigint NOT NULL, last_us bigint NOT NULL, PRIMARY KEY(hour_us, code, contract, source, pointer));
CREATE TABLE start(
    epoch bigint PRIMARY KEY, at_us bigint NOT NULL, release text NOT NULL, estate text NOT NULL,
    estate_hash text NOT NULL, settings_hash text NOT NULL);
CREATE FUNCTION must(holds boolean, what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF holds IS NOT TRUE THEN RAISE EXCEPTION USING ERRCODE = 'ILMST', MESSAGE = what; END IF;
END $$;
{schemas_sql.CREATE}
"""

# Forward migrations: format number -> what leads from it to the next one. How to write one: docs/operations/upgrade.md.
MIGRATIONS: dict[int, Migration] = {
    # Where the log lies elsewhere: emitted events that wait for it, and its positions that hold nothing new. The outbox
    # is emptied all the time: what is dead in it is cleared away by count, not by share.
    1: Migration(f"""
CREATE TABLE outbox({_EVENT}, number bigint GENERATED ALWAYS AS IDENTITY, PRIMARY KEY(partition, number))
    WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
CREATE TABLE duplicate(partition integer NOT NULL, position bigint NOT NULL, PRIMARY KEY(partition, position));
"""),
    2: Migration(members_sql.MIGRATION, oldest=3),
    3: Migration("ALTER TABLE start ADD COLUMN format integer"),
    4: Migration(expired_sql.MIGRATION),
}


# The frame of a transaction

BEGIN, COMMIT, ROLLBACK = "BEGIN", "COMMIT", "ROLLBACK"
SAVEPOINT, RELEASE_SAVEPOINT, ROLLBACK_TO = "SAVEPOINT alone", "RELEASE alone", "ROLLBACK TO alone"
MUST_SQLSTATE = "ILMST"
# Holds the member's row until the commit. Whoever ends a member, or gives its partitions to others, takes that row for
# itself first: so it waits for this commit, or stops it here.
MUST_LIVE = "SELECT living($1::bigint, $2::bigint[])"
HOLD_MEMBERS = "SELECT epoch FROM member WHERE epoch = ANY($1::bigint[]) ORDER BY epoch FOR KEY SHARE"
EPOCH = "SELECT epoch FROM owner"
EPOCH_LOCKED = "SELECT epoch FROM owner FOR UPDATE"
EPOCH_SET = "UPDATE owner SET epoch = $1::bigint"

# The row that tells afterwards whether a batch was committed, and where its events went.
WRITER_NEW = "INSERT INTO writer(session, batch) VALUES ($1::bigint, 0) RETURNING id"
WRITER_RESUME = (
    "UPDATE writer SET session = $2::bigint WHERE id = $1::bigint AND session < $2::bigint RETURNING batch, heads"
)
# Who owns the store alone holds it as long as its session lives, members hold it together: an engine that was started
# by mistake does not fence those that are there.
OWNER_BESIDE = "SELECT pg_try_advisory_lock_shared(hashtext('interlock owner'), hashtext($1::text))"
OWNER_ALONE = "SELECT pg_try_advisory_lock(hashtext('interlock owner'), hashtext($1::text))"
WRITER_GONE = "DELETE FROM writer WHERE id = $1::bigint"
WRITERS_FORGET = "DELETE FROM writer WHERE seen < now() - interval '7 days'"
# Whether there are others, of whom something was seen in the last minutes; and that we are there, once a minute.
WRITERS = (
    "WITH seen AS (UPDATE writer SET seen = now() WHERE id = $1::bigint AND seen < now() - interval '1 minute') "
    "SELECT EXISTS (SELECT 1 FROM writer WHERE id <> $1::bigint AND seen > now() - interval '5 minutes')"
)
WRITER_MARK = (
    "WITH marked AS (UPDATE writer SET batch = $3::bigint, seen = now(), heads = (SELECT array_agg(position ORDER BY "
    "partition) FROM head WHERE partition = ANY($4::bigint[])) WHERE id = $1::bigint AND session = $2::bigint "
    "RETURNING heads) SELECT (SELECT heads FROM marked), must((SELECT count(*) FROM marked) = 1, 'session')"
)

# The log

HEADS = "SELECT position FROM head ORDER BY partition"
HEADS_LOCK = "SELECT partition FROM head WHERE partition = ANY($1::bigint[]) ORDER BY partition FOR UPDATE"
HEADS_LOCK_ALL = "SELECT partition FROM head ORDER BY partition FOR UPDATE"
_PLACES = (
    "WITH place AS MATERIALIZED (UPDATE head SET position = head.position + n.total FROM unnest($1::bigint[], "
    "$2::bigint[]) AS n(partition, total) WHERE head.partition = n.partition RETURNING head.partition, "
    "head.position - n.total AS base) "
)
_ROWS = f"unnest({casts((Ints, Ints, Ints, *EVENT_KINDS), 3)}) AS e(nth, crc, claims, {EVENT_COLUMNS})"
_LOG = f"INSERT INTO log({EVENT_COLUMNS}, position, crc) SELECT {EVENT_COLUMNS}, position, crc FROM fresh"
APPEND_EMITTED = (
    f"{_PLACES}, fresh AS (SELECT e.*, base + nth AS position FROM {_ROWS} JOIN place USING (partition)) {_LOG}"
)
APPEND = tuple(
    f"{_PLACES}, fresh AS MATERIALIZED (SELECT e.*, base + nth AS position FROM {_ROWS} JOIN place USING (partition)), "
    f"logged AS ({_LOG}) INSERT INTO claim_{bucket}(id, source, partition, position) "
    "SELECT id, source, partition, position FROM fresh WHERE claims = 1 ORDER BY id, source"
    for bucket in range(BUCKETS)
)
CONTRACT_TALLY = (
    "INSERT INTO contract_tally AS t(partition, type, version, total) SELECT * FROM unnest($1::bigint[], $2::text[], "
    "$3::text[], $4::bigint[]) ON CONFLICT (partition, type, version) DO UPDATE SET total = t.total + excluded.total"
)
# Not more bytes of bodies at once than $4, but one event at least; `wanted` is how many rows there were to give.
READ = (
    f"SELECT position, {EVENT_COLUMNS}, crc, wanted FROM (SELECT *, sum(octet_length(body)) OVER (ORDER BY position) - "
    "octet_length(body) AS before, count(*) OVER () AS wanted FROM (SELECT * FROM log WHERE partition = $1::bigint AND "
    "position > $2::bigint ORDER BY position LIMIT $3::bigint) AS part) AS page WHERE before < $4::bigint "
    "ORDER BY position"
)
# In the order of their acceptance across partitions, and by position within each, also where a clock went back.
ALL_EVENTS = (
    f"SELECT position, {EVENT_COLUMNS}, crc FROM (SELECT *, max(time_us) OVER (PARTITION BY partition ORDER BY "
    "position) AS latest FROM log) AS dated ORDER BY latest, partition, position"
)
_LOGGED = ", ".join(f"log.{column.strip()}" for column in EVENT_COLUMNS.split(","))
READ_MANY = "SELECT found.* FROM " + each(
    "unnest($1::bigint[], $2::bigint[]) AS w(partition, position)",
    "log",
    "log.partition = w.partition AND log.position = w.position",
    f"log.position, {_LOGGED}, log.crc",
)

# Dedupe of (source, id): bucket n lives in table n modulo three, so that the one to be emptied is searched by nobody.
CLAIM_NEWEST = "SELECT newest FROM claim_bucket"
CLAIM_ROTATE = "UPDATE claim_bucket SET newest = $1::bigint WHERE newest < $1::bigint"
CLAIM_NEWEST_LOCKED = "SELECT newest FROM claim_bucket FOR UPDATE"
CLAIM_EMPTY = tuple(f"TRUNCATE claim_{bucket}" for bucket in range(BUCKETS))
CLAIM_FIND = tuple(
    "SELECT found.* FROM "
    + each(
        "unnest($1::text[], $2::text[]) AS e(id, source)",
        f"claim_{bucket} AS c",
        "c.id = e.id AND c.source = e.source",
        "c.id, c.source, c.partition, c.position",
    )
    for bucket in range(BUCKETS)
)

# What a transaction looks at before it writes

MARK_KINDS: Kinds = (Ints, Ints, Ints, Ints)
_MARK = "h.flow = m.flow AND h.partition = m.partition AND h.position = m.position AND h.generation = m.generation"
_MARKS = f"unnest({casts(MARK_KINDS)}) AS m(flow, partition, position, generation)"
FIND_MARKS = "SELECT found.* FROM " + each(
    _MARKS, "handling AS h", _MARK, "h.flow, h.partition, h.position, h.generation, h.state, h.superseded"
)
CELL_KINDS: Kinds = (Ints, Texts)
_CELLS = "unnest($1::bigint[], $2::text[]) AS c(tbl, key)"
# Version 0 is a cell that is absent, and known to be so: its row is what readers hold until their commit.
_CELL = "s.tbl = c.tbl AND s.key = c.key"
FIND_VERSIONS = "SELECT found.* FROM " + each(_CELLS, "state AS s", _CELL, "s.tbl, s.key, s.version")
FIND_VALUES = "SELECT found.* FROM " + each(
    _CELLS, "state AS s", f"{_CELL} AND s.value IS NOT NULL", "s.tbl, s.key, s.value, s.version"
)
FIND_COUNTERS = "SELECT found.* FROM " + each(_CELLS, "counter AS s", _CELL, "s.tbl, s.key, s.value")
FIND_DELIVERIES = "SELECT id, state FROM delivery WHERE id = ANY($1::text[])"
FIND_ANSWERS = "SELECT scope, expires_us FROM answer WHERE scope = ANY($1::text[])"
FIND_LIVING = "SELECT epoch FROM member WHERE epoch = ANY($1::bigint[])"
FIND_LEASES = "SELECT partition, epoch FROM lease WHERE partition = ANY($1::bigint[])"
FIND_CURSORS = (
    "SELECT c.flow, c.partition, c.epoch FROM unnest($1::bigint[], $2::bigint[]) AS w(flow, partition) "
    "JOIN cursor AS c ON c.flow = w.flow AND c.partition = w.partition"
)

# What a step changes. What was looked up before is looked at again by the statement that writes: `must` stops the
# transaction when it is no longer so.


def _all_of(statement: str, guard: str, bindings: int) -> str:
    """Must touch as many rows as it is given."""
    return (
        f"WITH changed AS ({statement} RETURNING 1) "
        f"SELECT must((SELECT count(*) FROM changed) = ${bindings + 1}::bigint, '{guard}')"
    )


HANDLING_COLUMNS = (
    "flow, partition, position, generation, state, attempts, at_us, duration_us, handler, flow_version, error, "
    "superseded"
)
HANDLING_KINDS: Kinds = (Ints, Ints, Ints, Ints, Ints, Ints, Ints, Ints, Ints, Ints, Texts, Ints)
HANDLE = insert("handling", HANDLING_COLUMNS, HANDLING_KINDS)
HANDLE_AGAIN = _all_of(
    "UPDATE handling AS h SET state = m.state, attempts = m.attempts, at_us = m.at_us, duration_us = m.duration_us, "
    "handler = m.handler, flow_version = m.flow_version, error = m.error, superseded = m.superseded "
    f"FROM unnest({casts(HANDLING_KINDS)}) AS m({HANDLING_COLUMNS}) WHERE {_MARK} AND h.state = 1",
    "mark",
    len(HANDLING_KINDS),
)
SUPERSEDE = _all_of(
    f"UPDATE handling AS h SET superseded = 1 FROM {_MARKS} WHERE {_MARK} AND h.state = 4 AND h.superseded = 0",
    "mark",
    len(MARK_KINDS),
)
FAILED_KINDS: Kinds = (Ints, Ints, Ints, Ints, Ints, Ints, Ints, Texts, Texts)
FAIL = insert(
    "failed_attempt", "flow, partition, position, generation, attempt, at_us, duration_us, error, frame", FAILED_KINDS
)
TALLY = (
    "INSERT INTO tally AS t(flow, partition, state, total) SELECT * FROM unnest($1::bigint[], $2::bigint[], "
    "$3::bigint[], $4::bigint[]) ON CONFLICT (flow, partition, state) DO UPDATE SET total = t.total + excluded.total"
)
HELD_COLUMNS = (
    "flow, partition, position, generation, key_hash, state, attempts, due_us, held_us, error, detail, overtaken"
)
HELD_EVENT = ", ".join("e_" + column.strip() for column in EVENT_COLUMNS.split(","))
HELD_KINDS: Kinds = (
    Ints, Ints, Ints, Ints, Ints, Ints, Ints, Ints, Ints, Texts, Texts, Ints, *EVENT_KINDS,
)  # fmt: skip
RELEASE = f"DELETE FROM held AS h USING {_MARKS} WHERE {_MARK}"
HOLD = insert("held", f"{HELD_COLUMNS}, {HELD_EVENT}", HELD_KINDS)
STATE_KINDS: Kinds = (Ints, Texts, Ints, Blobs)
STATE_NEW = insert("state", "tbl, key, version, value", STATE_KINDS)
STATE_PUT = (
    "INSERT INTO state(tbl, key, version, value) SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], "
    "$4::bytea[]) ON CONFLICT (tbl, key) DO UPDATE SET version = excluded.version, value = excluded.value"
)
# A cell that was read and is absent gets a row without a value, so that there is something to hold.
ABSENT_NEW = f"INSERT INTO state(tbl, key, version) SELECT tbl, key, 0 FROM {_CELLS} ON CONFLICT DO NOTHING"
ABSENT_EXPIRE = (
    "DELETE FROM state AS s USING (SELECT tbl, key FROM state WHERE value IS NULL LIMIT $1::bigint "
    "FOR UPDATE SKIP LOCKED) AS c WHERE s.tbl = c.tbl AND s.key = c.key RETURNING 1"
)
# Cells in the order of their keys, one after the other: `alone` for those that will be written, else beside others who
# only read them. `expected` is a version, or any (-1), or whatever there is (-2).
STATE_HOLD_KINDS: Kinds = (Ints, Texts, Ints, Ints)
_HELD = (
    "LATERAL (SELECT version FROM state AS s WHERE s.tbl = c.tbl AND s.key = c.key AND c.alone = {alone} FOR {mode})"
)
STATE_HOLD = (
    "SELECT must(count(*) = 0, 'version') FROM (SELECT c.expected, coalesce(w.version, r.version) AS version FROM "
    f"unnest({casts(STATE_HOLD_KINDS)}) AS c(tbl, key, expected, alone) "
    f"LEFT JOIN {_HELD.format(alone=1, mode='NO KEY UPDATE')} AS w ON true "
    f"LEFT JOIN {_HELD.format(alone=0, mode='SHARE')} AS r ON true) AS found WHERE CASE expected WHEN -2 THEN false "
    "WHEN -1 THEN version IS NULL ELSE version IS DISTINCT FROM expected END"
)
DELIVERY_HOLD = "SELECT id FROM delivery WHERE id = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE"
ANSWER_HOLD = "SELECT scope FROM answer WHERE scope = ANY($1::text[]) ORDER BY scope FOR NO KEY UPDATE"
STATE_DELETE = f"DELETE FROM state AS s USING {_CELLS} WHERE s.tbl = c.tbl AND s.key = c.key"
# Additive, so writers do not stand in each other's way; `low` and `high`: between which values the counter must have
# been before, so that none of the adds that make up the total left its bounds.
ADD_KINDS: Kinds = (Ints, Texts, Ints, Ints, Ints)
COUNTER_ADD = (
    f"WITH wanted AS MATERIALIZED (SELECT * FROM unnest({casts(ADD_KINDS)}) AS w(tbl, key, total, low, high)), "
    "added AS (INSERT INTO counter AS c(tbl, key, value) SELECT tbl, key, total FROM wanted "
    "ON CONFLICT (tbl, key) DO UPDATE SET value = c.value + excluded.value RETURNING tbl, key, value) "
    "SELECT must(NOT EXISTS (SELECT 1 FROM added AS a JOIN wanted AS w ON w.tbl = a.tbl AND w.key = a.key "
    "WHERE a.value - w.total NOT BETWEEN w.low AND w.high), 'counter')"
)
DELIVERY_COLUMNS = (
    "id, flow, partition, position, generation, key_hash, event_id, correlation, trace, system, operation, step, "
    "idempotency_key, state, attempts, due_us, created_us, body"
)
DELIVERY_KINDS: Kinds = (
    Texts, Texts, Ints, Ints, Ints, Ints, Texts, Texts, Texts, Texts, Texts, Texts, Texts, Ints, Ints, Ints, Ints,
    Blobs,
)  # fmt: skip
DELIVERY_NEW = insert("delivery", DELIVERY_COLUMNS, DELIVERY_KINDS)
CHANGE_KINDS: Kinds = (Texts, Ints, Ints, Ints, Blobs, Ints)
DELIVERY_CHANGE = _all_of(
    "UPDATE delivery AS d SET state = c.state, attempts = c.attempts, due_us = c.due_us, body = c.body "
    f"FROM unnest({casts(CHANGE_KINDS)}) AS c(id, state, attempts, due_us, body, before) "
    "WHERE d.id = c.id AND d.state = c.before",
    "delivery",
    len(CHANGE_KINDS),
)
ATTEMPT_KINDS: Kinds = (Texts, Ints, Ints, Ints, Ints, Texts)
DELIVERY_ATTEMPT = insert("delivery_attempt", "delivery_id, attempt, at_us, duration_us, status, error", ATTEMPT_KINDS)
DELIVERY_TALLY = (
    "INSERT INTO delivery_tally AS t(partition, state, total) SELECT * FROM unnest($1::bigint[], $2::bigint[], "
    "$3::bigint[]) ON CONFLICT (partition, state) DO UPDATE SET total = t.total + excluded.total"
)
ANSWER_COLUMNS = "scope, fingerprint, epoch, at_us, expires_us, status, content_type, body"
ANSWER_KINDS: Kinds = (Texts, Blobs, Ints, Ints, Ints, Ints, Texts, Blobs)
ANSWER_NEW = _all_of(
    insert("answer AS a", ANSWER_COLUMNS, ANSWER_KINDS)
    + (
        " ON CONFLICT (scope) DO UPDATE SET fingerprint = excluded.fingerprint, epoch = excluded.epoch, "
        "at_us = excluded.at_us, expires_us = excluded.expires_us, status = excluded.status, "
        "content_type = excluded.content_type, body = excluded.body WHERE a.expires_us <= excluded.at_us"
    ),
    "answer",
    len(ANSWER_KINDS),
)
REFUSAL_KINDS: Kinds = (Ints, Texts, Texts, Texts, Texts, Ints, Ints, Ints)
REFUSED = "hour_us, code, contract, source, pointer, total, first_us, last_us"
REFUSE = (
    f"INSERT INTO refusal AS r({REFUSED}) SELECT * FROM unnest({casts(REFUSAL_KINDS)}) "
    "ON CONFLICT (hour_us, code, contract, source, pointer) DO UPDATE SET total = r.total + excluded.total, "
    "first_us = least(r.first_us, excluded.first_us), last_us = greatest(r.last_us, excluded.last_us)"
)
MOVE_KINDS: Kinds = (Ints, Ints, Ints, Ints)
CURSOR_MOVE = _all_of(
    f"UPDATE cursor AS c SET position = m.position FROM unnest({casts(MOVE_KINDS)}) AS m(flow, partition, position, "
    "epoch) WHERE c.flow = m.flow AND c.partition = m.partition AND c.epoch = m.epoch",
    "cursor",
    len(MOVE_KINDS),
)

# The owner

NAMES = "SELECT text, id FROM name"
NAME_NEW = "INSERT INTO name(text) SELECT * FROM unnest($1::text[]) ON CONFLICT (text) DO NOTHING"
CURSOR_NEW = (
    "INSERT INTO cursor(flow, partition, position, epoch) SELECT $1::bigint, partition, position, 0 FROM head "
    "ON CONFLICT DO NOTHING"
)
# `before` is how many events of the type the flow never takes, so accepted = total - before. Of a type that the flow
# takes no longer it is -1 - handled: no more than those were accepted.
SUBSCRIBE = (
    "INSERT INTO subscription(flow, type, before) VALUES ($1::bigint, $2::text, $3::bigint) "
    "ON CONFLICT (flow, type) DO UPDATE SET before = excluded.before"
)
BEFORE_OF = "SELECT type, before FROM subscription WHERE flow = $1::bigint"
HANDLED_OF_TYPE = (
    "SELECT count(*) FROM handling AS h JOIN log ON log.partition = h.partition AND log.position = h.position "
    "WHERE h.flow = $1::bigint AND h.superseded = 0 AND log.type = $2::text"
)
ACCEPTED_OF_TYPE = "SELECT coalesce(sum(total), 0)::bigint FROM contract_tally WHERE type = $1::text"
BEYOND = (
    "SELECT count(*) FROM cursor AS c JOIN log ON log.partition = c.partition AND log.position > c.position "
    "WHERE c.flow = $1::bigint AND {types} AND NOT EXISTS (SELECT 1 FROM handling AS h "
    "WHERE h.flow = c.flow AND h.partition = log.partition AND h.position = log.position)"
)
BEYOND_CURSOR = BEYOND.format(types="log.type = $2::text")

# Questions of the state

OF_FLOW = "(SELECT id FROM name WHERE text = $1::text)"
CURSORS = f"SELECT partition, position FROM cursor WHERE flow = {OF_FLOW}"
MARKS_AFTER = (
    f"SELECT DISTINCT position FROM handling WHERE flow = {OF_FLOW} "
    "AND partition = $2::bigint AND position > $3::bigint"
)
_AMONG = "(${0}::bigint[] IS NULL OR partition = ANY(${0}::bigint[]))"
HELD_HEADERS = HELD_EVENT.replace("e_body", "''::bytea")
HELD_OF_FLOW = (
    f"SELECT {HELD_COLUMNS}, {HELD_HEADERS} FROM held WHERE flow = {OF_FLOW} AND {_AMONG.format(2)} "
    "ORDER BY partition, position, generation"
)
HELD_ONE = (
    f"SELECT {HELD_COLUMNS}, {HELD_EVENT} FROM held WHERE flow = {OF_FLOW} AND partition = $2::bigint "
    "AND position = $3::bigint AND generation = $4::bigint"
)
DELIVERY_ONE = f"SELECT {DELIVERY_COLUMNS} FROM delivery WHERE id = $1::text"
DELIVERIES_DUE = (
    f"SELECT {DELIVERY_COLUMNS} FROM delivery WHERE state = 0 AND (due_us, id) > ($1::bigint, $2::text) "
    f"AND {_AMONG.format(4)} ORDER BY due_us, id LIMIT $3::bigint"
)
ANSWER = f"SELECT {ANSWER_COLUMNS} FROM answer WHERE scope = $1::text AND expires_us > $2::bigint"
ANSWER_EXPIRE = (
    "DELETE FROM answer WHERE scope IN (SELECT scope FROM answer WHERE expires_us <= $1::bigint LIMIT $2::bigint) "
    "RETURNING 1"
)
TALLIES = (
    "SELECT name.text, t.state, sum(t.total)::bigint FROM tally AS t JOIN name ON name.id = t.flow "
    "GROUP BY 1, 2 ORDER BY 1, 2"
)
