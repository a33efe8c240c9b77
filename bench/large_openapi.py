"""A made-up OpenAPI document of some megabytes, shaped as big public ones are; the same for the same seed.

Shape: resources with five operations each, shared parameters and responses, schemas that refer to their neighbours (a
few in circles) and to small ones without references, descriptions of a sentence, examples at every third media type and
every fifth field. A few percent of the places break one of the rules that both linters have.
"""

from __future__ import annotations

import random
from typing import Any

Object = dict[str, Any]
_WORDS = """
account address balance batch card charge city claim code contact country coupon credit currency customer day
device discount dispute document event fee file group invoice item key label limit line link mandate member
method month note number offer order owner parcel payment payout period person plan price product quote rate
reader reason record refund region report return review role route rule scope session shop source state status
store subject tax team term ticket token total transfer unit user value vendor version visit volume week year
""".split()  # noqa: SIM905
_SENTENCE = 14
_FLAWED = 0.03


def large_openapi(resources: int, seed: int = 7) -> Object:
    """About 13 kB of compact JSON for each resource."""
    make = _Maker(random.Random(seed))
    names = [make.name(index) for index in range(resources)]
    schemas = {name: make.schema(name, _near(names, index)) for index, name in enumerate(names)}
    schemas |= {f"{name}List": make.listing(name) for name in names}
    paths: Object = {}
    for name in names:
        paths |= make.paths(name)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "Everything",
            "version": "1.0.0",
            "description": make.sentence(),
            "contact": {"name": "Us", "url": "https://us.test", "email": "us@us.test"},
        },
        "servers": [{"url": "https://api.us.test"}],
        "tags": [{"name": word, "description": make.sentence()} for word in _WORDS],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas | {"Problem": _PROBLEM},
            "parameters": {"Limit": _LIMIT},
            "responses": {"Refused": _REFUSED},
        },
    }


def _near(names: list[str], index: int) -> list[str]:
    """What a schema may refer to: nothing for two of five; else three such, and the next one, which may come round."""
    block = index - index % 5
    if index - block < 2:
        return []
    return [*names[block : block + 2], *names[block : block + 2], names[block + (index - block + 1) % 5]]


_PROBLEM: Object = {"type": "object", "properties": {"title": {"type": "string"}, "status": {"type": "integer"}}}
_LIMIT: Object = {"name": "limit", "in": "query", "description": "At most.", "schema": {"type": "integer"}}
_REFUSED: Object = {
    "description": "Refused.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


class _Maker:
    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._made = 0
        self._required: dict[str, list[str]] = {}

    def name(self, index: int) -> str:
        return "".join(self._chance.choice(_WORDS).capitalize() for _ in range(2)) + str(index)

    def sentence(self) -> str:
        return " ".join(self._chance.choices(_WORDS, k=_SENTENCE)).capitalize() + "."

    def _flawed(self) -> bool:
        return self._chance.random() < _FLAWED

    def schema(self, title: str, names: list[str]) -> Object:
        properties = {f"{self._chance.choice(_WORDS)}_{index}": self._field(names) for index in range(22)}
        plain = [name for name, field in properties.items() if "maxLength" in field and not field["nullable"]]
        required = plain[:4]
        self._required[title] = required
        return {"type": "object", "description": self.sentence(), "required": required, "properties": properties}

    def _field(self, names: list[str]) -> Object:
        self._made += 1
        draw = self._chance.random()
        if draw < 0.15 and names:
            return {"$ref": f"#/components/schemas/{self._chance.choice(names)}"}
        if draw < 0.25 and names:
            part = {"$ref": f"#/components/schemas/{self._chance.choice(names)}"}
            return {"type": "array", "description": self.sentence(), **({} if self._flawed() else {"items": part})}
        if draw < 0.4:
            values: list[Any] = self._chance.sample(_WORDS, 5)
            if self._flawed():
                values.append(self._chance.choice([values[0], 7]))
            return {"type": "string", "description": self.sentence(), "enum": values}
        field: Object = {"type": "string", "description": self.sentence(), "maxLength": 500, "nullable": draw > 0.9}
        if draw > 0.8:
            field = {"type": "integer", "description": self.sentence(), "minimum": 0}
        if self._made % 5 == 0:
            wrong = self._flawed()
            field["example"] = ("seven" if wrong else 7) if field["type"] == "integer" else (7 if wrong else "seven")
        return field

    def listing(self, name: str) -> Object:
        part = {"$ref": f"#/components/schemas/{name}"}
        return {"type": "object", "properties": {"data": {"type": "array", "items": part}}}

    def paths(self, name: str) -> Object:
        key = {"name": "id", "in": "path", "required": True, "description": "Which.", "schema": {"type": "string"}}
        plural = f"/{name.lower()}s" + ("/" if self._flawed() else "")
        one = f"/{name.lower()}s/{{id}}"
        return {
            plural: {
                "get": self._operation(f"list{name}", 200, f"{name}List", [{"$ref": "#/components/parameters/Limit"}]),
                "post": self._operation(f"create{name}", 201, name, [], body=name),
            },
            one: {
                "parameters": [] if self._flawed() else [key],
                "get": self._operation(f"read{name}", 200, name, [self._filter()]),
                "patch": self._operation(f"change{name}", 200, name, [], body=name),
                "delete": self._operation(f"remove{name}", 204, None, []),
            },
        }

    def _filter(self) -> Object:
        described = {} if self._flawed() else {"description": self.sentence()}
        return {"name": "expand", "in": "query", "schema": {"type": "string"}, **described}

    def _operation(
        self, operation: str, status: int, answer: str | None, parameters: list[Object], body: str | None = None
    ) -> Object:
        success: Object = {"description": self.sentence()}
        if answer:
            success["content"] = {"application/json": self._media(answer)}
        found: Object = {
            "operationId": operation,
            "summary": self.sentence(),
            "tags": [self._chance.choice(_WORDS)],
            "parameters": parameters,
            "responses": {str(status): success, "default": {"$ref": "#/components/responses/Refused"}},
        }
        if not self._flawed():
            found["description"] = self.sentence()
        if body:
            found["requestBody"] = {"required": True, "content": {"application/json": self._media(body)}}
        return found

    def _media(self, schema: str) -> Object:
        self._made += 1
        media: Object = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
        if self._made % 3 == 0:
            given = self._required.get(schema, [])
            media["example"] = {name: self.sentence() for name in given[1 if self._flawed() else 0 :]}
        return media
