"""An OpenAPI 3.0 or 3.1 document, read for those who speak to it: mocks, contract tests, generated clients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from interlock.contracts import pointer
from interlock.contracts.api.schema_bundle import Direction, bundled
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.document_schema import DocumentSchema, SchemaInvalid
from interlock.contracts.local_reference import ReferenceInvalid, followed

# In documents of megabytes nearly every schema reaches most others, so each validator holds hundreds of them, at some
# 40 kB each: together about 200 MB. The one that was not asked for longest goes first.
MAX_DEFINITIONS = 5_000
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_STYLES = {"path": "simple", "header": "simple", "query": "form", "cookie": "form"}


@dataclass(frozen=True, slots=True)
class Media:
    """One media type of a body. `schema` is None where the contract says nothing about the content."""

    schema: Any
    examples: Mapping[str, Any]
    place: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """`location` is path, query, header or cookie; `media` is set where `content` describes the value."""

    name: str
    location: str
    required: bool
    schema: Any
    style: str
    explode: bool
    media: str | None
    description: str
    place: str


@dataclass(frozen=True, slots=True)
class Body:
    required: bool
    content: Mapping[str, Media]


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is 200, 4XX or default, as the document writes it."""

    status: str
    headers: tuple[Parameter, ...]
    content: Mapping[str, Media]


@dataclass(frozen=True, slots=True)
class Operation:
    """`security` lists alternatives; each maps schemes to scopes, and an empty one lets anybody in."""

    id: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    body: Body | None
    answers: Mapping[str, Answer]
    security: tuple[Mapping[str, Any], ...]
    deprecated: bool
    summary: str
    place: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def answer(self, status: int) -> Answer | None:
        """The declared answer of a status: exact, then by class, then default (OpenAPI 3.1, 4.8.16)."""
        for key in (str(status), f"{status // 100}XX", f"{status // 100}xx", "default"):
            if key in self.answers:
                return self.answers[key]
        return None


