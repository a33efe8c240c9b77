"""Makes docs/reference/registry.md from the tables that the registry serves by.

python -m interlock.edge.registry_docs docs/reference
"""

from __future__ import annotations

import sys
from pathlib import Path

from interlock.edge.registry_endpoints import ABSENT, ENDPOINTS, Standing
from interlock.registry.refusal import REFUSALS
from interlock.registry.schema_reading import DEPTH, MAX_BYTES, MAX_BYTES_WITH_REFERENCES, MAX_REFERENCES

NOTE = "<!-- Made by `python -m interlock.edge.registry_docs docs/reference`; a test compares. Do not edit. -->"
_WORDS: dict[Standing, str] = {"same": "same", "differs": "differs", "ours": "ours alone"}

_HEAD = f"""# Schema registry

{NOTE}

The registry speaks the REST protocol of the Confluent Schema Registry, so that its clients and serializers work
unchanged: give them the engine's address with the path `registry.path`, such as `http://127.0.0.1:8700/registry`. With
`registry.port` it answers at the root of a port of its own too. How it is used: [the guide](../guides/registry.md).

## Endpoints, beside the Confluent Schema Registry

Paths may begin with `/contexts/{{context}}` and end with a slash. Bodies and answers are
`application/vnd.schemaregistry.v1+json`, `application/vnd.schemaregistry+json` or `application/json`.

| method | path | | parameters, and what differs |
|---|---|---|---|
"""

_SEMANTICS = f"""
## Where the meaning differs

- **Identity.** A text is kept as it was first sent; two texts are one schema when they differ in white space only, and
  for Avro when they differ in what says nothing (`{{"type": "int"}}` for `"int"`, a name spelt with its namespace).
- **JSON Schema.** `compatibilityPolicy` is STRICT, the default, or LENIENT. STRICT: BACKWARD holds when every document
  of the old schema is one of the new; `format` says nothing, and a property that becomes required does no harm where it
  has a default. LENIENT besides lets a property be declared or not declared any more. What cannot be decided counts as
  incompatible, and the message says so.
- **Avro.** As the specification's schema resolution has it. A decimal that gets another scale, or another logical type,
  is incompatible here: it would be read, and misread.
- **Versions.** All versions that a transitive level asks are told, not only the first that refuses.
- **Governed subjects.** Event contracts of the estate are subjects under their event type, such as `orders.OrderPlaced`
  and `orders.OrderPlaced.v2`; each version says in `metadata.properties` which contract version it is
  (`interlock.version`). They are registered at the start; ids and versions stay. Clients may look up, use and test
  against them; new versions come with the estate (42205). Their level is the contract's own, their policy SETS: every
  document counts. NONE needs a recorded waiver in the estate. A check without a version also asks every version that
  the store still carries, whatever the level, and names what carries it. APIs and webhooks are not subjects.
- **Other subjects.** A schema without classification is taken. No flow can bind to it: flows bind to contracts of the
  estate, where every field is classified. `GET /interlock/subjects/{{subject}}` says what is missing.
- **Deleted for good.** A version's number may be given again. An id never: it comes back with the same schema only.
- **Limits.** A schema has at most {MAX_BYTES:,} bytes and {DEPTH} levels; with its references at most
  {MAX_BYTES_WITH_REFERENCES:,} characters and {MAX_REFERENCES} schemas; a request at most `limits.body_bytes`.
  Nothing is fetched from outside. Schemas are read and compared in a process of their own, one after another, within
  10 seconds and 2 GB: what is not compared by then counts as undecided, and so as incompatible.
- **Access.** Whoever reaches the port may do all, as with the rest of the engine: keep `server.host` on loopback. The
  code has a place for a guard that knows principals (`edge/registry_access.py`).

## Errors

The body is `{{"error_code": …, "message": …}}`; the HTTP status is the code, or its first three digits.

| code | meaning |
|---|---|
"""


def page() -> str:
    """The whole page."""
    rows = [f"| {one.method} | `{one.path}` | {_WORDS[one.standing]} | {one.note} |" for one in ENDPOINTS]
    rows += [f"| {one.method} | `{one.path}` | not there | {one.why} |" for one in ABSENT]
    codes = {kind.code: kind for kind in REFUSALS}
    errors = [f"| {code} | {codes[code].meaning} |" for code in sorted(codes, key=str)]
    return _HEAD + "\n".join(rows) + "\n" + _SEMANTICS + "\n".join(errors) + "\n"


def main(folder: str) -> None:
    (Path(folder) / "registry.md").write_text(page(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1])
