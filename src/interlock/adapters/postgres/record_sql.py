"""SQL of the questions that the record is asked, and of its lookup index. A part of `sql.py`."""

from __future__ import annotations

from interlock.adapters.postgres.sql import (
    BEYOND,
    DELIVERY_COLUMNS,
    HELD_COLUMNS,
    HELD_EVENT,
    OF_FLOW,
    REFUSED,
)

HASH_KEY = "SELECT value FROM meta WHERE name = 'secret'"
MOVED_TO = "SELECT value FROM meta WHERE name = 'moved'"
SEALED = "SELECT partition, max(last) FROM segment GROUP BY partition"
SEAL = (
    "INSERT INTO segment(partition, first, last, hashes, offsets) VALUES ($1::bigint, $2::bigint, $3::bigint, "
    "$4::bytea, $5::bytea) ON CONFLICT DO NOTHING RETURNING 1"
)
ENTRIES = (
    "SELECT position, id, correlation, business FROM log WHERE partition = $1::bigint AND position BETWEEN $2::bigint "
    "AND $3::bigint ORDER BY position"
)
_TAIL = (
    "head JOIN log ON log.partition = head.partition AND log.position > "
    "coalesce((SELECT max(last) FROM segment AS s WHERE s.partition = head.partition), 0)"
)
SEGMENTS_WITH = (
    "SELECT partition, first, hashes, offsets FROM segment "
    "WHERE EXISTS (SELECT 1 FROM unnest($1::bytea[]) AS w(hash) WHERE position(w.hash IN hashes) > 0)"
)
SEGMENTS = (
    "SELECT partition, first, hashes, offsets FROM segment WHERE (partition, first) > ($1::bigint, $2::bigint) "
    "ORDER BY partition, first LIMIT $3::bigint"
)
UNSEALED_WITH = (
    f"SELECT log.partition, log.position FROM {_TAIL} "
    "WHERE log.id = ANY($1::text[]) OR log.correlation = ANY($1::text[]) "
    "OR EXISTS (SELECT 1 FROM unnest($2::bytea[]) AS w(digest) WHERE position(w.digest IN log.business) > 0)"
)
TAIL_IDENTITIES = f"SELECT log.source, log.id FROM {_TAIL} WHERE log.id = ANY($1::text[])"
IDENTITIES_AT = (
    "SELECT log.source, log.id FROM unnest($1::bigint[], $2::bigint[]) AS w(partition, position) "
    "JOIN log ON log.partition = w.partition AND log.position = w.position"
)
HANDLINGS_OF = (
    "SELECT f.text, h.partition, h.position, h.generation, h.state, h.attempts, h.at_us, h.duration_us, n.text, "
    "v.text, h.error FROM handling AS h JOIN name AS f ON f.id = h.flow JOIN name AS n ON n.id = h.handler "
    "JOIN name AS v ON v.id = h.flow_version WHERE h.flow IN (SELECT DISTINCT flow FROM cursor) "
    "AND h.partition = $1::bigint AND h.position = $2::bigint ORDER BY h.at_us, f.text, h.generation"
)
FAILURES_OF = (
    "SELECT f.text, a.partition, a.position, a.generation, a.attempt, a.at_us, a.duration_us, a.error, a.frame "
    "FROM failed_attempt AS a JOIN name AS f ON f.id = a.flow WHERE a.flow IN (SELECT DISTINCT flow FROM cursor) "
    "AND a.partition = $1::bigint AND a.position = $2::bigint ORDER BY a.at_us"
)
DELIVERIES_OF = (
    f"SELECT {DELIVERY_COLUMNS} FROM delivery WHERE partition = $1::bigint AND position = $2::bigint ORDER BY id"
)
DELIVERIES_DEAD = f"SELECT {DELIVERY_COLUMNS} FROM delivery WHERE state = 3 ORDER BY id LIMIT $1::bigint"
VALUES_OF = (
    "SELECT key, value FROM state WHERE tbl = (SELECT id FROM name WHERE text = $1) AND key > $2 "
    "ORDER BY key LIMIT $3::bigint"
)
DELIVERY_TALLIES = "SELECT state, sum(total)::bigint FROM delivery_tally GROUP BY state"
ATTEMPTS_OF = (
    "SELECT delivery_id, attempt, at_us, duration_us, status, error FROM delivery_attempt "
    "WHERE delivery_id = $1::text ORDER BY attempt"
)
DEAD_LETTERS = (
    f"SELECT n.text, {HELD_COLUMNS.removeprefix('flow, ')}, {HELD_EVENT} FROM held JOIN name AS n ON n.id = held.flow "
    "WHERE state = 4 AND ($1::text = '' OR n.text = $1::text) ORDER BY 1, 2, 3, 4 LIMIT $2::bigint"
)
CURSOR_OF = f"SELECT position FROM cursor WHERE flow = {OF_FLOW} AND partition = $2::bigint"
STARTS = "SELECT epoch, at_us, release, estate, estate_hash, settings_hash FROM start ORDER BY epoch"
REFUSALS = f"SELECT {REFUSED} FROM refusal ORDER BY hour_us, code, contract, source, pointer"
TYPE_TALLIES = "SELECT type, sum(total)::bigint FROM contract_tally GROUP BY type"
CARRIED = """
SELECT type, version, 'log', '', sum(total)::bigint FROM contract_tally GROUP BY 1, 2
UNION ALL SELECT h.e_type, h.e_version, CASE h.state WHEN 1 THEN 'parked' ELSE 'dead_letters' END, n.text, count(*)
    FROM held AS h JOIN name AS n ON n.id = h.flow GROUP BY 1, 2, 3, 4
UNION ALL SELECT log.type, log.version, CASE d.state WHEN 0 THEN 'pending_calls' ELSE 'dead_calls' END, d.flow, count(*)
    FROM delivery AS d JOIN log ON log.partition = d.partition AND log.position = d.position
    WHERE d.state IN (0, 3) GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
"""
PENDING_EVENTS = BEYOND.format(types="log.type = ANY($2::text[])")
# Counted from rows: what `tally` must equal.
ROW_TALLIES = "SELECT state, count(*) FROM handling WHERE flow = $1::bigint AND superseded = 0 GROUP BY state"
