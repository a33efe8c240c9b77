"""Rules for what every document has: its members, its references, what it says of itself."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from interlock.contracts import local_reference, pointer
from interlock.contracts.lint.rule import Flaws, LintRule
from interlock.contracts.lint.samples import API, ASYNCAPI, EVENT
from interlock.contracts.lint.scene import Scene, tokens
from interlock.contracts.local_reference import ReferenceInvalid

ROOTS = ("OpenAPI", "AsyncAPI", "Schema")
SPECIFIED = ("OpenAPI", "AsyncAPI")
_SCRIPT = re.compile(r"<\s*script\b|\beval\s*\(|javascript:", re.IGNORECASE)
_SEMVER = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
_ANCHORED = re.compile(r"#[A-Za-z_][A-Za-z0-9._-]*")
# Objects of components that are used by name, not by reference, have rules of their own.
_COUNTED = frozenset(
    {"schemas", "responses", "parameters", "examples", "requestBodies", "headers", "links", "callbacks", "pathItems"}
    | {"messages", "channels", "servers", "serverVariables", "correlationIds", "operationTraits", "messageTraits"}
    | {"replies", "replyAddresses", "operations", "tags", "externalDocs"}
)  # fmt: skip
_DEAD = '{"components": {"schemas": {"Order": {"properties": {"note": {"$ref": "#/components/schemas/Gone"}}}}}}'


def _note(schema: str) -> str:
    return '{"components": {"schemas": {"Order": {"properties": {"note": ' + schema + "}}}}}"


def _empty(node: Any, scene: Scene) -> Flaws:
    if scene.version == "3.1" and not {"paths", "webhooks", "components"} & node.keys():
        yield (), "The document has neither paths nor webhooks nor components."


def _dangling(node: Any, scene: Scene) -> Flaws:
    anchors: set[str] | None = None
    for reference, at in scene.references.items():
        if not reference.startswith("#"):
            continue
        if _ANCHORED.fullmatch(reference):
            anchors = _anchors(node) if anchors is None else anchors
            if reference[1:] not in anchors:
                yield (*tokens(at), "$ref"), f"{reference} names no anchor of this document."
            continue
        try:
            local_reference.target(node, reference)
        except ReferenceInvalid as problem:
            yield (*tokens(at), "$ref"), problem.detail


def _anchors(node: Any) -> set[str]:
    found: set[str] = set()
    if isinstance(node, dict):
        found |= {node[word] for word in ("$anchor", "$dynamicAnchor") if isinstance(node.get(word), str)}
        node = list(node.values())
    for one in node if isinstance(node, list) else ():
        if isinstance(one, dict | list):
            found |= _anchors(one)
    return found


def _circular(node: Any, scene: Scene) -> Flaws:
    for reference, at in scene.references.items():
        seen, current = {reference}, reference
        while True:
            try:
                _, value = local_reference.target(node, current)
            except ReferenceInvalid:
                break
            onwards = value.get("$ref") if isinstance(value, dict) else None
            if not isinstance(onwards, str):
                break
            if onwards in seen:
                yield (*tokens(at), "$ref"), f"{reference} refers to itself and to nothing else."
                break
            seen.add(onwards)
            current = onwards


def _remote(node: Any, scene: Scene) -> Flaws:
    for reference, at in scene.references.items():
        if not reference.startswith("#"):
            yield (*tokens(at), "$ref"), f"{scene.subject(at)} refers to {reference}."


def _siblings(node: Any, scene: Scene) -> Flaws:
    if scene.language == "openapi" and scene.version != "3.1" and isinstance(node["$ref"], str):
        for name in node:
            if name != "$ref" and not name.startswith("x-"):
                yield (name,), f'"{name}" stands beside "$ref", and OpenAPI {scene.version} ignores it.'


def _unused(node: Any, scene: Scene) -> Flaws:
    components = node.get("components")
    if not isinstance(components, dict):
        return
    used = {tuple(_split(reference)[:3]) for reference in scene.references}
    for group, members in components.items():
        if group in _COUNTED and isinstance(members, dict):
            for name in members:
                if ("components", group, name) not in used and name not in scene.mapped:
                    yield ("components", group, name), f"Nothing refers to {group}/{name}."


def _split(reference: str) -> tuple[str, ...]:
    try:
        return pointer.split(unquote(reference[1:])) if reference.startswith("#/") else ()
    except ValueError:
        return ()


def _script(node: Any, scene: Scene) -> Flaws:
    for name in ("description", "title"):
        text = node.get(name)
        if type(text) is str and ("<" in text or "(" in text or ":" in text) and _SCRIPT.search(text):
            yield (name,), f"{name} holds script."


def _no_contact(node: Any, scene: Scene) -> Flaws:
    if not node.get("contact") and not scene.governed:
        yield (), "The document names nobody to ask."


def _contact(node: Any, scene: Scene) -> Flaws:
    if not node.get("url") and not node.get("email") and not scene.governed:
        yield (), "The contact has neither url nor email."


def _no_description(node: Any, scene: Scene) -> Flaws:
    if not node.get("description"):
        yield (), "info has no description."


def _no_license(node: Any, scene: Scene) -> Flaws:
    if not node.get("license") and not scene.governed:
        yield (), "info has no license."


def _license(node: Any, scene: Scene) -> Flaws:
    if not node.get("url") and not node.get("identifier"):
        yield (), "The license has neither url nor identifier."


def _version(node: Any, scene: Scene) -> Flaws:
    if isinstance(node["version"], str) and not _SEMVER.fullmatch(node["version"]):
        yield ("version",), f"{node['version']} is no semantic version."


DOCUMENT_RULES: tuple[LintRule, ...] = (
    LintRule(
        id="MEMBER_UNKNOWN",
        purpose="A member that the specification does not have is ignored: a misspelt one silently does nothing.",
        fix='Correct the name, or begin the name of your own with "x-".',
        place=API,
        bad='{"info": {"sumary": "Orders."}}',
        good='{"info": {"summary": "Orders."}}',
        source="OpenAPI 3.1 section 4.8, AsyncAPI",
        spectral=("oas3-schema", "asyncapi-schema", "asyncapi-3-document-resolved", "asyncapi-3-document-unresolved"),
    ),
    LintRule(
        id="MEMBER_MISSING",
        purpose="Tools fail, each in its own way, where a member is missing that the specification requires.",
        fix="Add it.",
        place=API,
        bad='{"info": {"title": null}}',
        good="{}",
        source="OpenAPI 3.1 section 4.8, AsyncAPI",
        spectral=("oas3-schema", "asyncapi-schema", "asyncapi-3-document-resolved", "asyncapi-3-document-unresolved"),
    ),
    LintRule(
        id="MEMBER_TYPE",
        purpose="A member of another type than the specification says is read differently by each tool.",
        fix="Write it as the specification has it.",
        place=API,
        bad='{"tags": {"name": "orders"}}',
        good="{}",
        source="OpenAPI 3.1 section 4.8, AsyncAPI",
        spectral=("oas3-schema", "asyncapi-schema", "asyncapi-3-document-resolved", "asyncapi-3-document-unresolved"),
    ),
    LintRule(
        id="DOCUMENT_EMPTY",
        purpose="A document without paths, webhooks and components describes nothing.",
        fix='Add "paths".',
        place=API,
        bad='{"paths": null, "webhooks": null, "components": null, "security": null}',
        good="{}",
        source="OpenAPI 3.1 section 4.8.1",
        spectral=("oas3-schema",),
        on=("OpenAPI",),
        check=_empty,
    ),
    LintRule(
        id="REFERENCE_DANGLING",
        purpose="A reference to nothing leaves a hole where the contract should be.",
        fix="Correct the reference, or add what it means.",
        place=API,
        bad=_DEAD,
        good=_note('{"$ref": "#/components/schemas/Problem", "x-classification": "internal"}'),
        source="Spectral core",
        spectral=("invalid-ref",),
        on=ROOTS,
        when="end",
        check=_dangling,
    ),
    LintRule(
        id="REFERENCE_CIRCULAR",
        purpose="A reference that only leads back to itself describes nothing, and sends naive readers round for ever.",
        fix="Let one of the references in the circle be what it is meant to be.",
        place=API,
        bad='{"components": {"schemas": {"A": {"$ref": "#/components/schemas/B"},'
        ' "B": {"$ref": "#/components/schemas/A"}}}}',
        good=_note('{"$ref": "#/components/schemas/Order", "x-classification": "internal"}'),
        source="JSON Schema 2020-12 core section 9.4.1",
        on=ROOTS,
        when="end",
        check=_circular,
    ),
    LintRule(
        id="REFERENCE_REMOTE",
        purpose="A reference out of the file changes the contract behind its back, and would need the network.",
        fix='Copy the schema under "$defs" and refer to "#/$defs/…".',
        place=EVENT,
        bad='{"properties": {"note": {"$ref": "https://example.com/note.json", "x-classification": "internal"}}}',
        good='{"$defs": {"note": {"type": "string", "maxLength": 80, "x-classification": "internal"}},'
        ' "properties": {"note": {"$ref": "#/$defs/note"}}}',
        waivable=False,
        needed=True,
        source="Interlock",
        on=ROOTS,
        when="end",
        check=_remote,
    ),
    LintRule(
        id="REFERENCE_SIBLINGS",
        purpose='OpenAPI 3.0 and JSON Schema draft 7 ignore what stands beside "$ref"; readers do not know that.',
        fix="Take it away, or put both into allOf.",
        place=API,
        bad='{"openapi": "3.0.3", "components": {"schemas": {"Order": {"properties": {"note":'
        ' {"$ref": "#/components/schemas/Problem", "description": "A note."}}}}}}',
        good='{"openapi": "3.0.3", "components": {"schemas": {"Order": {"properties": {"note":'
        ' {"$ref": "#/components/schemas/Problem"}}}}}}',
        source="Spectral oas",
        spectral=("no-$ref-siblings",),
        on=("Schema", "SchemaPart"),
        when=("$ref",),
        check=_siblings,
    ),
    LintRule(
        id="COMPONENT_UNUSED",
        purpose="What nothing refers to is read, reviewed and kept for nobody.",
        fix="Refer to it, or remove it.",
        place=API,
        bad='{"components": {"schemas": {"Spare": {"type": "string", "maxLength": 9}}}}',
        good="{}",
        severity="warning",
        source="Spectral oas, asyncapi",
        spectral=("oas3-unused-component", "asyncapi-unused-components-schema", "asyncapi-unused-components-server"),
        on=SPECIFIED,
        when="end",
        check=_unused,
    ),
    LintRule(
        id="MARKDOWN_SCRIPT",
        purpose="Descriptions are shown as Markdown in portals; script in one runs in the reader's browser.",
        fix="Take the script out.",
        place=API,
        bad='{"info": {"description": "<script>alert(1)</script>"}}',
        good="{}",
        source="Spectral oas",
        spectral=("no-script-tags-in-markdown", "no-eval-in-markdown"),
        on=("Info", "Operation", "Tag", "Parameter", "Schema", "Response", "PathItem", "Channel", "Message"),
        when=("description",),
        check=_script,
    ),
    LintRule(
        id="INFO_CONTACT_MISSING",
        purpose="Who uses a contract needs somebody to ask. Of contracts of an estate the owner says it.",
        fix='Add "contact" to info: name, url and email.',
        place=ASYNCAPI,
        bad='{"x-interlock": null, "info": {"contact": null}}',
        good="{}",
        severity="warning",
        source="Spectral oas, Zalando 218",
        spectral=("info-contact", "asyncapi-info-contact"),
        on=("Info",),
        check=_no_contact,
    ),
    LintRule(
        id="CONTACT_INCOMPLETE",
        purpose="A contact without an address cannot be reached.",
        fix="Give url or email.",
        place=ASYNCAPI,
        bad='{"x-interlock": null, "info": {"contact": {"email": null, "url": null}}}',
        good="{}",
        severity="warning",
        source="Spectral oas",
        spectral=("contact-properties", "asyncapi-info-contact-properties"),
        on=("Contact",),
        check=_contact,
    ),
    LintRule(
        id="INFO_DESCRIPTION_MISSING",
        purpose="The first sentence that a reader looks for is what this is.",
        fix='Add "description" to info.',
        place=API,
        bad='{"info": {"description": null}}',
        good="{}",
        severity="warning",
        source="Spectral oas, Zalando 218",
        spectral=("info-description", "asyncapi-info-description"),
        on=("Info",),
        check=_no_description,
    ),
    LintRule(
        id="INFO_LICENSE_MISSING",
        purpose="Without a licence nobody outside the house may copy the contract into a client.",
        fix='Add "license" to info: a name, and a url or an SPDX identifier.',
        place=ASYNCAPI,
        bad='{"x-interlock": null, "info": {"license": null}}',
        good="{}",
        severity="warning",
        source="Spectral oas, asyncapi",
        spectral=("info-license", "asyncapi-info-license"),
        on=("Info",),
        check=_no_license,
    ),
    LintRule(
        id="LICENSE_URL_MISSING",
        purpose="The name of a licence alone does not say its terms.",
        fix='Add "url" or, in OpenAPI 3.1, "identifier".',
        place=API,
        bad='{"info": {"license": {"url": null}}}',
        good="{}",
        severity="warning",
        source="Spectral oas, asyncapi",
        spectral=("license-url", "asyncapi-info-license-url"),
        on=("License",),
        check=_license,
    ),
    LintRule(
        id="INFO_VERSION_SEMVER",
        purpose="Readers decide by the number whether they have to look; so it must be one that says so.",
        fix="Write major.minor.patch (semver.org).",
        place=ASYNCAPI,
        bad='{"info": {"version": "v2"}}',
        good='{"info": {"version": "2.0.0"}}',
        severity="warning",
        source="Zalando 116",
        on=("Info",),
        when=("version",),
        check=_version,
    ),
)
BY_ID = {rule.id: rule for rule in DOCUMENT_RULES}
