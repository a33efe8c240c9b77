"""Lints one contract of any kind; which kind it is, its content says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from interlock.contracts import pointer
from interlock.contracts.event_contract import EXTENSION
from interlock.contracts.finding import Severity
from interlock.contracts.lint import asyncapi_grammar, openapi_grammar
from interlock.contracts.lint.grammar import Kind, compiled
from interlock.contracts.lint.rule import LintRule, Tokens
from interlock.contracts.lint.rules import LINT_RULES
from interlock.contracts.lint.scene import At, Language, Scene, tokens
from interlock.contracts.lint.schema_grammar import SCHEMA
from interlock.contracts.lint.walk import Walk
from interlock.contracts.schema_lint import Objection

_ROOTS = {"openapi": "OpenAPI", "asyncapi": "AsyncAPI", "json-schema": "Schema"}
_DRAFT = re.compile(r"draft[-/](?:(?P<draft>20\d\d-\d\d)|(?P<old>0\d))")
_UNCLASSIFIED = "FIELD_UNCLASSIFIED"


class Flaw(NamedTuple):
    """A rule broken at a JSON Pointer of the document."""

    rule: LintRule
    severity: Severity
    pointer: str
    detail: str


class NoContract(Exception):
    """A document of a kind or version that is not linted, and why."""


class Linter:
    """Rules compiled into tables, by kind of document. One may lint many documents."""

    def __init__(self, rules: Iterable[LintRule] = LINT_RULES) -> None:
        self._rules = tuple(rules)
        self._wanted = frozenset(rule.id for rule in self._rules)
        self.kinds = lru_cache(maxsize=None)(self._kinds)

    def flaws(self, document: Any, name: str = "", *, governed: bool | None = None) -> list[Flaw]:
        """In the order of the walk. `governed` is told by `x-interlock` unless it is given. Raises NoContract."""
        language, version = language_of(document)
        if governed is None:
            governed = isinstance(document.get(EXTENSION), dict)
        scene = Scene(document, language, version, name, governed)
        found: dict[Flaw, None] = {}

        def report(rule: LintRule, at: At, where: Tokens, detail: str) -> None:
            if rule.id in self._wanted:
                severity: Severity = "warning" if rule.governed and not governed else rule.severity
                found[Flaw(rule, severity, pointer.join((*tokens(at), *where)), detail)] = None

        kinds = self.kinds(language, version)
        Walk(scene, kinds, report).run(kinds[_ROOTS[language]])
        return list(found) if governed or scene.memo.get("classified") else _gathered(list(found))

    def _kinds(self, language: Language, version: str) -> dict[str, Kind]:
        if language == "openapi":
            return compiled(openapi_grammar.GRAMMARS[version], version, self._rules)
        if language == "asyncapi":
            return compiled(asyncapi_grammar.GRAMMARS[version], version, self._rules)
        return compiled(SCHEMA, version, self._rules)


_LINTER = Linter()


def objections(document: Any, name: str) -> Iterator[Objection]:
    """To a contract of an estate. Raises NoContract."""
    for flaw in _LINTER.flaws(document, name, governed=True):
        yield Objection(flaw.rule.id, flaw.pointer, flaw.detail)


def language_of(document: Any) -> tuple[Language, str]:
    """And its version, as the grammars name it. Raises NoContract."""
    if not isinstance(document, dict):
        raise NoContract("The document is no object, so no contract.")
    if "openapi" in document:
        version = ".".join(str(document["openapi"]).split(".")[:2])
        if version not in openapi_grammar.GRAMMARS:
            raise NoContract(f"OpenAPI {document['openapi']} is not linted; 3.0 and 3.1 are.")
        return "openapi", version
    if "asyncapi" in document:
        version = str(document["asyncapi"]).partition(".")[0]
        if version not in asyncapi_grammar.GRAMMARS:
            raise NoContract(f"AsyncAPI {document['asyncapi']} is not linted; 2 and 3 are.")
        return "asyncapi", version
    if "swagger" in document:
        raise NoContract("Swagger 2.0 is not linted; make it OpenAPI 3 first.")
    match = _DRAFT.search(str(document.get("$schema")))
    return "json-schema", (match["draft"] or f"draft-{match['old']}") if match else "2020-12"


def _gathered(found: list[Flaw]) -> list[Flaw]:
    """In a document that classifies nothing, that is one finding, and not one for each field."""
    fields = [flaw for flaw in found if flaw.rule.id == _UNCLASSIFIED]
    if len(fields) < 2:
        return found
    detail = f"None of {len(fields)} fields has a classification."
    first = fields[0]
    return [*(flaw for flaw in found if flaw.rule.id != _UNCLASSIFIED), first._replace(detail=detail)]
