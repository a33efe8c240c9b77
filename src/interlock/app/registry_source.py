"""Reads a whole schema registry over HTTP: any that speaks the Confluent Schema Registry's API, our own too.

Bounded in every way: seconds for each answer, bytes of it, attempts, subjects and versions. The user names the address,
so private ones are fine; redirects are not followed, since they would carry the password to whoever answers.
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from interlock.app.notice import Stay
from interlock.contracts.importing.note import Notes
from interlock.contracts.importing.subject_import import Subject, SubjectVersion
from interlock.ports.schema_store import Reference, SchemaContent
from interlock.registry.refusal import Refusal
from interlock.registry.schema_reading import AskedSchema, SchemaReader

SECONDS, ATTEMPTS, PAUSE_SECONDS = 15.0, 3, 0.3
MAX_BYTES, MAX_VERSIONS = 8_000_000, 20_000
_MEDIA = "application/vnd.schemaregistry.v1+json, application/json"
_GONE = ("It is no promise any more.", "Undelete it in the registry if its events are still read.")
_AGAIN = frozenset({429, 500, 502, 503, 504})


class RegistryUnreadable(Exception):
    """`step` is what to do about it. Neither holds the password."""

    def __init__(self, detail: str, step: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.step = step


class RegistryContents(NamedTuple):
    """`compatibility` is the registry's own mode, None where it does not say."""

    subjects: list[Subject]
    compatibility: str | None


