"""The SQL of the schema registry: its tables lie in the store's file. They came with format 3.

`schema_content` outlives what was deleted for good, without its text, so that no id is given twice.
"""

from __future__ import annotations

CREATE = """
DROP TABLE IF EXISTS schema_content;
DROP TABLE IF EXISTS schema_subject;
DROP TABLE IF EXISTS schema_version;
DROP TABLE IF EXISTS schema_reference;
DROP TABLE IF EXISTS schema_setting;
DROP TABLE IF EXISTS schema_revision;
CREATE TABLE schema_content(
    context TEXT NOT NULL, id INTEGER NOT NULL, fingerprint BLOB NOT NULL, type TEXT NOT NULL, text TEXT,
    refs TEXT NOT NULL, metadata TEXT NOT NULL, PRIMARY KEY(context, id)) STRICT, WITHOUT ROWID;
CREATE INDEX schema_content_fingerprint ON schema_content(context, fingerprint);
CREATE TABLE schema_version(
    subject TEXT NOT NULL, version INTEGER NOT NULL, context TEXT NOT NULL, id INTEGER NOT NULL,
    deleted INTEGER NOT NULL, PRIMARY KEY(subject, version)) STRICT, WITHOUT ROWID;
CREATE INDEX schema_version_id ON schema_version(context, id);
CREATE TABLE schema_reference(
    subject TEXT NOT NULL, version INTEGER NOT NULL, context TEXT NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY(subject, version, context, id)) STRICT, WITHOUT ROWID;
CREATE TABLE schema_setting(kind TEXT NOT NULL, scope TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(kind, scope))
    STRICT, WITHOUT ROWID;
CREATE TABLE schema_revision(one INTEGER PRIMARY KEY CHECK(one = 1), revision INTEGER NOT NULL) STRICT;
INSERT INTO schema_revision VALUES (1, 0);
"""

REVISION = "SELECT revision FROM schema_revision"
REVISE = "UPDATE schema_revision SET revision = revision + 1"

_CONTENT = "c.type, c.text, c.fingerprint, c.refs, c.metadata"
_VERSION = (
    f"SELECT v.subject, v.version, v.id, v.deleted, {_CONTENT} FROM schema_version AS v "
    "JOIN schema_content AS c ON c.context = v.context AND c.id = v.id "
)
VERSIONS = _VERSION + "WHERE v.subject = ? ORDER BY v.version"
ALL_VERSIONS = _VERSION + "WHERE substr(v.subject, 1, length(?1)) = ?1 ORDER BY v.subject, v.version"
USES = _VERSION + "WHERE v.context = ? AND v.id = ? ORDER BY v.subject, v.version"
REFERRERS = (
    f"SELECT v.subject, v.version, v.id, v.deleted, {_CONTENT} FROM schema_reference AS r "
    "JOIN schema_content AS c ON c.context = r.context AND c.id = r.id "
    "JOIN schema_version AS v ON v.context = r.context AND v.id = r.id "
    "WHERE r.subject = ? AND r.version = ? ORDER BY v.subject, v.version"
)
SUBJECTS = (
    "SELECT subject, min(deleted) = 0 FROM schema_version WHERE substr(subject, 1, length(?1)) = ?1 "
    "GROUP BY subject ORDER BY subject"
)
CONTENT = f"SELECT {_CONTENT} FROM schema_content AS c WHERE c.context = ? AND c.id = ? AND c.text IS NOT NULL"
HIGHEST_ID = "SELECT max(id) FROM schema_content WHERE context = ?"

ID_OF = "SELECT min(id) FROM schema_content WHERE context = ? AND fingerprint = ?"
FINGERPRINT = "SELECT fingerprint FROM schema_content WHERE context = ? AND id = ?"
# A content in use keeps the text that it came with; one that was deleted for good gets the new one.
CONTENT_NEW = (
    "INSERT INTO schema_content(context, id, fingerprint, type, text, refs, metadata) VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET text = excluded.text, refs = excluded.refs, metadata = excluded.metadata "
    "WHERE text IS NULL"
)
REFERENCE_NEW = "INSERT OR IGNORE INTO schema_reference(subject, version, context, id) VALUES (?, ?, ?, ?)"
VERSION_NEW = "INSERT OR REPLACE INTO schema_version(subject, version, context, id, deleted) VALUES (?, ?, ?, ?, 0)"
DELETE = "UPDATE schema_version SET deleted = 1 WHERE subject = ? AND version = ?"
ERASE = "DELETE FROM schema_version WHERE subject = ? AND version = ?"
# What no version uses any more keeps its number and loses its text.
FORGET = (
    "UPDATE schema_content SET text = NULL, metadata = '' WHERE text IS NOT NULL AND NOT EXISTS (SELECT 1 "
    "FROM schema_version AS v WHERE v.context = schema_content.context AND v.id = schema_content.id)"
)
FORGET_REFERENCES = (
    "DELETE FROM schema_reference WHERE NOT EXISTS (SELECT 1 FROM schema_version AS v "
    "WHERE v.context = schema_reference.context AND v.id = schema_reference.id)"
)
SETTING = "SELECT value FROM schema_setting WHERE kind = ? AND scope = ?"
SETTINGS = "SELECT scope, value FROM schema_setting WHERE kind = ? ORDER BY scope"
SETTING_PUT = "INSERT OR REPLACE INTO schema_setting(kind, scope, value) VALUES (?, ?, ?)"
SETTING_DROP = "DELETE FROM schema_setting WHERE kind = ? AND scope = ?"
