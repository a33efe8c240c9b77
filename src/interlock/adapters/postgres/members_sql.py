"""SQL for several members on one store. A part of `sql.py`."""

from __future__ import annotations

# Several members on one store. A partition that nobody leases has epoch 0; who owns the store alone has no end.
# `living` takes two looks: the second one's snapshot is made when the member's row is held.
MIGRATION = """
CREATE TABLE member(epoch bigint PRIMARY KEY, name text NOT NULL, runs_flows boolean NOT NULL, flows integer[] NOT NULL,
    until timestamptz NOT NULL, lease_seconds double precision NOT NULL) WITH (fillfactor = 20);
CREATE TABLE lease(partition integer PRIMARY KEY, epoch bigint NOT NULL) WITH (fillfactor = 20);
INSERT INTO lease(partition, epoch) SELECT partition, 0 FROM head;
CREATE FUNCTION living(mine bigint, wanted bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM member WHERE epoch = mine FOR KEY SHARE;
    PERFORM must(FOUND, 'epoch');
    PERFORM must((SELECT count(*) FROM lease WHERE partition = ANY(wanted) AND epoch = mine) = cardinality(wanted),
        'lease');
END $$;
ALTER TABLE state ALTER COLUMN value DROP NOT NULL;
CREATE INDEX state_absent ON state(tbl, key) WHERE value IS NULL;
"""

# Members. All time is the server's. Who ends a member, or takes partitions from it, takes its row FOR UPDATE first.
MEMBER_NEW = (
    "INSERT INTO member(epoch, name, runs_flows, flows, until, lease_seconds) SELECT $1::bigint, $2::text, "
    "$3::bigint = 1, ARRAY(SELECT unnest($4::bigint[])::integer), "
    "coalesce(clock_timestamp() + make_interval(secs => $5::double precision), 'infinity'), "
    "coalesce($5::double precision, 0)"
)
MEMBER_BEAT = (
    "UPDATE member SET until = CASE until WHEN 'infinity' THEN until ELSE clock_timestamp() + make_interval(secs => "
    "lease_seconds) END WHERE epoch = $1::bigint RETURNING 1"
)
MEMBER_HOLD = "SELECT epoch FROM member WHERE epoch = $1::bigint FOR KEY SHARE"
MEMBER_TAKE = "SELECT epoch FROM member WHERE epoch = $1::bigint FOR UPDATE"
MEMBERS_LATE = "SELECT epoch FROM member WHERE until < clock_timestamp() ORDER BY epoch FOR UPDATE SKIP LOCKED"
MEMBERS_ALONE = "SELECT epoch FROM member WHERE until = 'infinity' ORDER BY epoch FOR UPDATE"
MEMBERS_ALL = "SELECT epoch FROM member ORDER BY epoch FOR UPDATE"
MEMBERS_END = "DELETE FROM member WHERE epoch = ANY($1::bigint[])"
MEMBER_OTHER = (
    "SELECT name, lease_seconds FROM member WHERE until >= clock_timestamp() AND lease_seconds <> $1::double precision "
    "ORDER BY epoch LIMIT 1"
)
MEMBERS = "SELECT epoch, name, runs_flows FROM member ORDER BY epoch"
MEMBERS_SEEN = (
    "SELECT m.epoch, m.name, m.runs_flows::integer, (1000 * extract(epoch FROM clock_timestamp() - m.until + "
    "make_interval(secs => m.lease_seconds)))::bigint, coalesce(l.partition, -1) FROM member AS m "
    "LEFT JOIN lease AS l ON l.epoch = m.epoch WHERE m.until <> 'infinity' ORDER BY 1, 5"
)
LEASES = "SELECT partition, epoch FROM lease WHERE epoch <> 0 ORDER BY partition"
LEASES_FREE = (
    "SELECT partition FROM lease WHERE partition = ANY($1::bigint[]) AND epoch = 0 ORDER BY partition FOR UPDATE"
)
LEASES_OF = "SELECT partition FROM lease WHERE epoch = ANY($1::bigint[]) ORDER BY partition FOR UPDATE"
LEASE_GIVE = "UPDATE lease SET epoch = $1::bigint WHERE partition = ANY($2::bigint[])"
LEASE_GIVE_ALL = "UPDATE lease SET epoch = $1::bigint"
CURSORS_GIVE = (
    "UPDATE cursor SET epoch = $1::bigint WHERE partition = ANY($2::bigint[]) "
    "AND flow IN (SELECT unnest(flows) FROM member WHERE epoch = $1::bigint)"
)
ESTATE = "SELECT estate FROM start ORDER BY epoch DESC LIMIT 1"
START = (
    "INSERT INTO start(epoch, at_us, release, estate, estate_hash, settings_hash, format) "
    "VALUES ($1::bigint, $2::bigint, $3::text, $4::text, $5::text, $6::text, $7::bigint)"
)
# Who works with a release of before a format. Who owns the store alone is known by its lock, not by its row.
MEMBERS_BEFORE = (
    "SELECT m.name, s.release FROM member AS m JOIN start AS s ON s.epoch = m.epoch WHERE m.until <> 'infinity' "
    "AND (s.format IS NULL OR s.format < $1::bigint) ORDER BY m.epoch"
)
LEFT = "SELECT name, value FROM meta WHERE name IN ('moved', 'leaving')"
OLDEST = "SELECT name, value FROM meta WHERE name IN ('format', 'oldest')"