class RegistrySource:
    """One registry. `auth` is `user:password`."""

    def __init__(
        self,
        url: str,
        auth: str | None = None,
        *,
        seconds: float = SECONDS,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RegistryUnreadable(f"{url} is no address of a registry.", "Give it as http://host:8081")
        if parts.username or parts.password:
            raise RegistryUnreadable(
                "The address holds a password.", "Leave it out, put user:password into a variable: --auth env:NAME"
            )
        self._url = url.rstrip("/")
        self._auth = auth
        self._seconds = seconds
        self._pause = pause
        self._known: dict[tuple[str, int], Any] = {}
        self._reader = SchemaReader(self._find)

    def contents(self, notes: Notes) -> RegistryContents:
        """Every subject with its versions, by name. Raises RegistryUnreadable."""
        live = self._list("/subjects")
        for gone in sorted(set(self._list("/subjects?deleted=true", optional=True)) - set(live)):
            notes.add(gone, "lost", "A subject that was deleted softly.", *_GONE)
        subjects, total = [], 0
        for name in sorted(map(str, live)):
            numbers = self._numbers(name, notes)
            total += len(numbers)
            if total > MAX_VERSIONS:
                raise RegistryUnreadable(f"It has more than {MAX_VERSIONS} versions.", "Import it subject by subject.")
            versions = [self._version(name, number) for number in numbers]
            subjects.append(Subject(name, versions, self._mode(f"/config/{_quoted(name)}")))
        return RegistryContents(subjects, self._mode("/config"))

    def _numbers(self, name: str, notes: Notes) -> list[int]:
        path = f"/subjects/{_quoted(name)}/versions"
        live = sorted(int(one) for one in self._list(path))
        for gone in sorted({int(one) for one in self._list(f"{path}?deleted=true", optional=True)} - set(live)):
            notes.add(f"{name} version {gone}", "lost", "A version that was deleted softly.", *_GONE)
        return live

    def _version(self, subject: str, number: int) -> SubjectVersion:
        stored = self._stored(subject, number)
        kind = str(stored.get("schemaType") or "AVRO")
        asked = AskedSchema(str(stored.get("schema", "")), kind, _references(stored))
        made = SubjectVersion(subject, number, int(stored.get("id", 0)), kind)
        try:
            complete = asyncio.run(self._reader.read(asked)).complete
        except Refusal as refusal:
            return replace(made, unread=refusal.message)
        return replace(made, document=_named(complete))

    async def _find(self, reference: Reference) -> SchemaContent | None:
        stored = self._stored(reference.subject, reference.version)
        kind = str(stored.get("schemaType") or "AVRO")
        return SchemaContent(kind, str(stored.get("schema", "")), b"", _references(stored), "")

    def _stored(self, subject: str, number: int) -> Any:
        if (subject, number) not in self._known:
            found = self._get(f"/subjects/{_quoted(subject)}/versions/{number}?deleted=true")
            if not isinstance(found, dict):
                raise self._strange(f"/subjects/{subject}/versions/{number}")
            self._known[subject, number] = found
        return self._known[subject, number]

    def _list(self, path: str, *, optional: bool = False) -> list[Any]:
        found = self._get(path, optional=optional)
        if found is None and optional:
            return []
        if not isinstance(found, list):
            raise self._strange(path)
        return found

    def _mode(self, path: str) -> str | None:
        found = self._get(path, optional=True)
        if not isinstance(found, dict):
            return None
        mode = found.get("compatibilityLevel") or found.get("compatibility")
        return mode if isinstance(mode, str) else None

    def _get(self, path: str, *, optional: bool = False) -> Any:
        """The JSON of a 2xx. With `optional`, None for a 4xx: not every registry has every path."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._answer(path)
            except urllib.error.HTTPError as error:
                if optional and 400 <= error.code < 500 and error.code not in (401, 403, 429):
                    return None
                if error.code not in _AGAIN or attempt == ATTEMPTS:
                    raise self._refused(error.code, path) from None
            except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
                if attempt == ATTEMPTS:
                    reason = getattr(error, "reason", None) or type(error).__name__
                    raise RegistryUnreadable(
                        f"{self._url} does not answer: {reason}.", "See that it runs and that the address is right."
                    ) from None
            self._pause(PAUSE_SECONDS * 2 ** (attempt - 1))
        raise AssertionError("unreachable")

    def _answer(self, path: str) -> Any:
        request = urllib.request.Request(self._url + path, headers={"Accept": _MEDIA})  # noqa: S310 - checked above
        if self._auth is not None:
            request.add_header("Authorization", "Basic " + base64.b64encode(self._auth.encode()).decode())
        with urllib.request.build_opener(Stay).open(request, timeout=self._seconds) as response:
            body = response.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise RegistryUnreadable(f"{path} answers more than {MAX_BYTES} bytes.", "This is no schema registry.")
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise self._strange(path) from None

    def _refused(self, status: int, path: str) -> RegistryUnreadable:
        if status in (401, 403):
            return RegistryUnreadable(
                f"{self._url} answers {status} to {path}.", "Put user:password into a variable: --auth env:NAME"
            )
        return RegistryUnreadable(
            f"{self._url} answers {status} to {path}.", "See that this is the address of a schema registry."
        )

    def _strange(self, path: str) -> RegistryUnreadable:
        return RegistryUnreadable(f"{self._url}{path} does not answer as a schema registry does.", "See the address.")


def _quoted(subject: str) -> str:
    return quote(subject, safe="")


def _references(stored: dict[str, Any]) -> tuple[Reference, ...]:
    raw = stored.get("references")
    return tuple(
        Reference(str(one.get("name", "")), str(one.get("subject", "")), int(one.get("version", 0)))
        for one in (raw if isinstance(raw, list) else [])
        if isinstance(one, dict)
    )


def _named(complete: Any) -> Any:
    """Schemas of other subjects were drawn in under their addresses; people know them by their subjects."""
    if not isinstance(complete, dict):
        return complete
    for word in ("$defs", "definitions"):
        group = complete.get(word)
        if isinstance(group, dict):
            complete = {**complete, word: dict(_by_subject(group))}
    return complete


def _by_subject(group: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    taken = set(group)
    for name, part in group.items():
        if name.startswith("urn:interlock:reference:"):
            plain = "_".join(name.split(":")[3:])
            name = plain if plain not in taken else name
            taken.add(name)
        yield name, part
