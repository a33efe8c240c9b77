"""Settings of subjects, contexts and of all: who says what counts where, and who may change it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from interlock.ports.schema_store import SchemaStore, SettingKind
from interlock.registry.config import DEFAULTS, Config, merged, updated
from interlock.registry.decision import decided
from interlock.registry.governed import Governed
from interlock.registry.refusal import (
    CONFIG_NOT_FOUND,
    INVALID_MODE,
    MODE_NOT_FOUND,
    NOT_PERMITTED,
    SUBJECT_NOT_FOUND,
)
from interlock.registry.subject_name import GLOBAL_SCOPE, scope_of, scopes

MODES = ("READWRITE", "READONLY", "READONLY_OVERRIDE", "IMPORT")
DEFAULT_MODE = "READWRITE"
KINDS: tuple[SettingKind, ...] = ("config", "mode")


class Scopes:
    """Nearest scope first: the subject, its context, everything. A scope is a subject, `:.ctx:`, or ""."""

    def __init__(self, store: SchemaStore, governed: Governed) -> None:
        self._store = store
        self._governed = governed

    async def config(self, scope: str, default_to_global: bool = False) -> Config:
        """What is set here. Raises Refusal where nothing is and nothing further out is asked for."""
        if default_to_global or scope == "":
            return await self.config_in_scope(scope)
        found = merged([*await self._own("config", [scope]), *self._of_estate(scope)])
        if found == Config():
            raise CONFIG_NOT_FOUND(scope)
        return found

    async def config_in_scope(self, subject: str) -> Config:
        """What counts for a subject."""
        own = await self._own("config", [subject])
        further = await self._own("config", scopes(subject)[1:])
        return merged([*own, *self._of_estate(subject), *further, DEFAULTS])

    async def set_config(self, scope: str, changes: Mapping[str, Any]) -> Config:
        async def step(seen: int) -> Config:
            await self.refuse_read_only(scope)
            before = merged(await self._own("config", [scope]))
            after = updated(before, changes)
            self._governed.refuse_level(scope, after.compatibility_level)
            await self._store.set("config", scope, msgspec.json.encode(after).decode(), seen)
            return after

        return await decided(self._store, step)

    async def drop_config(self, scope: str) -> Config:
        """What was set until now."""

        async def step(seen: int) -> Config:
            await self.refuse_read_only(scope)
            before = merged(await self._own("config", [scope]))
            if before == Config() and scope:
                raise SUBJECT_NOT_FOUND(scope)
            await self._store.set("config", scope, None, seen)
            return before if before != Config() else Config(compatibility_level=DEFAULTS.compatibility_level)

        return await decided(self._store, step)

    async def mode(self, scope: str, default_to_global: bool = False) -> str:
        """READONLY_OVERRIDE further out counts in any case."""
        if default_to_global or scope == "" or await self.mode_in_scope(scope) == "READONLY_OVERRIDE":
            return await self.mode_in_scope(scope)
        found = await self._store.setting("mode", scope)
        if found is None:
            raise MODE_NOT_FOUND(scope)
        return found

    async def mode_in_scope(self, subject: str) -> str:
        said = [await self._store.setting("mode", scope) for scope in scopes(subject)]
        if "READONLY_OVERRIDE" in said:
            return "READONLY_OVERRIDE"
        return next((mode for mode in said if mode), DEFAULT_MODE)

    async def set_mode(self, scope: str, mode: str | None, force: bool) -> None:
        """None takes it back. IMPORT over live schemas needs `force`: their ids could collide."""
        if mode is not None and mode not in MODES:
            raise INVALID_MODE()

        async def step(seen: int) -> None:
            if mode == "IMPORT" and not force and await self._any_live(scope):
                raise NOT_PERMITTED("There are schemas already; set the mode IMPORT with force=true if you mean it.")
            await self._store.set("mode", scope, mode, seen)

        await decided(self._store, step)

    async def drop_mode(self, scope: str, recursive: bool) -> str | None:
        """The mode until now; with `recursive`, those of the subjects beneath go too."""
        before = await self._store.setting("mode", scope)
        if before is None and scope and not recursive:
            raise SUBJECT_NOT_FOUND(scope)
        beneath = await self._store.settings("mode") if recursive else []
        for one in [scope, *(other for other in beneath if scope_of(other) == scope and other != scope)]:
            await self.set_mode(one, None, force=True)
        return before if before is not None or scope else DEFAULT_MODE

    async def forget(self, subject: str) -> None:
        """Drop what was set for a subject."""
        for kind in KINDS:
            if await self._store.setting(kind, subject) is not None:
                await decided(self._store, partial(self._drop, kind, subject))

    async def _drop(self, kind: SettingKind, subject: str, seen: int) -> None:
        await self._store.set(kind, subject, None, seen)

    async def refuse_read_only(self, subject: str) -> None:
        if (await self.mode_in_scope(subject)).startswith("READONLY"):
            raise NOT_PERMITTED(f"Subject {subject or 'global'} is in read-only mode")

    async def _own(self, kind: SettingKind, names: list[str]) -> list[Config]:
        texts = [await self._store.setting(kind, name) for name in names]
        return [msgspec.json.decode(text, type=Config) for text in texts if text is not None]

    def _of_estate(self, subject: str) -> list[Config]:
        level = self._governed.level(subject)
        return [Config(compatibility_level=level, compatibility_policy="SETS")] if level is not None else []

    async def _any_live(self, scope: str) -> bool:
        if scope == GLOBAL_SCOPE:
            return any((await self._store.subjects("")).values())
        live = await self._store.subjects(scope)
        bare = scope == "" or scope == scope_of(scope)
        return any(alive and (name == scope or (bare and scope_of(name) == scope)) for name, alive in live.items())
