"""Rules against the mistakes of OWASP's API Security Top 10 (2023) that a contract shows."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from interlock.contracts.lint.operation import UNSAFE, documents, served, title
from interlock.contracts.lint.operation_rules import get, post
from interlock.contracts.lint.rule import Flaws, LintRule
from interlock.contracts.lint.samples import API, ASYNCAPI
from interlock.contracts.lint.scene import Scene

_CREDENTIAL = re.compile(
    r"(?i)(?:^|[._-])(?:api[._-]?key|apikey|password|passwd|secret|client[._-]?secret|access[._-]?token|token|jwt)$"
)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "host.docker.internal"})
_SECURE = {
    "kafka": "kafka-secure", "mqtt": "secure-mqtt", "amqp": "amqps", "http": "https", "ws": "wss", "stomp": "stomps",
}  # fmt: skip
_OAUTH_URLS = ("authorizationUrl", "tokenUrl", "refreshUrl")
_ID = re.compile(r"(?i)(?:^|_|-)id$|Id$")
_SCHEME = '{"components": {"securitySchemes": {"token": '


def is_insecure(url: Any) -> bool:
    """Whether it leaves this machine without TLS."""
    if not isinstance(url, str) or not url.lower().startswith(("http://", "ws://")):
        return False
    try:
        return urlsplit(url).hostname not in _LOOPBACK
    except ValueError:  # a bracket that no IPv6 address closes
        return True


def _unstated(node: Any, scene: Scene) -> Flaws:
    if scene.token() in UNSAFE and served(scene) and "security" not in node and "security" not in scene.document:
        yield (), f"Nobody has said who may call {title(scene)}."


def _anonymous(node: Any, scene: Scene) -> Flaws:
    stated = node["security"]
    if scene.token() not in UNSAFE or not served(scene) or not isinstance(stated, list):
        return
    components = scene.document.get("components")
    schemes = components.get("securitySchemes") if isinstance(components, dict) else None
    if schemes and (not stated or {} in stated):
        yield ("security",), f"{title(scene)} may be called by anybody."


def _undefined(node: Any, scene: Scene) -> Flaws:
    """Names and scopes of a requirement beside the schemes of the document."""
    components = scene.document.get("components")
    schemes = components.get("securitySchemes") if isinstance(components, dict) else None
    stated = node["security"]
    for index, requirement in enumerate(stated if isinstance(stated, list) else ()):
        if not isinstance(requirement, dict) or (scene.language == "asyncapi" and scene.version == "3"):
            continue
        for name, scopes in requirement.items():
            scheme = scene.followed((schemes or {}).get(name)) if isinstance(schemes, dict | None) else None
            if scheme is None:
                yield ("security", index, name), f"There is no security scheme {name}."
            elif isinstance(scheme, dict) and scheme.get("type") == "oauth2" and isinstance(scopes, list):
                known = _scopes(scheme)
                for at, scope in enumerate(scopes):
                    if scope not in known:
                        yield ("security", index, name, at), f"{name} has no scope {scope}."


def _scopes(scheme: dict[str, Any]) -> set[str]:
    flows = scheme.get("flows")
    found: set[str] = set()
    for flow in flows.values() if isinstance(flows, dict) else ():
        scopes = flow.get("scopes") if isinstance(flow, dict) else None
        found |= set(scopes) if isinstance(scopes, dict) else set()
    return found


def _insecure_server(node: Any, scene: Scene) -> Flaws:
    if is_insecure(node["url"]):
        yield ("url",), f"{node['url']} is not encrypted."


def _insecure_protocol(node: Any, scene: Scene) -> Flaws:
    protocol = node["protocol"]
    host = str(node.get("host", node.get("url", ""))).removeprefix(f"{protocol}://").partition(":")[0].partition("/")[0]
    if protocol in _SECURE and host not in _LOOPBACK:
        yield ("protocol",), f"{protocol} is not encrypted; {_SECURE[protocol]} is."


def _key_in_url(node: Any, scene: Scene) -> Flaws:
    if node["in"] == "query" and node.get("type") in ("apiKey", "httpApiKey"):
        yield ("in",), f"The key of {scene.token()} stands in the URL."


def _credential_in_url(node: Any, scene: Scene) -> Flaws:
    if node["in"] in ("query", "path") and _CREDENTIAL.search(str(node.get("name"))):
        yield ("name",), f"{node['name']} stands in the URL."


def _basic(node: Any, scene: Scene) -> Flaws:
    if str(node["scheme"]).lower() in ("basic", "digest", "negotiate"):
        yield ("scheme",), f"{scene.token()} sends a password with each request."


def _insecure_oauth(node: Any, scene: Scene) -> Flaws:
    for name in _OAUTH_URLS:
        url = node.get(name)
        if is_insecure(url):
            yield (name,), f"{url} is not encrypted."


def _implicit(node: Any, scene: Scene) -> Flaws:
    for name in ("implicit", "password"):
        if name in node:
            yield (name,), f"The flow {name} hands the token or the password to the browser."


def _scheme_type(node: Any, scene: Scene) -> Flaws:
    known = {"apiKey", "http", "oauth2", "openIdConnect", "mutualTLS"}
    if scene.language == "openapi" and str(node["type"]) not in known:
        yield ("type",), f'"{node["type"]}" is no type of a security scheme.'


def _numeric_id(node: Any, scene: Scene) -> Flaws:
    schema = scene.followed(node.get("schema"))
    is_id = node["in"] == "path" and _ID.search(str(node.get("name")))
    if is_id and isinstance(schema, dict) and schema.get("type") == "integer":
        yield ("schema",), f"{node['name']} is a number: whoever has one can guess the next."


def _no_401(node: Any, scene: Scene) -> Flaws:
    stated = node.get("security", scene.document.get("security"))
    if (
        isinstance(stated, list)
        and stated
        and {} not in stated
        and served(scene)
        and not (documents(node, "401") or documents(node, "4XX"))
    ):
        yield ("responses",), f"{title(scene)} needs credentials and documents no 401."


def _no_429(node: Any, scene: Scene) -> Flaws:
    if served(scene) and not (documents(node, "429") or documents(node, "4XX")):
        yield ("responses",), f"{title(scene)} documents no 429."


SECURITY_RULES: tuple[LintRule, ...] = (
    LintRule(
        id="SECURITY_UNSTATED",
        purpose="An operation that changes something and about whose callers nobody has thought is open to all.",
        fix='State "security" for the document or the operation; "security": [] says that it is open on purpose.',
        place=API,
        bad='{"security": null}',
        good='{"security": [{"token": []}]}',
        source="OWASP API2:2023",
        spectral=("owasp:api2:2023-write-restricted",),
        on=("Operation",),
        check=_unstated,
    ),
    LintRule(
        id="SECURITY_ANONYMOUS",
        purpose="Where others need credentials, an operation that changes something needs them too.",
        fix="Name a security scheme, or waive this rule with the reason.",
        place=API,
        bad=post('{"security": [{}]}'),
        good=post('{"security": [{"token": []}]}'),
        severity="warning",
        source="OWASP API5:2023",
        spectral=("owasp:api2:2023-write-restricted",),
        on=("Operation",),
        when=("security",),
        check=_anonymous,
    ),
    LintRule(
        id="SECURITY_UNDEFINED",
        purpose="A requirement for a scheme or scope that nobody has defined protects nothing.",
        fix="Define it under components/securitySchemes, or correct the name.",
        place=API,
        bad=post('{"security": [{"tokens": []}]}'),
        good=post('{"security": [{"token": []}]}'),
        source="Spectral oas, asyncapi",
        spectral=("oas3-operation-security-defined", "asyncapi-operation-security", "asyncapi-server-security"),
        on=("OpenAPI", "Operation", "OperationTrait", "Server"),
        when=("security",),
        check=_undefined,
    ),
    LintRule(
        id="SECURITY_SCHEME_UNKNOWN",
        purpose="Tools ignore a scheme of a type that they do not know.",
        fix="Write apiKey, http, oauth2, openIdConnect or mutualTLS.",
        place=API,
        bad=_SCHEME + '{"type": "https"}}}}',
        good="{}",
        source="OpenAPI 3.1 section 4.8.27",
        spectral=("oas3-schema",),
        on=("SecurityScheme",),
        when=("type",),
        check=_scheme_type,
    ),
    LintRule(
        id="SERVER_INSECURE",
        purpose="Without TLS everybody on the way reads and changes what is sent.",
        fix="Use https, or wss.",
        place=API,
        bad='{"servers": [{"url": "http://api.shop.test", "description": "The shop."}]}',
        good='{"servers": [{"url": "http://localhost:8700", "description": "At home."}]}',
        source="OWASP API8:2023",
        spectral=("owasp:api8:2023-no-server-http",),
        on=("Server",),
        when=("url",),
        check=_insecure_server,
    ),
    LintRule(
        id="PROTOCOL_INSECURE",
        purpose="Without TLS everybody on the way reads and changes what is sent.",
        fix="Use the protocol's form with TLS, such as kafka-secure.",
        place=ASYNCAPI,
        bad='{"servers": {"shop": {"protocol": "kafka"}}}',
        good="{}",
        source="OWASP API8:2023",
        on=("Server",),
        when=("protocol",),
        check=_insecure_protocol,
    ),
    LintRule(
        id="API_KEY_IN_URL",
        purpose="URLs stand in logs, histories and referrers; so would the key.",
        fix='Take the key in a header: "in": "header".',
        place=API,
        bad=_SCHEME + '{"type": "apiKey", "name": "key", "in": "query", "scheme": null}}}}',
        good=_SCHEME + '{"type": "apiKey", "name": "X-Key", "in": "header", "scheme": null}}}}',
        source="OWASP API2:2023",
        spectral=("owasp:api2:2023-no-api-keys-in-url",),
        on=("SecurityScheme",),
        when=("in",),
        check=_key_in_url,
    ),
    LintRule(
        id="CREDENTIAL_IN_URL",
        purpose="URLs stand in logs, histories and referrers; so would the secret.",
        fix="Take it in a header or in the body.",
        place=API,
        bad=get(
            '{"parameters": [{"name": "access_token", "in": "query", "description": "Yours.",'
            ' "schema": {"type": "string", "maxLength": 80}}]}'
        ),
        good="{}",
        source="OWASP API2:2023",
        spectral=("owasp:api2:2023-no-credentials-in-url",),
        on=("Parameter",),
        when=("in",),
        check=_credential_in_url,
    ),
    LintRule(
        id="PASSWORD_PER_REQUEST",
        purpose="Basic authentication sends a password that opens everything with every request.",
        fix="Use bearer tokens, OAuth 2 or mutual TLS.",
        place=API,
        bad=_SCHEME + '{"scheme": "basic"}}}}',
        good="{}",
        severity="warning",
        source="OWASP API2:2023",
        spectral=("owasp:api2:2023-no-http-basic",),
        on=("SecurityScheme",),
        when=("scheme",),
        check=_basic,
    ),
    LintRule(
        id="OAUTH_INSECURE",
        purpose="Tokens that are fetched without TLS are everybody's.",
        fix="Use https.",
        place=API,
        bad=_SCHEME + '{"type": "oauth2", "scheme": null, "flows": {"clientCredentials":'
        ' {"tokenUrl": "http://id.shop.test/token", "scopes": {}}}}}}}',
        good=_SCHEME + '{"type": "oauth2", "scheme": null, "flows": {"clientCredentials":'
        ' {"tokenUrl": "https://id.shop.test/token", "scopes": {}}}}}}}',
        source="RFC 6749 section 3.1, OWASP API8:2023",
        on=("OAuthFlow",),
        check=_insecure_oauth,
    ),
    LintRule(
        id="OAUTH_FLOW_OBSOLETE",
        purpose="OAuth's implicit and password flows are withdrawn: they hand out what must not leave the server.",
        fix="Use authorizationCode with PKCE, or clientCredentials.",
        place=API,
        bad=_SCHEME + '{"type": "oauth2", "scheme": null, "flows": {"implicit":'
        ' {"authorizationUrl": "https://id.shop.test/auth", "scopes": {}}}}}}}',
        good="{}",
        severity="warning",
        source="RFC 9700 section 2.1.2",
        on=("OAuthFlows",),
        check=_implicit,
    ),
    LintRule(
        id="NUMERIC_ID",
        purpose="Numbers in a row can be guessed and counted; whoever forgets one check gives all away.",
        fix="Use ids that cannot be guessed, as text: UUIDs, say.",
        place=API,
        bad='{"paths": {"/orders/{order_id}": {"parameters": [{"name": "order_id", "in": "path", "required": true,'
        ' "description": "Which.", "schema": {"type": "integer"}}]}}}',
        good="{}",
        severity="warning",
        source="OWASP API1:2023",
        spectral=("owasp:api1:2023-no-numeric-ids",),
        on=("Parameter",),
        when=("in",),
        check=_numeric_id,
    ),
    LintRule(
        id="UNAUTHORIZED_UNDOCUMENTED",
        purpose="A caller whose token has run out must know how that looks.",
        fix="Document the response 401.",
        place=API,
        bad=post('{"responses": {"401": null, "4XX": null}}'),
        good="{}",
        severity="warning",
        source="OWASP API8:2023",
        spectral=("owasp:api8:2023-define-error-responses-401",),
        on=("Operation",),
        when=("responses",),
        check=_no_401,
    ),
    LintRule(
        id="RATE_LIMIT_UNDOCUMENTED",
        purpose="Without a limit one caller takes everybody's share; with one, callers must know how it looks.",
        fix="Document the response 429, with Retry-After.",
        place=API,
        bad=post('{"responses": {"429": null, "4XX": null}}'),
        good="{}",
        severity="warning",
        source="OWASP API4:2023, Zalando 153",
        spectral=("owasp:api4:2023-rate-limit-responses-429",),
        on=("Operation",),
        when=("responses",),
        check=_no_429,
    ),
)
