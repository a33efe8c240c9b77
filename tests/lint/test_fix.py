"""`interlock lint --fix`: the text keeps its form, the document its meaning, and a second time changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.contracts import pointer
from interlock.contracts.document_text import DocumentText
from interlock.contracts.lint.edit import Edit, Editor, Insert, Patch, Remove, Replace, applied, patched
from interlock.contracts.lint.json_editor import JsonEditor
from interlock.contracts.lint.repair import REPAIRS, class_of
from interlock.contracts.lint.samples import API
from interlock.contracts.lint.yaml_editor import YamlEditor

from .conftest import Desk

YAML = """\
# the shop
openapi: 3.1.0
info: {title: Shop, version: 1.0.0}
servers:
  - url: 'https://api.shop.test/'   # ours
paths:
  /a/{id}:
    parameters:
      - name: id
        in: path
        schema: {type: string}
    get:
      tags: [x, x]
      responses: {"200": {description: ok}}
components:
  schemas:
    A:
      type: object
      required: [email, email, note]
      properties:
        email:
          type: string   # theirs
        note: {type: string, enum: [a, b, a]}
        amount:
          description: >
            Long
            text
          type: string
    B:
      type: string
      enum:
        - a
        - b
        - a   # again
"""
FIXED = """\
# the shop
openapi: 3.1.0
info: {title: Shop, version: 1.0.0}
servers:
  - url: 'https://api.shop.test'   # ours
paths:
  /a/{id}:
    parameters:
      - name: id
        required: true
        in: path
        schema: {type: string}
    get:
      tags: [x]
      responses: {"200": {description: ok}}
components:
  schemas:
    A:
      type: object
      required: [email, note]
      properties:
        email:
          type: string   # theirs
          x-classification: pii
        note: {type: string, enum: [a, b], x-classification: internal}
        amount:
          description: >
            Long
            text
          type: string
          x-classification: financial
    B:
      type: string
      enum:
        - a
        - b
