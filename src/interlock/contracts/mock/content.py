"""The content of a mock's answers: what is held, then the author's examples, then generated; always valid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from interlock.contracts.api.description import Answer, ApiDescription, Media, Parameter
from interlock.contracts.api.media_range import is_json
from interlock.contracts.api.schema_bundle import resolved
from interlock.contracts.mock.sample import NoSample, sample

Generator = Callable[[Any, int], Iterator[Any]]
"""Valid documents of a bundled schema, for a seed."""

# A prime: neighbours in a pool are alike, calls one after the other should not be.
_STRIDE = 17
_VARIATIONS = 30


class Content(NamedTuple):
    """`note` says what the caller should know: an example that breaks its schema, for one."""

    value: Any
    note: str = ""


class NoContent(Exception):
    """Nothing valid can be answered; the text says why and what would help."""


class ContentSource:
    """Chooses among what the contract offers. Deterministic for one seed."""

    def __init__(self, api: ApiDescription, generate: Generator, seed: int) -> None:
        self._api = api
        self._generate = generate
        self._seed = seed
        self._turn = 0
        self._pools: dict[str, list[Any]] = {}

    def of(self, media: Media, media_type: str, example: str | None, dynamic: bool) -> Content:
        """Raises NoContent."""
        if example is not None:
            return self._asked(media, media_type, example)
        note = ""
        if not dynamic:
            for name, value in media.examples.items():
                if self.is_valid(media, media_type, value):
                    return Content(value, note)
                note = note or f"the example {name} breaks the contract and was not used"
            return Content(self._made(media, media_type), note)
        pool = self._pool(media, media_type)
        if not pool:
            return Content(self._made(media, media_type), "no further data could be generated")
        self._turn += 1
        return Content(pool[(self._turn * _STRIDE) % len(pool)])

    def _pool(self, media: Media, media_type: str) -> list[Any]:
        """What can be generated, made once; callers get one after the other."""
        if media.place not in self._pools:
            schema = self._schema(media)
            made = [*self._varied(schema), *self._generate(schema, self._seed)]
            self._pools[media.place] = [value for value in made if self.is_valid(media, media_type, value)]
        return self._pools[media.place]

    def _varied(self, schema: Any) -> Iterator[Any]:
        for turn in range(1, _VARIATIONS + 1):
            try:
                yield sample(schema, self._seed * _VARIATIONS + turn, self._generate)
            except NoSample:
                return

    def is_valid(self, media: Media, media_type: str, value: Any) -> bool:
        if media.schema is None or not is_json(media_type):
            return media.schema is None or isinstance(value, str | dict)
        return self._api.validator(media.schema, "response", media.place).is_valid(value)

    def header(self, parameter: Parameter) -> str | None:
        """A valid value of a declared header as text (style simple); None when none can be made."""
        root = self._api.bundle(parameter.schema if parameter.schema is not None else {}, "response", parameter.place)
        try:
            value = sample(root)
        except NoSample:
            return None
        schema = parameter.schema if parameter.schema is not None else {}
        validator = self._api.validator(schema, "response", parameter.place)
        if not validator.is_valid(value):
            value = next((one for one in self._generate(root, self._seed) if validator.is_valid(one)), None)
        return None if value is None else header_text(value)

    def fields(self, media: Media) -> frozenset[str] | None:
        """The declared fields of an object, None when it takes others too."""
        root = self._schema(media)
        top = resolved(root, root)
        if not isinstance(top, Mapping) or top.get("additionalProperties") is not False:
            return None
        return frozenset(top.get("properties") or ())

    def list_field(self, media: Media) -> str | None:
        """Where an answer holds a list: "" when it is one itself, the only list among its fields, or None."""
        root = self._schema(media)
        top = resolved(root, root)
        if not isinstance(top, Mapping):
            return None
        if top.get("type") == "array":
            return ""
        fields = {name: resolved(root, part) for name, part in (top.get("properties") or {}).items()}
        lists = [name for name, part in fields.items() if isinstance(part, Mapping) and part.get("type") == "array"]
        return lists[0] if len(lists) == 1 else None

    def _schema(self, media: Media) -> Any:
        return self._api.bundle(media.schema if media.schema is not None else {}, "response", media.place)

    def _asked(self, media: Media, media_type: str, example: str) -> Content:
        value = media.examples[example]
        if not self.is_valid(media, media_type, value):
            wrong = self._api.validator(media.schema, "response", media.place).errors(value)[0]
            where = wrong["pointer"] or "the whole"
            raise NoContent(f"The example {example} breaks the contract: {where}: {wrong['detail']}.")
        return Content(value)

    def _made(self, media: Media, media_type: str) -> Any:
        schema = self._schema(media)
        try:
            value = sample(schema, 0, self._generate)
            if self.is_valid(media, media_type, value):
                return value
        except NoSample:
            pass
        for value in self._generate(schema, self._seed):
            if self.is_valid(media, media_type, value):
                return value
        raise NoContent(f"No valid {media_type} could be made. Add an example to the contract.")


def example_names(answers: Mapping[str, Answer]) -> list[str]:
    return sorted({name for answer in answers.values() for media in answer.content.values() for name in media.examples})


def header_text(value: Any) -> str:
    """Style simple (RFC 6570 section 3.2.2): lists joined by commas. A header has one line."""
    if isinstance(value, list):
        return ",".join(header_text(one) for one in value)
    if isinstance(value, dict):
        return ",".join(f"{name},{header_text(one)}" for name, one in value.items())
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(str(value).split())
