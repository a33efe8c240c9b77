"""Lints one contract of any kind; which kind it is, its content says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Any, NamedTuple

from interlock.contracts import pointer
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.document_kind import kinds_of
from interlock.contracts.event_contract import EXTENSION
from interlock.contracts.finding import Severity
from interlock.contracts.lint import asyncapi_grammar, openapi_grammar
from interlock.contracts.lint.grammar import Kind, compiled
from interlock.contracts.lint.rule import LintRule, Tokens
from interlock.contracts.lint.rules import LINT_RULES
from interlock.contracts.lint.scene import At, Language, Scene, tokens
from interlock.contracts.lint.schema_grammar import SCHEMA, SCHEMA_OLDER
from interlock.contracts.lint.shape import without
from interlock.contracts.lint.walk import MISSING, TYPE, UNKNOWN, Walk
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

    def flaws(self, document: Any, name: str = "", *, governed: bool | None = None, gather: bool = True) -> list[Flaw]:
        """In the order of the walk. Raises NoContract.

        governed    told by `x-interlock` unless it is given
        gather      in a document of others that classifies no field, that is one finding and not one for each field
        """
        language, version = language_of(document)
        root = _ROOTS[language]
        if governed is None:
            governed = isinstance(document.get(EXTENSION), dict)
        found: dict[Flaw, None] = {}
        misshapen: list[Tokens] = []

        def report(rule: LintRule, at: At, where: Tokens, detail: str) -> None:
            if rule is TYPE:
                misshapen.append((*tokens(at), *where))
            if rule.id in self._wanted:
                severity: Severity = "warning" if rule.governed and not governed else rule.severity
                found[Flaw(rule, severity, pointer.join((*tokens(at), *where)), detail)] = None

        def report_rest(rule: LintRule, at: At, where: Tokens, detail: str) -> None:
            if rule not in (TYPE, MISSING, UNKNOWN) and not (owners and tokens(at) in owners):
                report(rule, at, where, detail)

        shapes = _shapes(language, version)
        bare = Scene(document, language, version, name, governed)
        Walk(bare, shapes, report).run(shapes[root])
        owners = {place[:-1] for place in misshapen}  # first their shape, then what they say
        sound = without(document, misshapen) if misshapen else document
        scene = Scene(sound, language, version, name, governed)
        scene.references.update(bare.references)
        kinds = self.kinds(language, version)
        Walk(scene, kinds, report_rest).run(kinds[root])
        together = gather and not governed and not scene.memo.get("classified")
        return _gathered(list(found)) if together else list(found)

    def _kinds(self, language: Language, version: str) -> dict[str, Kind]:
        return compiled(_grammar(language, version), version, self._rules)


@cache
def _shapes(language: Language, version: str) -> dict[str, Kind]:
    """The bare grammar: what has another type than it should is found before any rule looks."""
    return compiled(_grammar(language, version), version, ())


def _grammar(language: Language, version: str) -> str:
    if language == "openapi":
        return openapi_grammar.GRAMMARS[version]
    if language == "asyncapi":
        return asyncapi_grammar.GRAMMARS[version]
    return SCHEMA if version == "2020-12" else SCHEMA_OLDER


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
    if _is_avro(document):
        raise NoContract("This is an Avro schema, which is not linted.")
    match = _DRAFT.search(str(document.get("$schema")))
    return "json-schema", (match["draft"] or f"draft-{match['old']}") if match else "2020-12"


def _is_avro(document: dict[str, Any]) -> bool:
    if "$schema" in document or EXTENSION in document:
        return False  # it says what it is, whatever its type looks like
    try:
        return "json-schema" not in kinds_of(document)
    except ContractInvalid:
        return False


def _gathered(found: list[Flaw]) -> list[Flaw]:
    fields = [flaw for flaw in found if flaw.rule.id == _UNCLASSIFIED]
    if len(fields) < 2:
        return found
    detail = f"None of {len(fields)} fields has a classification."
    first = fields[0]
    return [*(flaw for flaw in found if flaw.rule.id != _UNCLASSIFIED), first._replace(detail=detail)]
