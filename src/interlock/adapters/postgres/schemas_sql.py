"""The SQL of the schema registry: its tables lie beside those of the log and the state.

`schema_content` outlives what was deleted for good, without its text, so that no id is given twice.
"""

from __future__ import annotations

CREATE = """
CREATE TABLE schema_content(
    context text COLLATE "C" NOT NULL, id bigint NOT NULL, fingerprint bytea NOT NULL, type text NOT NULL, text text,
    refs text NOT NULL, metadata text NOT NULL, PRIMARY KEY(context, id));
CREATE INDEX schema_content_fingerprint ON schema_content(context, fingerprint);
CREATE TABLE schema_version(
    subject text COLLATE "C" NOT NULL, version bigint NOT NULL, context text COLLATE "C" NOT NULL, id bigint NOT NULL,
    deleted smallint NOT NULL, PRIMARY KEY(subject, version));
CREATE INDEX schema_version_id ON schema_version(context, id);
CREATE TABLE schema_reference(
    subject text COLLATE "C" NOT NULL, version bigint NOT NULL, context text COLLATE "C" NOT NULL, id bigint NOT NULL,
    PRIMARY KEY(subject, version, context, id));
CREATE TABLE schema_setting(kind text COLLATE "C" NOT NULL, scope text COLLATE "C" NOT NULL, value text NOT NULL,
    PRIMARY KEY(kind, scope));
CREATE TABLE schema_revision(one boolean PRIMARY KEY DEFAULT true CHECK(one), revision bigint NOT NULL);
INSERT INTO schema_revision(revision) VALUES (0);
"""

REVISION = "SELECT revision FROM schema_revision"
# The lock of every write: writers take turns, and each sees what the one before it did.
REVISION_LOCKED = "SELECT revision FROM schema_revision FOR UPDATE"
REVISE = "UPDATE schema_revision SET revision = revision + 1"

_CONTENT = "c.type, c.text, c.fingerprint, c.refs, c.metadata"
_VERSION = (
    f"SELECT v.subject, v.version, v.id, v.deleted, {_CONTENT} FROM schema_version AS v "
    "JOIN schema_content AS c ON c.context = v.context AND c.id = v.id "
)
VERSIONS = _VERSION + "WHERE v.subject = $1 ORDER BY v.version"
ALL_VERSIONS = _VERSION + "WHERE starts_with(v.subject, $1) ORDER BY v.subject, v.version"
USES = _VERSION + "WHERE v.context = $1 AND v.id = $2 ORDER BY v.subject, v.version"
REFERRERS = (
    f"SELECT v.subject, v.version, v.id, v.deleted, {_CONTENT} FROM schema_reference AS r "
    "JOIN schema_content AS c ON c.context = r.context AND c.id = r.id "
    "JOIN schema_version AS v ON v.context = r.context AND v.id = r.id "
    "WHERE r.subject = $1 AND r.version = $2 ORDER BY v.subject, v.version"
)
SUBJECTS = (
    "SELECT subject, min(deleted) = 0 FROM schema_version WHERE starts_with(subject, $1) "
    "GROUP BY subject ORDER BY subject"
)
CONTENT = f"SELECT {_CONTENT} FROM schema_content AS c WHERE c.context = $1 AND c.id = $2 AND c.text IS NOT NULL"
HIGHEST_ID = "SELECT max(id) FROM schema_content WHERE context = $1"

ID_OF = "SELECT min(id) FROM schema_content WHERE context = $1 AND fingerprint = $2"
FINGERPRINT = "SELECT fingerprint FROM schema_content WHERE context = $1 AND id = $2"
# A content in use keeps the text that it came with; one that was deleted for good gets the new one.
CONTENT_NEW = (
    "INSERT INTO schema_content(context, id, fingerprint, type, text, refs, metadata) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (context, id) DO UPDATE SET "
    "text = excluded.text, refs = excluded.refs, metadata = excluded.metadata WHERE schema_content.text IS NULL"
)
REFERENCE_NEW = (
    "INSERT INTO schema_reference(subject, version, context, id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
)
VERSION_NEW = (
    "INSERT INTO schema_version(subject, version, context, id, deleted) VALUES ($1, $2, $3, $4, 0) "
    "ON CONFLICT (subject, version) DO UPDATE SET context = excluded.context, id = excluded.id, deleted = 0"
)
DELETE = "UPDATE schema_version SET deleted = 1 WHERE subject = $1 AND version = $2"
ERASE = "DELETE FROM schema_version WHERE subject = $1 AND version = $2"
# What no version uses any more keeps its number and loses its text.
FORGET = (
    "UPDATE schema_content SET text = NULL, metadata = '' WHERE text IS NOT NULL AND NOT EXISTS (SELECT 1 "
    "FROM schema_version AS v WHERE v.context = schema_content.context AND v.id = schema_content.id)"
)
FORGET_REFERENCES = (
    "DELETE FROM schema_reference WHERE NOT EXISTS (SELECT 1 FROM schema_version AS v "
    "WHERE v.context = schema_reference.context AND v.id = schema_reference.id)"
)
SETTING = "SELECT value FROM schema_setting WHERE kind = $1 AND scope = $2"
SETTINGS = "SELECT scope, value FROM schema_setting WHERE kind = $1 ORDER BY scope"
SETTING_PUT = (
    "INSERT INTO schema_setting(kind, scope, value) VALUES ($1, $2, $3) "
    "ON CONFLICT (kind, scope) DO UPDATE SET value = excluded.value"
)
SETTING_DROP = "DELETE FROM schema_setting WHERE kind = $1 AND scope = $2"
