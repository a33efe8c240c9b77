"""Port: schemas, their subjects and versions, and the settings of the registry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

SettingKind = Literal["config", "mode"]


class Reference(NamedTuple):
    """`name` is what the schema calls it: a `$ref` of JSON Schema, a full name of Avro."""

    name: str
    subject: str
    version: int


class SchemaContent(NamedTuple):
    """What an id stands for.

    fingerprint  two contents are one when theirs are equal, however the texts are spelt: the registry makes it
    metadata     JSON text, or "" for none
    """

    type: str
    text: str
    fingerprint: bytes
    references: tuple[Reference, ...] = ()
    metadata: str = ""


class SchemaVersion(NamedTuple):
    """One version of a subject. `deleted`: softly, so that it is hidden, but not gone."""

    subject: str
    version: int
    id: int
    content: SchemaContent
    deleted: bool = False


class SchemaStore(Protocol):
    """The memory of the registry. Rarely written, so each write is one commit of its own.

    Promises
    - one content one id: within a context, the same content has the same id in every subject, for ever; a content that
      was deleted for good gets its old id back when it is registered again. Only an import gives it further ids;
    - ids never reused: an id that once stood for a content never stands for another;
    - versions rise: the next one is above all that the subject has, the softly deleted included. What was deleted for
      good no longer counts, as in the Confluent registry;
    - checked writes: a write whose `seen` is no longer the revision is not applied (StaleRead), so that a decision
      made on what was read holds when it is written;
    - atomic: a write is applied whole or not at all, and is durable before it returns, where the back end is durable;
    - soft before hard: `delete` hides versions and keeps them, `erase` drops them, and a text with its last version.

    Not promised: that references exist, that a content makes sense, that a mode allows the write: the registry sees to
    that.
    """

    async def revision(self) -> int:
        """Rises with each write. Read it before what a write is decided on."""
        ...

    async def versions(self, subject: str) -> list[SchemaVersion]:
        """All of a subject, the softly deleted included, ascending."""
        ...

    async def all_versions(self, prefix: str) -> list[SchemaVersion]:
        """All of the subjects whose name begins so, by (subject, version), the softly deleted included."""
        ...

    async def subjects(self, prefix: str) -> dict[str, bool]:
        """Names of subjects in order; True where a version is not deleted."""
        ...

    async def content(self, context: str, schema_id: int) -> SchemaContent | None:
        """What an id stands for, as long as any version uses it, deleted softly or not."""
        ...

    async def uses(self, context: str, schema_id: int) -> list[SchemaVersion]:
        """The versions that have this id, the softly deleted included."""
        ...

    async def referrers(self, subject: str, version: int) -> list[SchemaVersion]:
        """The versions whose content refers to this one, the softly deleted included."""
        ...

    async def highest_id(self, context: str) -> int:
        """The highest id given so far; 0 when none was."""
        ...

    async def add(
        self,
        context: str,
        subject: str,
        content: SchemaContent,
        seen: int,
        *,
        schema_id: int | None = None,
        version: int | None = None,
    ) -> SchemaVersion:
        """Make `content` the newest version of the subject.

        A content that is a live version there already stays that version, and a known content keeps the text that it
        came with. `schema_id` and `version` are given by an import, which may put another content in the place of a
        softly deleted version; BusinessConflict when the id or the version stands for something else.
        """
        ...

    async def delete(self, subject: str, versions: Sequence[int], seen: int) -> None: ...

    async def erase(self, subject: str, versions: Sequence[int], seen: int) -> None: ...

    async def setting(self, kind: SettingKind, scope: str) -> str | None:
        """`scope` is a subject, a context (`:.name:`) or "" for all."""
        ...

    async def settings(self, kind: SettingKind) -> dict[str, str]:
        """All of a kind, by scope."""
        ...

    async def set(self, kind: SettingKind, scope: str, value: str | None, seen: int) -> None:
        """None drops the setting."""
        ...

    async def close(self) -> None: ...
