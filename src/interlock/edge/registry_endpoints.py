"""Every endpoint of the registry as data, beside the Confluent Schema Registry: what is served, and what is not.

`docs/reference/registry.md` is made from these rows, `RegistryApi` serves them, and tests ask for each.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from interlock.edge.registry_access import Action

Standing = Literal["same", "differs", "ours"]


class Endpoint(NamedTuple):
    """`handler` is the method of RegistryApi that serves it; `note` says how it differs, or what it is."""

    method: str
    path: str
    handler: str
    action: Action
    standing: Standing = "same"
    note: str = ""


class Absent(NamedTuple):
    method: str
    path: str
    why: str


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/", "root", "read"),
    Endpoint("GET", "/schemas", "schemas", "read", note="`subjectPrefix`, `deleted`, `latestOnly`, `offset`, `limit`"),
    Endpoint("GET", "/schemas/types", "types", "read", "differs", "`JSON` and `AVRO`; no `PROTOBUF` yet"),
    Endpoint("GET", "/schemas/ids/{id}", "schema", "read", "differs", "`subject`, `fetchMaxId`; `format` is ignored"),
    Endpoint("GET", "/schemas/ids/{id}/schema", "schema_text", "read"),
    Endpoint("GET", "/schemas/ids/{id}/subjects", "schema_subjects", "read", note="`deleted`, `offset`, `limit`"),
    Endpoint("GET", "/schemas/ids/{id}/versions", "schema_versions", "read", note="`deleted`, `offset`, `limit`"),
    Endpoint(
        "GET", "/subjects", "subjects", "read", note="`subjectPrefix`, `deleted`, `deletedOnly`, `offset`, `limit`"
    ),
    Endpoint("POST", "/subjects/{subject}", "look_up", "read", note="`normalize`, `deleted`"),
    Endpoint("DELETE", "/subjects/{subject}", "delete_subject", "delete", note="`permanent`, after a soft delete only"),
    Endpoint(
        "GET", "/subjects/{subject}/metadata", "by_metadata", "read", note="`key`, `value`, `deleted`: latest with them"
    ),
    Endpoint(
        "GET",
        "/subjects/{subject}/versions",
        "versions",
        "read",
        note="`deleted`, `deletedOnly`, `deletedAsNegative`, `offset`, `limit`",
    ),
    Endpoint(
        "POST",
        "/subjects/{subject}/versions",
        "register",
        "write",
        "differs",
        "`normalize`; answers `id` alone; a `version` that is given must be the next one, but for the mode IMPORT, in "
        "which an id never changes its schema either; defaults of Avro fields must be values of their types; governed "
        "subjects take nothing new",
    ),
    Endpoint("GET", "/subjects/{subject}/versions/{version}", "version", "read", note="`deleted`"),
    Endpoint("GET", "/subjects/{subject}/versions/{version}/schema", "version_text", "read", note="`deleted`"),
    Endpoint("GET", "/subjects/{subject}/versions/{version}/referencedby", "referenced_by", "read"),
    Endpoint(
        "DELETE", "/subjects/{subject}/versions/{version}", "delete_version", "delete", note="`permanent`, second only"
    ),
    Endpoint(
        "POST",
        "/compatibility/subjects/{subject}/versions",
        "check",
        "check",
        "differs",
        "`verbose`, `normalize`; messages name our rules and show a document that breaks",
    ),
    Endpoint("POST", "/compatibility/subjects/{subject}/versions/{version}", "check", "check", "differs", "as above"),
    Endpoint(
        "GET",
        "/config",
        "config",
        "config:read",
        "differs",
        "`compatibilityLevel`, `normalize`, `alias`, `compatibilityGroup`, `compatibilityPolicy`, `defaultMetadata`, "
        "`overrideMetadata`; no rule sets",
    ),
    Endpoint("PUT", "/config", "set_config", "config:write", "differs", "as above"),
    Endpoint("DELETE", "/config", "drop_config", "config:write"),
    Endpoint("GET", "/config/{subject}", "config", "config:read", note="`defaultToGlobal`"),
    Endpoint(
        "PUT", "/config/{subject}", "set_config", "config:write", "differs", "NONE is refused for governed subjects"
    ),
    Endpoint("DELETE", "/config/{subject}", "drop_config", "config:write"),
    Endpoint("GET", "/mode", "mode", "mode:read"),
    Endpoint("PUT", "/mode", "set_mode", "mode:write", "differs", "`force`; no `FORWARD`, which belongs to a cluster"),
    Endpoint("DELETE", "/mode", "drop_mode", "mode:write", note="`recursive`"),
    Endpoint("GET", "/mode/{subject}", "mode", "mode:read", note="`defaultToGlobal`"),
    Endpoint("PUT", "/mode/{subject}", "set_mode", "mode:write", "differs", "as above"),
    Endpoint("DELETE", "/mode/{subject}", "drop_mode", "mode:write", note="`recursive`"),
    Endpoint("GET", "/contexts", "contexts", "read", note="`offset`, `limit`"),
    Endpoint("GET", "/v1/metadata/id", "cluster", "read", "differs", "there is no Kafka cluster to name"),
    Endpoint("GET", "/v1/metadata/version", "release", "read", "differs", "the version of Interlock, no commit"),
    Endpoint(
        "GET",
        "/interlock/subjects/{subject}",
        "standing",
        "read",
        "ours",
        "whether an estate governs the subject, which contract version each version is, what is not classified",
    ),
)

ABSENT: tuple[Absent, ...] = (
    Absent("GET", "/schemas/guids/{guid}", "answers carry no `guid`; ids identify a schema within its context"),
    Absent("GET", "/schemas/guids/{guid}/ids", "as above"),
    Absent("POST", "/subjects/{subject}/versions/{version}/tags", "send the schema with its tags as a new version"),
    Absent("DELETE", "/contexts/{context}", "a context is there as long as a subject of it is"),
    Absent("GET", "/exporters", "nothing is exported to other registries"),
    Absent("GET", "/dek-registry/v1/keks", "keys are not kept here"),
    Absent("GET", "/associations/resources/{id}", "subjects are not bound to topics"),
    Absent("GET", "/catalog/v1/search/basic", "the catalogue of Confluent Cloud is another product"),
)
