"""The rules that `interlock check` holds an estate to, as data; those of `interlock lint` are in `lint/`.

Each rule carries a bad and a good example, and a test applies both to the estate of `interlock init` with a system
`payments` added: the bad one must be found, the good one must pass. `docs/reference/rules.md` is made from this table.
"""

from __future__ import annotations

from interlock.contracts.check_rule import Rule as Rule
from interlock.contracts.lint.rules import LINT_RULES
from interlock.contracts.lint.samples import API, EVENT
from interlock.contracts.version_rules import VERSION_RULES

FLOW = "flows/spending.py"
SYSTEM = "systems/payments.toml"
SYSTEM_EXAMPLE = '=owner = "team-orders"\nbase_url = "http://127.0.0.1:9000"\n[operations.charge]\npath = "/charges"\n'
_ID = '{"type": "string", "x-classification": "internal"}'
_BODY = '{"type": "object", "additionalProperties": false, "properties": {"id": ' + _ID + "}}"
_HANDLED = "\n\n@flow.{trigger}\nasync def {name}({parameters}) -> None:\n    pass\n"


def _handler(trigger: str, name: str = "added", parameters: str = "data: dict, ctx: Context") -> str:
    return _HANDLED.format(trigger=trigger, name=name, parameters=parameters)


def _api(operation: str) -> str:
    return (
        '={"openapi": "3.1.0", "info": {"title": "Shop", "version": "1.0.0"}, "x-interlock": {"owner": "team-orders"},'
        ' "security": [], "paths": {"/imports": {"post": {' + operation + '"requestBody": {"required": true, "content":'
        ' {"application/json": {"schema": ' + _BODY + '}}}, "responses": {"200": {"description": "Done."}}}}}}'
    )


