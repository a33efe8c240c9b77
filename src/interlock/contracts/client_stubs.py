"""Generates a typed client of an OpenAPI document: its classes, and one async method per operation.

The client needs msgspec and the small `api_runtime.py` that is written beside it: whoever gets the two files can call
the API without Interlock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from interlock.contracts.api.description import Answer, ApiDescription, Operation, Parameter
from interlock.contracts.api.media_range import is_json
from interlock.contracts.api.path_template import variables
from interlock.contracts.models import fingerprint
from interlock.contracts.python_classes import PythonClasses, imports, optional
from interlock.contracts.python_text import INDENT, docstring, harmless, pascal, quoted, sentence, snake

RUNTIME = "api_runtime"
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
KEY = "idempotency-key"
_STATUS = re.compile(r"[1-5][0-9][0-9]")
_PATH = "/%:@!$&'()*+,;=-._~"  # RFC 3986 section 3.3, and what is percent-encoded already
_SEPARATORS = {"spaceDelimited": " ", "pipeDelimited": "|"}
_FIXED = ("self", "body", "idempotency_key", "timeout_seconds", "answer")


@dataclass(frozen=True, slots=True)
class _Argument:
    parameter: Parameter
    python: str
    kind: str


class _Client:
    """All schemas of the document in one bundle: every operation sees the same classes."""

    def __init__(self, name: str, api: ApiDescription) -> None:
        self.api = api
        self.name = pascal(name) + "Client"
        self.classes = PythonClasses({self.name}, by_reference=True)
        self.root: Mapping[str, Any] = api.bundle({"properties": api.places()}, "both")
        for reference in (api.document.get("components") or {}).get("schemas") or {}:
            if reference in self.root.get("$defs", {}):  # by name first, so that the order of paths names nothing
                self.classes.kind({"$ref": f"#/$defs/{reference}"}, self.root, "", reference)

    def methods(self) -> list[str]:
        taken: set[str] = set()
        lines = []
        for operation in self.api.operations:
            name = snake(operation.id)
            while name in taken:
                name += "_"
            taken.add(name)
            lines += ["", *self._method(name, operation)]
        return lines

    def _kind(self, place: str, owner: str, hint: str) -> str:
        return self.classes.kind(self.root["properties"][place], self.root, owner, hint)

    def _method(self, name: str, operation: Operation) -> list[str]:
        owner = pascal(name.replace("_", " "))
        arguments = self._arguments(operation, owner)
        body_kind, body_media = self._body(operation, owner)
        returns = self._returns(operation, owner)
        takes_key = operation.method in UNSAFE
        signature = [f"{one.python}: {one.kind}" for one in arguments if one.parameter.required]
        if body_kind and operation.body and operation.body.required:
            signature.append(f"body: {body_kind}")
        elif body_kind:
            signature.append(f"body: {body_kind} | None = None")
        keywords = [
            f"{one.python}: {optional(one.kind)} = msgspec.UNSET" for one in arguments if not one.parameter.required
        ]
        keywords += ["idempotency_key: str | None = None"] if takes_key else []
        keywords.append("timeout_seconds: float | None = None")
        wanted = " | ".join(dict.fromkeys(kind for _, kind in returns)) or "None"
        lines = [f"async def {name}(self, {', '.join([*signature, '*', *keywords])}) -> {wanted}:"]
        lines += self._doc(operation)
        if operation.deprecated:
            said = quoted(f"{operation.id} is deprecated")
            lines.append(f"{INDENT}warnings.warn({said}, DeprecationWarning, stacklevel=2)")
        lines += _call(operation, arguments, bool(body_kind), body_media, takes_key)
        lines += _decoding(returns)
        return [INDENT + line if line else "" for line in lines]

    def _doc(self, operation: Operation) -> list[str]:
        said = sentence(operation.summary) or f"{operation.method} {operation.path}."
        return [INDENT + docstring(("Deprecated. " if operation.deprecated else "") + said)]

    def _arguments(self, operation: Operation, owner: str) -> list[_Argument]:
        """The path's own order first; cookies belong to the transport, an idempotency key has its own argument."""
        taken: set[str] = set(_FIXED)
        found = []
        order = {name: at for at, name in enumerate(variables(operation.path))}
        for one in sorted(operation.parameters, key=lambda one: order.get(one.name, len(order))):
            if one.location == "cookie" or (one.location == "header" and one.name.lower() in (KEY, "authorization")):
                continue
            python = snake(one.name)
            while python in taken:
                python += "_"
            taken.add(python)
            found.append(_Argument(one, python, self._kind(one.place, owner, one.name)))
        return found

    def _body(self, operation: Operation, owner: str) -> tuple[str, str]:
        if operation.body is None or not operation.body.content:
            return "", ""
        for media_type, media in operation.body.content.items():
            if is_json(media_type):
                return self._kind(media.place, owner, "Request"), media_type
        media_type = next(iter(operation.body.content))
        return "bytes", "application/octet-stream" if "*" in media_type else media_type

    def _returns(self, operation: Operation, owner: str) -> list[tuple[str, str]]:
        """(status, annotation) of each success; of all others the exception speaks."""
        found = []
        for status, answer in sorted(operation.answers.items()):
            if status.startswith("2") or (status == "default" and len(operation.answers) == 1):
                found.append((status, self._answer_kind(answer, owner)))
        return found

    def _answer_kind(self, answer: Answer, owner: str) -> str:
        for media_type, media in answer.content.items():
            if is_json(media_type):
                return self._kind(media.place, owner, "Answer")
        return "bytes" if answer.content else "None"


