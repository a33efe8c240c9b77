"""`interlock lint` as a user types it: what is named, what comes out, which exit code."""

from __future__ import annotations

import json
from itertools import cycle
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from interlock.cli.main import main
from interlock.contracts.lint.linter import Linter
from interlock.contracts.lint.rules import LINT_RULES
from interlock.contracts.lint.samples import API, ASYNCAPI, SAMPLES, WEBHOOK
from interlock.contracts.rule import RULES

from .conftest import Desk

OPEN = {"openapi": "3.1.0", "info": {"title": "Shop", "version": "1.0.0"}, "paths": {"/orders": {"post": {}}}}
MINE = """\
openapi: 3.1.0
x-interlock: {owner: team-orders}
info: {title: Shop, version: 1.0.0}
paths:
  /orders:
    post:
      operationId: place order
      responses:
        "201": {description: Placed.}
"""


def test_findings_have_place_reason_and_next_step(desk: Desk) -> None:
    desk.put("shop.yaml", MINE)
    code, out, err = desk.run("shop.yaml")
    assert (code, err) == (1, "")
    assert (
        "shop.yaml:7  OPERATION_ID_IN_URL  error\n"
        "   place order has characters that a URL cannot hold.\n"
        "   Use letters, digits and - . _ ~ only.\n"
    ) in out
    assert "shop.yaml:6  IDEMPOTENCY_KEY_MISSING  error\n" in out
    assert out.splitlines()[-1].startswith("3 errors and 7 warnings in 1 contract, ")


def test_what_is_asked_of_our_own_only_warns_of_others(desk: Desk) -> None:
    desk.put("mine.yaml", MINE)
    desk.put("theirs.yaml", MINE.replace("x-interlock: {owner: team-orders}\n", ""))
    rules = ("--rules", "IDEMPOTENCY_KEY_MISSING,OWNER_MISSING")
    assert [(one["rule"], one["severity"]) for one in desk.document("mine.yaml", *rules)["findings"]] == [
        ("IDEMPOTENCY_KEY_MISSING", "error")
    ]
    assert sorted((one["rule"], one["severity"]) for one in desk.document("theirs.yaml", *rules)["findings"]) == [
        ("IDEMPOTENCY_KEY_MISSING", "warning"),
        ("OWNER_MISSING", "warning"),
    ]


def test_a_document_of_others_that_classifies_nothing_is_told_once(desk: Desk) -> None:
    fields = {name: {"type": "string"} for name in "abc"}
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": fields}
    rules = ("--rules", "FIELD_UNCLASSIFIED")
    desk.put("a.json", schema)
    (one,) = desk.document("a.json", *rules)["findings"]
    assert one["message"] == "None of 3 fields has a classification."
    desk.put("a.json", {**schema, "x-interlock": {"owner": "team-orders"}})
    assert len(desk.document("a.json", *rules)["findings"]) == 3


def test_severity_and_strict(desk: Desk) -> None:
    warned = json.loads(SAMPLES[ASYNCAPI])
    del warned["info"]["description"]
    desk.put("a.json", warned)
    assert desk.run("a.json")[0] == 0
    assert desk.run("a.json", "--strict")[0] == 1
    assert desk.document("a.json", "--severity", "error")["findings"] == []
    assert desk.run("a.json", "--strict", "--severity", "error")[0] == 0


