"""Every answer by which the registry says no, as data: codes and texts are those of the Confluent Schema Registry."""

from __future__ import annotations

from typing import NamedTuple


class RefusalKind(NamedTuple):
    """`code` is the `error_code` of the answer; its first three digits are the HTTP status."""

    code: int
    message: str
    meaning: str

    @property
    def status(self) -> int:
        return self.code if self.code < 1000 else self.code // 100

    def __call__(self, *words: object) -> Refusal:
        return Refusal(self, self.message.format(*words))


class Refusal(Exception):
    """One request refused."""

    def __init__(self, kind: RefusalKind, message: str) -> None:
        super().__init__(kind, message)
        self.kind = kind
        self.message = message


BAD_REQUEST = RefusalKind(400, "{}", "the request is not what the endpoint takes")
UNAUTHENTICATED = RefusalKind(40101, "{}", "the guard does not know who asks")
FORBIDDEN = RefusalKind(40301, "{}", "the guard does not let this principal do it")
NO_ROUTE = RefusalKind(404, "HTTP 404 Not Found", "no such endpoint, or an id that is no number")
SUBJECT_NOT_FOUND = RefusalKind(40401, "Subject '{}' not found.", "no such subject, or it is softly deleted")
VERSION_NOT_FOUND = RefusalKind(40402, "Version {} not found.", "the subject has no such version")
SCHEMA_NOT_FOUND = RefusalKind(40403, "Schema{} not found", "no such id, or no version with this schema")
SUBJECT_SOFT_DELETED = RefusalKind(
    40404, "Subject '{}' was soft deleted. Set permanent=true to delete it for good.", "it is softly deleted already"
)
SUBJECT_NOT_SOFT_DELETED = RefusalKind(
    40405, "Subject '{}' was not deleted softly before it is deleted for good.", "permanent=true comes second"
)
VERSION_SOFT_DELETED = RefusalKind(
    40406,
    "Subject '{}' version {} was soft deleted. Set permanent=true to delete it for good.",
    "it is softly deleted already",
)
VERSION_NOT_SOFT_DELETED = RefusalKind(
    40407,
    "Subject '{}' version {} was not deleted softly before it is deleted for good.",
    "permanent=true comes second",
)
CONFIG_NOT_FOUND = RefusalKind(
    40408, "Subject '{}' does not have subject-level compatibility configured", "ask with defaultToGlobal=true"
)
MODE_NOT_FOUND = RefusalKind(
    40409, "Subject '{}' does not have subject-level mode configured", "ask with defaultToGlobal=true"
)
METHOD_NOT_ALLOWED = RefusalKind(405, "HTTP 405 Method Not Allowed", "the endpoint exists, the method does not")
NOT_ACCEPTABLE = RefusalKind(406, "HTTP 406 Not Acceptable", "Accept names no media type that is served")
INCOMPATIBLE = RefusalKind(
    409,
    'Schema being registered is incompatible with an earlier schema for subject "{}", details: [{}]',
    "the compatibility level refuses it; the details say why",
)
MEDIA_TYPE = RefusalKind(415, "HTTP 415 Unsupported Media Type", "Content-Type is none that is taken")
UNRECOGNIZED_FIELD = RefusalKind(422, "Unrecognized field: {}", "the body has a member that the endpoint does not know")
INVALID_SCHEMA = RefusalKind(42201, "Invalid schema: {}", "the schema, its type or a reference of it is wrong")
INVALID_VERSION = RefusalKind(
    42202,
    "The specified version '{}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "
    '"latest"',
    "versions are numbers from 1, or latest, or -1",
)
INVALID_LEVEL = RefusalKind(
    42203,
    "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, "
    "forward_transitive, and full_transitive",
    "no such level",
)
INVALID_MODE = RefusalKind(
    42204, "Invalid mode. Valid values are READWRITE, READONLY, READONLY_OVERRIDE and IMPORT", "no such mode"
)
NOT_PERMITTED = RefusalKind(42205, "{}", "the mode, or the estate that governs the subject, forbids it")
REFERENCE_EXISTS = RefusalKind(
    42206,
    "One or more references exist to the schema of subject '{}' version {}: {}",
    "delete the referring ones first",
)
INVALID_SUBJECT = RefusalKind(
    42208, "The specified subject '{}' is not a valid subject.", "empty, too long or with control characters"
)
TOO_LARGE = RefusalKind(42209, "{}", "the schema with all that it refers to is beyond the limit")
STORE_FAILED = RefusalKind(50001, "{}", "the store failed; nothing was changed")
STORE_TIMED_OUT = RefusalKind(50002, "{}", "the store was locked or contended for too long")

REFUSALS: tuple[RefusalKind, ...] = tuple(value for value in globals().values() if isinstance(value, RefusalKind))