def generate_client(name: str, api: ApiDescription) -> str:
    """The source of `<name>_client.py`: deterministic, strictly typed."""
    client = _Client(name, api)
    methods = client.methods()
    body = client.classes.source() + _client_class(client, methods)
    used = [
        word for word in ("decoded", "encoded", "key_header", "pairs", "segment") if re.search(rf"\b{word}\(", body)
    ]
    lines = [
        f'"""Client of the API {harmless(f"{api.title} {api.version}")}.',
        "",
        "Do not edit: change the contract, then run `interlock generate`.",
        '"""',
        "",
        "# ruff: noqa",
        "# fmt: off",
        f"# contract: {fingerprint(api.document)}",
        "",
        "from __future__ import annotations",
        "",
        *(["import warnings"] if "warnings.warn(" in body else []),
        *imports(body + "Mapping["),
        "",
        "import msgspec",
        "",
        f"from .{RUNTIME} import Caller, Transport, UrllibTransport" + "".join(f", {word}" for word in used),
    ]
    return "\n".join(lines) + "\n" + body


def _client_class(client: _Client, methods: list[str]) -> str:
    api = client.api
    doc = docstring(sentence(api.description.partition("\n\n")[0]) or sentence(f"{api.title} {api.version}"))
    lines = [
        "",
        "",
        f"class {client.name}:",
        INDENT + doc,
        "",
        f"{INDENT}def __init__(self, base_url: str, transport: Transport | None = None, *, "
        "headers: Mapping[str, str] | None = None, timeout_seconds: float = 10.0) -> None:",
        f'{INDENT * 2}"""`headers` go with every request: credentials, for example."""',
        f"{INDENT * 2}self._caller = Caller(",
        f"{INDENT * 3}base_url, transport or UrllibTransport(), headers or {{}}, timeout_seconds",
        f"{INDENT * 2})",
        *methods,
    ]
    return "\n".join(lines) + "\n"


def _call(
    operation: Operation, arguments: list[_Argument], has_body: bool, body_media: str, takes_key: bool
) -> list[str]:
    path = _path(operation.path, arguments)
    query = [_pairs(one) for one in arguments if one.parameter.location == "query"]
    headers = [f"{quoted(one.parameter.name.lower())}: {one.python}" for one in arguments if _is_header(one)]
    headers += [f"{quoted(KEY)}: key_header(idempotency_key)"] if takes_key else []
    encode = "encoded(body)" if is_json(body_media) else "body"
    body = "None"
    if has_body:
        body = encode if operation.body and operation.body.required else f"None if body is None else {encode}"
    return [
        f"{INDENT}answer = await self._caller.call(",
        f'{INDENT * 2}{quoted(operation.method)}, {"f" if "{" in path else ""}"{path}",',
        f"{INDENT * 2}[{', '.join('*' + one for one in query)}], {{{', '.join(headers)}}},",
        f"{INDENT * 2}{body}, {quoted(body_media)}, timeout_seconds,",
        f"{INDENT})",
    ]


def _path(template: str, arguments: list[_Argument]) -> str:
    """The inside of an f-string. What is no declared variable is percent-encoded: no text may become code."""
    named = {"{" + one.parameter.name + "}": one.python for one in arguments if one.parameter.location == "path"}
    pieces = re.split(f"({'|'.join(map(re.escape, named))})", template) if named else [template]
    return "".join(f"{{segment({named[one]})}}" if one in named else quote(one, safe=_PATH) for one in pieces)


def _pairs(one: _Argument) -> str:
    parameter = one.parameter
    more = "" if parameter.explode else ", explode=False"
    if parameter.style in _SEPARATORS:
        more = f", explode=False, separator={quoted(_SEPARATORS[parameter.style])}"
    if parameter.style == "deepObject":
        more = ", deep=True"
    return f"pairs({quoted(parameter.name)}, {one.python}{more})"


def _is_header(one: _Argument) -> bool:
    return one.parameter.location == "header"


def _decoding(returns: list[tuple[str, str]]) -> list[str]:
    """One branch for each status whose body is of another kind."""
    kinds = list(dict.fromkeys(kind for _, kind in returns))
    lines: list[str] = []
    for number, (status, kind) in enumerate(returns):
        if kind == kinds[-1]:
            continue
        test = f"answer.status == {status}" if _STATUS.fullmatch(status) else "True"
        lines += [f"{INDENT}if {test}:", *(INDENT + line for line in _one(kind, f"made_{number}"))]
    if not kinds or kinds == ["None"]:
        return lines + ([f"{INDENT}del answer"] if not lines else [])
    return lines + _one(kinds[-1], "made")


def _one(kind: str, name: str) -> list[str]:
    if kind == "None":
        return [f"{INDENT}return None"]
    if kind == "bytes":
        return [f"{INDENT}return answer.body"]
    return [f"{INDENT}{name}: {kind} = decoded(answer, {kind})", f"{INDENT}return {name}"]