def test_an_estate_and_a_file_of_it(shop: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    api = json.loads(shop.read(f"shop/{API}"))
    del api["paths"]["/orders"]["post"]["responses"]["409"]
    shop.put(f"shop/{API}", api)
    webhook = json.loads(shop.read(f"shop/{WEBHOOK}"))
    webhook["x-interlock"]["owner"] = "team-ghost"
    shop.put(f"shop/{WEBHOOK}", webhook)
    assert {(one["rule"], one["file"]) for one in shop.document("shop")["findings"]} == {
        ("CONFLICT_UNDOCUMENTED", f"shop/{API}"),
        ("OWNER_UNKNOWN", f"shop/{WEBHOOK}"),
    }
    assert {one["rule"] for one in shop.document(f"shop/{WEBHOOK}")["findings"]} == {"OWNER_UNKNOWN"}
    monkeypatch.chdir(shop.root / "shop")
    assert len(shop.document()["findings"]) == 2


def test_check_has_the_errors_and_not_the_advice(shop: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    api = json.loads(shop.read(f"shop/{API}"))
    del api["paths"]["/orders"]["post"]["responses"]["409"]
    del api["paths"]["/orders"]["post"]["description"]
    shop.put(f"shop/{API}", api)
    assert {rule for rule, _ in shop.found("shop")} == {"CONFLICT_UNDOCUMENTED", "OPERATION_UNDESCRIBED"}
    assert main(["check", "shop", "--json"]) == 1
    found = {one["code"] for one in json.loads(capsys.readouterr().out)["findings"]}
    assert found & {rule.id for rule in LINT_RULES} == {"CONFLICT_UNDOCUMENTED"}


def test_an_engine_starts_with_what_only_people_need(shop: Desk) -> None:
    from interlock.estate.loader import load

    api = json.loads(shop.read(f"shop/{API}"))
    del api["paths"]["/orders"]["post"]["responses"]["409"]
    shop.put(f"shop/{API}", api)
    assert load(shop.root / "shop").name == "shop"


def test_a_folder_is_searched_for_contracts(desk: Desk) -> None:
    desk.put("specs/a.yaml", MINE)
    desk.put("specs/deep/b.json", SAMPLES[ASYNCAPI])
    desk.put("specs/package.json", {"name": "no contract"})
    desk.put("specs/node_modules/c.json", SAMPLES[ASYNCAPI])
    assert desk.document("specs")["files"] == ["specs/a.yaml", "specs/deep/b.json"]
    desk.put("other/package.json", {"name": "no contract"})
    code, _, err = desk.run("other")
    assert code == 2
    assert "There is no contract here." in err


def test_a_waiver_has_a_reason_and_an_end(desk: Desk) -> None:
    desk.put("specs/shop.yaml", MINE)
    waiver = """
[[waiver]]
rule = "OPERATION_ID_IN_URL"
place = "specs/shop.yaml#/paths"
reason = "The old client reads it."
owner = "team-orders"
expires = {}
"""
    desk.put("waivers.toml", waiver.format("2099-01-01"))
    document = desk.document("specs/shop.yaml", "--waivers", "waivers.toml")
    assert "OPERATION_ID_IN_URL" not in {one["rule"] for one in document["findings"]}
    assert [(one["rule"], one["reason"]) for one in document["waived"]] == [
        ("OPERATION_ID_IN_URL", "The old client reads it.")
    ]
    desk.put("waivers.toml", waiver.format("2020-01-01"))
    document = desk.document("specs/shop.yaml", "--waivers", "waivers.toml")
    assert "OPERATION_ID_IN_URL" in {one["rule"] for one in document["findings"]}
    desk.put("waivers.toml", waiver.format("2099-01-01").replace('reason = "The old client reads it."\n', ""))
    code, _, err = desk.run("specs/shop.yaml", "--waivers", "waivers.toml")
    assert (code, "The waiver has no reason." in err) == (2, True)
    desk.put("waivers.toml", waiver.format("2099-01-01").replace("OPERATION_ID_IN_URL", "REFERENCE_REMOTE"))
    assert "REFERENCE_REMOTE cannot be waived." in desk.run("specs/shop.yaml", "--waivers", "waivers.toml")[2]


def test_secrets_are_found_in_any_contract(desk: Desk) -> None:
    desk.put("shop.yaml", MINE + "# whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
    (one,) = desk.document("shop.yaml", "--rules", "SECRET_LITERAL")["findings"]
    assert (one["line"], one["message"]) == (10, "This line holds a Standard Webhooks secret.")


def test_formats_agree(desk: Desk) -> None:
    desk.put("shop.yaml", MINE)
    found = desk.document("shop.yaml")["findings"]
    sarif = json.loads(desk.run("shop.yaml", "--format", "sarif")[1])
    (run,) = sarif["runs"]
    assert sarif["version"] == "2.1.0"
    assert [
        (one["ruleId"], one["locations"][0]["physicalLocation"]["region"]["startLine"]) for one in run["results"]
    ] == [(one["rule"], one["line"]) for one in found]
    junit = ElementTree.fromstring(desk.run("shop.yaml", "--format", "junit")[1].encode())
    assert len(junit.findall(".//failure")) == sum(one["severity"] == "error" for one in found)
    markdown = desk.run("shop.yaml", "--format", "markdown")[1].replace("\\_", "_")
    assert all(one["rule"] in markdown for one in found)


def test_many_findings_of_a_rule_are_shown_short_unless_it_is_asked_for(desk: Desk) -> None:
    fields = {f"f{index}": {"type": "array"} for index in range(12)}
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "properties": fields}
    desk.put("a.json", schema)
    out = desk.run("a.json")[1]
    assert out.count("ARRAY_ITEMS_MISSING  error") == 5
    assert "a.json  ARRAY_ITEMS_MISSING  and 7 more: interlock lint a.json --rules ARRAY_ITEMS_MISSING\n" in out
    assert desk.run("a.json", "--rules", "ARRAY_ITEMS_MISSING")[1].count("ARRAY_ITEMS_MISSING  error") == 12


def test_rules_are_listed_and_misspelt_ones_told(desk: Desk) -> None:
    code, out, _ = desk.run("--explain")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == [rule.id for rule in RULES]
    for words in (["--explain", "ENUM_DUPLICATE"], ["x.json", "--rules", "ENUM_DUPLICATE"]):
        code, _, err = desk.run(*words)
        assert code == 2
        assert "Did you mean ENUM_DUPLICATED" in err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "bad.json:1  "),
        ('{"openapi": "3.1.0",\n"openapi": "3.1.0"}', "bad.json:2  "),
        ('{"swagger": "2.0"}', "Swagger 2.0 is not linted"),
        ('{"openapi": "4.0.0"}', "OpenAPI 4.0.0 is not linted"),
        ('{"asyncapi": "1.2.0"}', "AsyncAPI 1.2.0 is not linted"),
        ("[1]", "The document is no object"),
    ],
)
def test_what_cannot_be_linted_is_exit_2_and_the_rest_is_still_linted(content: str, said: str, desk: Desk) -> None:
    desk.put("bad.json", content)
    desk.put("shop.yaml", MINE)
    code, out, err = desk.run("bad.json", "shop.yaml", "missing.json")
    assert code == 2
    assert said in err
    assert "missing.json  It cannot be read" in err
    assert "shop.yaml:7  OPERATION_ID_IN_URL" in out


def test_any_shape_of_document_is_survived() -> None:
    """Each member of the sound documents is replaced by values of any type: findings, never a crash."""
    values = cycle((None, 7, "x", [], {}, [None], {"a": None}, True, [{"$ref": 7}], {"$ref": "#/"}, 1.5))
    linter = Linter()
    for text in SAMPLES.values():
        document = json.loads(text)
        for path in _places(document):
            holder, last = _holder(document, path)
            for value in (next(values), next(values), next(values)) if path[0] not in ("openapi", "asyncapi") else ():
                kept, holder[last] = holder[last], value
                linter.flaws(document)
                holder[last] = kept


def _places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, part in items:
        if len(path) < 9:
            found += _places(part, (*path, name))
    return found


def _holder(document: Any, path: tuple[Any, ...]) -> tuple[Any, Any]:
    for token in path[:-1]:
        document = document[token]
    return document, path[-1]


def test_every_shipped_estate_passes_every_rule(capsys: pytest.CaptureFixture[str]) -> None:
    root = Path(__file__).parents[2]
    for estate in ("estates/commerce", "bench/estate"):
        assert main(["lint", str(root / estate), "--strict"]) == 0, capsys.readouterr().out