"""


def test_yaml_keeps_its_form_and_its_comments(desk: Desk) -> None:
    desk.put("api.yaml", YAML)
    desk.run("api.yaml", "--fix", "--classify", "internal")
    assert desk.read("api.yaml") == FIXED
    desk.run("api.yaml", "--fix", "--classify", "internal")
    assert desk.read("api.yaml") == FIXED


@pytest.mark.parametrize("style", [{"indent": 2}, {"indent": "\t"}, {"separators": (",", ":")}, {}])
def test_json_keeps_its_form(style: dict[str, Any], desk: Desk) -> None:
    wrong = DocumentText(YAML.encode()).value
    desk.put("api.json", json.dumps(wrong, **style))
    _, _, err = desk.run("api.json", "--fix", "--classify", "internal")
    assert "api.json  9 places put right" in err
    right = json.loads(desk.read("api.json"))
    assert desk.read("api.json") == json.dumps(right, **style)
    again = desk.run("api.json", "--fix", "--classify", "internal")
    assert "put right" not in again[2]
    assert not {rule for rule, _ in desk.found("api.json")} & REPAIRS.keys()


def test_nothing_is_guessed(desk: Desk) -> None:
    """A name that tells its class is enough; any other field waits for --classify."""
    desk.put("api.yaml", YAML)
    desk.run("api.yaml", "--fix")
    text = desk.read("api.yaml")
    assert "x-classification: pii" in text
    assert "x-classification: internal" not in text
    assert ("FIELD_UNCLASSIFIED", "/components/schemas/A/properties/note") in desk.found("api.yaml")
    assert desk.run("api.yaml", "--classify", "internal")[0] == 2


def test_an_estate_is_fixed_where_no_waiver_stands(shop: Desk) -> None:
    document = json.loads(shop.read(f"shop/{API}"))
    del document["components"]["schemas"]["Order"]["properties"]["total"]["x-classification"]
    shop.put(f"shop/{API}", json.dumps(document, indent=2))
    before = shop.read(f"shop/{API}")
    waiver = f'[[waiver]]\nrule = "FIELD_UNCLASSIFIED"\nplace = "{API}"\nreason = "Soon."\nowner = "team-orders"\n'
    shop.put("shop/waivers.toml", waiver + "expires = 2099-01-01\n")
    shop.run("shop", "--fix")
    assert shop.read(f"shop/{API}") == before
    shop.put("shop/waivers.toml", "")
    shop.run("shop", "--fix")
    fixed = json.loads(shop.read(f"shop/{API}"))["components"]["schemas"]["Order"]["properties"]["total"]
    assert fixed["x-classification"] == "financial"


def test_what_an_alias_shares_is_left_alone(desk: Desk) -> None:
    text = (
        "openapi: 3.0.3\ninfo: {title: S, version: 1.0.0}\npaths: {}\ncomponents:\n  schemas:\n"
        "    A: &a\n      type: string\n      enum: [x, x]\n    B: *a\n"
    )
    desk.put("api.yaml", text)
    desk.run("api.yaml", "--fix")
    assert desk.read("api.yaml") == text


def test_names_tell_classes() -> None:
    told = {name: class_of(name) for name in ("email", "customerEmail", "api_key", "unit_price", "sku", "emails_sent")}
    assert told == {
        "email": "pii", "customerEmail": "pii", "api_key": "secret", "unit_price": "financial", "sku": None,
        "emails_sent": None,
    }  # fmt: skip


_SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab: #'\"é\n-", max_size=6)
_NAMES = st.text("abc/~ é", min_size=1, max_size=4)
_DOCUMENTS = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=14,
).map(lambda value: {"root": value})


def _possible(node: Any, place: tuple[str | int, ...] = ()) -> list[Edit]:
    """Every edit that the document allows."""
    found: list[Edit] = []
    if isinstance(node, dict):
        found.append(Insert(pointer.join(place), "x-new", "added"))
        for name, part in node.items():
            found += _possible(part, (*place, name))
    elif isinstance(node, list):
        for index, part in enumerate(node):
            found += _possible(part, (*place, index))
            if index and not isinstance(part, dict | list):
                found.append(Remove(pointer.join((*place, index))))
    else:
        found.append(Replace(pointer.join(place), "other"))
    return found


def _edited(text: str, editor: Editor, edits: list[Edit]) -> tuple[str, list[Edit]]:
    patches: dict[Edit, Patch] = {one: patch for one in edits if (patch := editor.patch(one)) is not None}
    return patched(text, list(patches.values())), list(patches)


@settings(max_examples=150, deadline=None)
@given(_DOCUMENTS, st.data(), st.sampled_from([None, 1, 4, "\t"]), st.sampled_from([(",", ":"), (", ", ": ")]))
def test_an_edited_json_text_says_what_it_should(
    document: Any, data: st.DataObject, indent: int | str | None, separators: tuple[str, str]
) -> None:
    text = json.dumps(document, indent=indent, separators=separators)
    edit = data.draw(st.sampled_from(_possible(document)))
    after, made = _edited(text, JsonEditor(text), [edit])
    assert made == [edit]
    assert json.loads(after) == applied(document, made)
    if indent is not None and document["root"] not in ({}, []):
        lines = set(text.split("\n"))
        assert sum(line.rstrip(",") not in {one.rstrip(",") for one in lines} for line in after.split("\n")) <= 3


@settings(max_examples=150, deadline=None)
@given(_DOCUMENTS, st.data(), st.sampled_from([True, False, None]))
def test_an_edited_yaml_text_says_what_it_should(document: Any, data: st.DataObject, flow: bool | None) -> None:
    text = yaml.safe_dump(document, default_flow_style=flow, allow_unicode=True, sort_keys=False)
    if yaml.safe_load(text) != document:
        return
    edit = data.draw(st.sampled_from(_possible(document)))
    after, made = _edited(text, YamlEditor(text), [edit])
    assert yaml.safe_load(after) == applied(document, made)