CHECK_RULES: tuple[Rule, ...] = (
    Rule(
        "JSON_INVALID",
        "A contract is strict JSON: parsers must not disagree about it.",
        "Correct the JSON at this line.",
        EVENT,
        '={"type": "object", "type": "string"}',
        "{}",
        waivable=False,
    ),
    Rule(
        "TOML_INVALID",
        "Settings, owners and systems are TOML 1.0.",
        "Correct the TOML at this line.",
        "interlock.toml",
        "\n[trace\n",
        "\n[trace]\n",
        waivable=False,
    ),
    Rule(
        "FILE_MISPLACED",
        "The path names an event or an API and its version; a file elsewhere would be silently ignored.",
        "Move it to contracts/events/<domain>/<event_in_snake_case>/<major.minor.patch>.json, "
        "or contracts/apis/<api>/<major.minor.patch>.json.",
        "contracts/events/orders/order_placed/v1.json",
        "={}",
        "-",
        waivable=False,
    ),
    Rule(
        "SCHEMA_INVALID",
        "A schema that does not compile checks nothing.",
        "Correct the schema: JSON Schema 2020-12, regular expressions without look-around and back-references.",
        EVENT,
        '{"properties": {"order_id": {"type": "strin"}}}',
        '{"properties": {"order_id": {"type": "string"}}}',
        waivable=False,
    ),
    Rule(
        "SCHEMA_DIALECT",
        "Keywords mean different things in different dialects; one dialect, stated, leaves no doubt.",
        'Write "$schema": "https://json-schema.org/draft/2020-12/schema".',
        EVENT,
        '{"$schema": "http://json-schema.org/draft-07/schema#"}',
        '{"$schema": "https://json-schema.org/draft/2020-12/schema"}',
        waivable=False,
    ),
    Rule(
        "OWNER_UNKNOWN",
        "An owner that nobody can reach is none.",
        'Add it to owners.toml: [team-…] with contact = "…", or correct the name.',
        EVENT,
        '{"x-interlock": {"owner": "team-ghost"}}',
        '{"x-interlock": {"owner": "team-orders"}}',
    ),
    Rule(
        "PARTITION_KEY_MISSING",
        "The partition key decides what is handled in order, so every document must have it.",
        'Point "x-interlock": {"partition_key": "/…"} at a required string or integer.',
        EVENT,
        '{"x-interlock": {"partition_key": "/note"}}',
        '{"x-interlock": {"partition_key": "/customer_id"}}',
        waivable=False,
    ),
    Rule(
        "BUSINESS_KEY_UNKNOWN",
        "People look events up by business keys; one that the schema does not have finds nothing.",
        'Point each of "business_keys" at a string or integer of the schema.',
        EVENT,
        '{"x-interlock": {"business_keys": ["/order_no"]}}',
        '{"x-interlock": {"business_keys": ["/order_id"]}}',
        waivable=False,
    ),
    Rule(
        "EVENT_NAMED_AS_COMMAND",
        "An event is a fact that has happened; a command asks, and may be refused. Its last word is a participle.",
        "Name the fact (OrderPlaced), or make the command an API operation under contracts/apis.",
        "contracts/events/orders/place_order/1.0.0.json",
        "={}",
        "-",
    ),
    Rule(
        "EXAMPLE_MISSING",
        "An example is the shortest documentation, and the first test.",
        'Add "examples": [ … ] with at least one whole document.',
        EVENT,
        '{"examples": null}',
        "{}",
    ),
    Rule(
        "API_INVALID",
        "An API contract is OpenAPI 3.1, of the version that its file names.",
        "Correct the document: OpenAPI 3.1, info.version as in the file's name, x-idempotency required or optional.",
        API,
        _api('"operationId": "importOrders", "x-idempotency": "never", '),
        _api('"operationId": "importOrders", "x-idempotency": "optional", '),
        waivable=False,
    ),
    Rule(
        "API_UNHANDLED",
        "An operation that no flow serves would answer 404.",
        'Write a handler: @flow.api("…"), or take the operation out.',
        API,
        _api('"operationId": "importOrders", "x-idempotency": "optional", '),
        "-",
        severity="warning",
    ),
    Rule(
        "SETTING_UNKNOWN",
        "A misspelt setting would silently keep its default.",
        "Correct or remove it; docs/reference/settings.md lists every setting.",
        "interlock.toml",
        "\n[limits]\nbody_byte = 1000\n",
        "\n[limits]\nbody_bytes = 1000\n",
        waivable=False,
    ),
    Rule(
        "SETTING_INVALID",
        "A setting out of bounds has no sense.",
        "Give a value within the bounds that docs/reference/settings.md states.",
        "interlock.toml",
        "\n[limits]\njson_depth = 0\n",
        "\n[limits]\njson_depth = 32\n",
        waivable=False,
    ),
    Rule(
        "SETTING_MISSING",
        "This one has no default.",
        "Add it.",
        SYSTEM,
        SYSTEM_EXAMPLE.replace("path", "# path"),
        SYSTEM_EXAMPLE,
        waivable=False,
    ),
    Rule(
        "SECRET_LITERAL",
        "A secret in a file is in every clone and every backup.",
        'Put it into an environment variable, refer to it as "env:NAME", and replace the secret that was exposed.',
        SYSTEM,
        SYSTEM_EXAMPLE.replace("[op", 'secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"\n[op'),
        SYSTEM_EXAMPLE.replace("[op", 'secret = "env:PAYMENTS_SECRET"\n[op'),
        waivable=False,
    ),
    Rule(
        "SYSTEM_INSECURE",
        "Without TLS everybody on the way reads and changes what is sent.",
        "Use https.",
        SYSTEM,
        SYSTEM_EXAMPLE.replace("http://127.0.0.1:9000", "http://pay.shop.test"),
        SYSTEM_EXAMPLE.replace("http://127.0.0.1:9000", "https://pay.shop.test"),
        needed=False,
    ),
    Rule(
        "UNKNOWN_SYSTEM",
        "A call to a system that is not declared can never be delivered.",
        "Declare it in systems/<name>.toml, or correct the name.",
        FLOW,
        _handler('on_reply("paymentz.charge")'),
        _handler('on_reply("payments.charge")'),
        waivable=False,
    ),
    Rule(
        "UNKNOWN_OPERATION",
        "A call to an operation that its system does not declare can never be delivered.",
        "Declare [operations.<name>] in the system's file, or correct the name.",
        FLOW,
        _handler('on_reply("payments.chrage")'),
        _handler('on_reply("payments.charge")'),
        waivable=False,
    ),
    Rule(
        "UNKNOWN_EVENT_TYPE",
        "A flow that waits for an event which no contract declares waits for ever.",
        "Write its contract under contracts/events and run: interlock generate, or correct the name.",
        FLOW,
        _handler('on("orders.OrderLaunched")'),
        _handler('on("orders.OrderPlaced")'),
        waivable=False,
    ),
    Rule(
        "UNKNOWN_API_OPERATION",
        "A handler for an operation that no contract declares is never called.",
        "Declare the operation under contracts/apis, or correct the name: <api>.<operationId>.",
        FLOW,
        _handler('api("shop.missing")'),
        "",
        waivable=False,
    ),
    Rule(
        "FLOW_UNLOADABLE",
        "A flow that cannot be imported handles nothing.",
        "Correct the error at this line.",
        FLOW,
        "\nimport nowhere_to_be_found\n",
        "\nimport decimal\n",
        waivable=False,
    ),
    Rule(
        "FLOW_DUPLICATE",
        "The name of a flow is its consumer group: two flows of one name would steal each other's events.",
        "Give each flow a name of its own.",
        FLOW,
        '\n\nsecond = Flow("spending", owner="team-orders")\n',
        '\n\nsecond = Flow("refunds", owner="team-orders")\n',
        waivable=False,
    ),
    Rule(
        "HANDLER_SHAPE",
        "The engine awaits each handler with the input and a Context.",
        "Write it as: async def name(input, ctx: Context).",
        FLOW,
        '\n\n@flow.every("0 6 * * *")\ndef daily(tick, ctx):\n    pass\n',
        '\n\n@flow.every("0 6 * * *")\nasync def daily(tick: object, ctx: Context) -> None:\n    pass\n',
        waivable=False,
    ),
    Rule(
        "HANDLER_DUPLICATE",
        "An event is handled once per flow; of two handlers one would never run.",
        "Join the two handlers, or move one to a flow of its own.",
        FLOW,
        _handler('every("0 6 * * *", name="daily")') + _handler('every("0 7 * * *", name="daily")', "again"),
        _handler('every("0 6 * * *", name="daily")') + _handler('every("0 7 * * *", name="later")', "again"),
        waivable=False,
    ),
    Rule(
        "SCHEDULE_INVALID",
        "A schedule that is never due, or in no time zone, never runs.",
        'Write five cron fields and an IANA zone: @flow.every("0 6 * * *", zone="Europe/London").',
        FLOW,
        _handler('every("61 * * * *")'),
        _handler('every("1 6 * * *", zone="UTC")'),
        waivable=False,
    ),
    Rule(
        "STALE_MODELS",
        "Flows are written against the generated classes; stale ones disagree with what is validated.",
        "Run: interlock generate",
        EVENT,
        '{"properties": {"note": {"type": "integer"}}}',
        "{}",
    ),
    *VERSION_RULES,
)

RULES: tuple[Rule, ...] = (*CHECK_RULES, *LINT_RULES)
BY_ID = {rule.id: rule for rule in RULES}
