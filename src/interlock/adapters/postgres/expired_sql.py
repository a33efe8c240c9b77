"""SQL of what a log elsewhere was found to have dropped, and how far the index had come by then. A part of `sql.py`."""

from __future__ import annotations

MIGRATION = """
CREATE TABLE expired(partition integer NOT NULL, through bigint NOT NULL, seen bigint NOT NULL, at_us bigint NOT NULL,
    PRIMARY KEY(partition, through));
"""
# What the log was found to have dropped. The index goes on behind it; how far it had come is what is known of it.
NOTE = (
    "WITH moved AS (UPDATE head SET position = greatest(head.position, $2::bigint) FROM (SELECT partition, position "
    "FROM head WHERE partition = $1::bigint FOR UPDATE) AS was WHERE head.partition = was.partition "
    "RETURNING was.position AS seen) "
    "INSERT INTO expired(partition, through, seen, at_us) SELECT $1::bigint, $2::bigint, least(seen, $2::bigint), "
    "$3::bigint FROM moved WHERE NOT EXISTS (SELECT 1 FROM expired AS e WHERE e.partition = $1::bigint AND "
    "e.through >= $2::bigint) ON CONFLICT DO NOTHING RETURNING 1"
)
FLOORS = "SELECT partition, max(through) FROM expired GROUP BY partition"
UNSEEN = (
    "SELECT coalesce(sum(greatest(least($3::bigint, through) - greatest($2::bigint, seen), 0)), 0)::bigint "
    "FROM expired WHERE partition = $1::bigint"
)
STANDING = (
    "SELECT n.text, c.partition, c.position, f.through, f.at_us FROM cursor AS c JOIN name AS n ON n.id = c.flow "
    "JOIN (SELECT partition, max(through) AS through, max(at_us) AS at_us FROM expired GROUP BY partition) AS f "
    "ON f.partition = c.partition WHERE c.position < f.through AND n.text = ANY($1::text[]) ORDER BY 1, 2"
)
_LEFT = (
    "FROM subscription AS s JOIN log ON log.type = s.type AND log.partition = $2::bigint AND log.position > $3::bigint "
    "AND log.position <= $4::bigint WHERE s.flow = (SELECT id FROM name WHERE text = $1::text) AND s.before >= 0 AND "
    "NOT EXISTS (SELECT 1 FROM handling AS h WHERE h.flow = s.flow AND h.partition = log.partition AND "
    "h.position = log.position)"
)
LEFT_BY_TYPE = f"SELECT log.type, count(*) {_LEFT} GROUP BY log.type ORDER BY log.type"
LEFT_IDS = f"SELECT log.id {_LEFT} ORDER BY log.position LIMIT $5::bigint"