class ApiDescription:
    """Raises ContractInvalid, whose pointer says where, for documents that it cannot read. Nothing is fetched."""

    def __init__(self, document: Any) -> None:
        version = str(document.get("openapi", "")) if isinstance(document, Mapping) else ""
        if not version.startswith(("3.0", "3.1")):
            found = "Swagger 2.0" if isinstance(document, Mapping) and "swagger" in document else version or "none"
            raise ContractInvalid("/openapi", f"The document is no OpenAPI 3.0 or 3.1 (found: {found}).")
        self.document: Mapping[str, Any] = document
        info = document.get("info") if isinstance(document.get("info"), Mapping) else {}
        self.title = str(info.get("title", "API"))
        self.version = str(info.get("version", ""))
        self.description = str(info.get("description", ""))
        # The one that was asked for last stands last; with each, how many schemas it was compiled of.
        self._validators: dict[tuple[str, Direction], tuple[DocumentSchema, int]] = {}
        self._definitions = 0
        try:
            self.operations = tuple(self._read())
        except ReferenceInvalid as error:
            raise ContractInvalid("", error.detail) from None
        except (AttributeError, TypeError, KeyError, ValueError) as error:
            raise ContractInvalid("/paths", f"The document has not the shape of OpenAPI: {error}.") from None
        self.base_paths = _base_paths(document)
        components = document.get("components") or {}
        self.schemes: Mapping[str, Any] = components.get("securitySchemes") or {}

    def places(self) -> dict[str, Any]:
        """The schema of every parameter, body and answer, by its place in the document; true where none is given."""
        found: dict[str, Any] = {}
        for operation in self.operations:
            for parameter in operation.parameters:
                found[parameter.place] = parameter.schema if parameter.schema is not None else True
            contents = [operation.body.content] if operation.body else []
            for content in [*contents, *(answer.content for answer in operation.answers.values())]:
                for media in content.values():
                    found[media.place] = media.schema if media.schema is not None else True
        return found

    def bundle(self, schema: Any, direction: Direction, place: str = "") -> Any:
        """See `bundled`; raises ContractInvalid."""
        try:
            return bundled(self.document, schema, direction)
        except ReferenceInvalid as error:
            raise ContractInvalid(place, error.detail) from None

    def followed(self, value: Any, place: str = "") -> Any:
        """What stands where the references lead. Raises ContractInvalid."""
        try:
            return followed(self.document, value)[1]
        except ReferenceInvalid as error:
            raise ContractInvalid(place, error.detail) from None

    def validator(self, schema: Any, direction: Direction, place: str) -> DocumentSchema:
        """Compiled once for each place and direction, as long as MAX_DEFINITIONS allow."""
        found = self._validators.pop((place, direction), None)
        if found is None:
            root = self.bundle(schema, direction, place)
            try:
                compiled = DocumentSchema(root if isinstance(root, dict) else {"allOf": [root]})
            except SchemaInvalid as error:
                raise ContractInvalid(place + error.pointer, error.detail) from None
            found = compiled, 1 + len(root.get("$defs", ())) if isinstance(root, dict) else 1
            self._definitions += found[1]
        self._validators[place, direction] = found
        while self._definitions > MAX_DEFINITIONS and len(self._validators) > 1:
            oldest = next(iter(self._validators))
            self._definitions -= self._validators.pop(oldest)[1]
        return found[0]

    def _read(self) -> Iterator[Operation]:
        for path, item in (self.document.get("paths") or {}).items():
            _, item = followed(self.document, item)
            for method in METHODS:
                if isinstance(item, Mapping) and isinstance(item.get(method), Mapping):
                    yield self._operation(path, method, item)

    def _operation(self, path: str, method: str, item: Mapping[str, Any]) -> Operation:
        own = item[method]
        place = pointer.join(["paths", path, method])
        merged: dict[tuple[str, str], Parameter] = {}
        for where, holder in ((pointer.join(["paths", path]), item), (place, own)):
            for at, raw in enumerate(holder.get("parameters") or ()):
                made = self._parameter(raw, f"{where}/parameters/{at}")
                merged[made.location, made.name] = made
        security = own.get("security", self.document.get("security")) or ()
        return Operation(
            id=str(own.get("operationId") or f"{method} {path}"),
            method=method.upper(),
            path=path,
            parameters=tuple(merged.values()),
            body=self._body(own.get("requestBody"), place + "/requestBody"),
            answers=self._answers(own.get("responses") or {}, place + "/responses"),
            security=tuple(security),
            deprecated=own.get("deprecated") is True,
            summary=str(own.get("summary") or own.get("description") or ""),
            place=place,
        )

    def _parameter(self, raw: Any, place: str, name: str | None = None, location: str | None = None) -> Parameter:
        _, raw = followed(self.document, raw)
        where = location or str(raw["in"])
        style = str(raw.get("style") or _STYLES[where])
        content = raw.get("content") or {}
        media = next(iter(content), None)
        schema = content[media].get("schema") if media else raw.get("schema")
        return Parameter(
            name=name or str(raw["name"]),
            location=where,
            required=raw.get("required") is True or where == "path",
            schema=_with_example(schema, raw),
            style=style,
            explode=bool(raw.get("explode", style == "form")),
            media=media,
            description=str(raw.get("description") or ""),
            place=f"{place}/schema",
        )

    def _body(self, raw: Any, place: str) -> Body | None:
        if raw is None:
            return None
        _, raw = followed(self.document, raw)
        return Body(raw.get("required") is True, self._content(raw.get("content") or {}, place))

    def _answers(self, raw: Mapping[str, Any], place: str) -> dict[str, Answer]:
        answers = {}
        for status, one in raw.items():
            if status.startswith("x-"):
                continue
            _, one = followed(self.document, one)
            where = f"{place}/{status}"
            headers = tuple(
                self._parameter(header, where + pointer.join(["headers", name]), name, "header")
                for name, header in (one.get("headers") or {}).items()
                if name.lower() != "content-type"
            )
            answers[status] = Answer(status, headers, self._content(one.get("content") or {}, where))
        return answers

    def _content(self, raw: Mapping[str, Any], place: str) -> dict[str, Media]:
        return {
            media: Media(one.get("schema"), self._examples(one), place + pointer.join(["content", media, "schema"]))
            for media, one in raw.items()
        }

    def _examples(self, media: Mapping[str, Any]) -> dict[str, Any]:
        """By name; the nameless `example` is `example`. Values that stand elsewhere (externalValue) are not fetched."""
        named = {}
        for name, one in (media.get("examples") or {}).items():
            _, one = followed(self.document, one)
            if isinstance(one, Mapping) and "value" in one:
                named[name] = one["value"]
        return {"example": media["example"], **named} if "example" in media else named


def _with_example(schema: Any, raw: Mapping[str, Any]) -> Any:
    if "example" in raw and isinstance(schema, Mapping) and "$ref" not in schema:
        return {**schema, "examples": [raw["example"]]}
    return schema


def _base_paths(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths of the servers' addresses, without those that hold variables."""
    urls = [str(one.get("url", "")) for one in document.get("servers") or () if isinstance(one, Mapping)]
    paths = {urlsplit(url).path.rstrip("/") for url in urls if "{" not in url}
    return tuple(sorted(path for path in paths if path))
