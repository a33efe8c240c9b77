"""Answers as the provider of an OpenAPI document would: requests are held to the contract, and so are the answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from interlock.contracts.api.description import Answer, ApiDescription, Media, Operation
from interlock.contracts.api.media_range import is_json, preferred
from interlock.contracts.api.parameter_values import ABSENT
from interlock.contracts.api.path_template import templates
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.mock.content import Content, ContentSource, Generator, NoContent, example_names, header_text
from interlock.contracts.mock.exchange import MockAnswer, MockRequest
from interlock.contracts.mock.preference import Preference, preference
from interlock.contracts.mock.refusal import PROBLEM_JSON, Headers, document, phrase, refusal
from interlock.contracts.mock.request_check import checked
from interlock.contracts.mock.security import challenge
from interlock.contracts.mock.stateful import Held, Memory
from interlock.model.problems import CallerProblem

UNDECLARED = "x-mock-undeclared-status"
NOTE = "x-mock-note"
VIOLATIONS = "x-mock-violations"
_SAID = 5


class ApiMock:
    """One document. `answer` changes nothing but what the mock remembers."""

    def __init__(self, api: ApiDescription, generate: Generator, *, seed: int = 0, wait_seconds: float = 0.0) -> None:
        self.api = api
        self._templates = templates(api)
        self._content = ContentSource(api, generate, seed)
        self._wait_seconds = wait_seconds
        self.memory = Memory(api, seed)

    def serves(self, path: str) -> bool:
        return bool(self._templates.find(path)[0])

    def answer(self, request: MockRequest) -> MockAnswer:
        """Never raises for what a caller may send."""
        methods, variables = self._templates.find(request.path)
        if not methods:
            return refusal(404, "The contract declares no such path.")
        operation = methods.get(request.method) or (methods.get("GET") if request.method == "HEAD" else None)
        if operation is None:
            return _without_operation(request, methods)
        wish = preference(request, self._wait_seconds)
        if wish.faults:
            return refusal(400, f"The preference cannot be kept: {'; '.join(wish.faults)}.")
        try:
            made = self._served(operation, request, variables, wish)
        except ContractInvalid as wrong:
            made = refusal(500, f"The contract is wrong at {wrong.pointer or 'its root'}: {wrong.detail}")
        return MockAnswer(made.status, made.body, made.content_type, made.headers, wish.wait_seconds)

    def _served(
        self, operation: Operation, request: MockRequest, variables: Mapping[str, str], wish: Preference
    ) -> MockAnswer:
        demanded = challenge(self.api, operation, request)
        if demanded is not None:
            header = (("www-authenticate", demanded),)
            return self._refused(operation, (401,), "The request carries no credential that fits.", (), header)
        try:
            request_check = checked(self.api, operation, request, variables)
        except CallerProblem as problem:
            return self._refused(operation, (problem.status,), f"{problem.detail} {problem.step}", problem.errors)
        if request_check.errors:
            places = len(request_check.errors)
            detail = f"The request breaks {operation.name} in {places} place{'s' * (places > 1)}."
            return self._refused(operation, (422, 400), detail, request_check.errors)
        try:
            return self._accepted(operation, request, variables, request_check.body, wish)
        except NoContent as nothing:
            return refusal(500, str(nothing), headers=((NOTE, "the contract cannot be mocked here"),))

    def _accepted(
        self, operation: Operation, request: MockRequest, variables: Mapping[str, str], body: Any, wish: Preference
    ) -> MockAnswer:
        status, answer = _chosen(operation, wish)
        if answer is None:
            return _undeclared(operation, wish)
        media_type = None
        if answer.content:
            media_type = preferred(request.headers.get("accept", ""), list(answer.content))
            if media_type is None:
                offered = ", ".join(answer.content)
                return self._refused(operation, (406,), f"{operation.name} answers {offered} only.", ())
        media = answer.content[media_type] if media_type is not None else None
        base = self._base(media, media_type, wish)
        held = Held()
        if wish.code is None and wish.example is None and status < 400:
            held = self.memory.held(operation, request.path, variables, body, base.value)
        if held.gone:
            return self._refused(operation, (404, 410), "It was deleted here before.", ())
        if held.exists and "409" in operation.answers:
            return self._refused(operation, (409,), "One with this id exists already.", ())
        content = self._with_memory(media, media_type, base, held)
        held.keep(content.value)
        return self._rendered(status, answer, media_type, content, held.location, request)

    def _base(self, media: Media | None, media_type: str | None, wish: Preference) -> Content:
        if media is None or media_type is None:
            return Content(None)
        example = wish.example if wish.example in media.examples else None
        try:
            return self._content.of(media, media_type, example, wish.dynamic)
        except NoContent as nothing:
            if example is not None:
                raise
            return Content(ABSENT, str(nothing))  # what is remembered may do without

    def _with_memory(self, media: Media | None, media_type: str | None, base: Content, held: Held) -> Content:
        """The first that keeps the contract: what is held, as much of it as is declared, the example alone."""
        if media is None or media_type is None:
            return base
        for value in self._remembered(media, base.value, held):
            if self._content.is_valid(media, media_type, value):
                return Content(value, "" if base.value is ABSENT else base.note)
        if base.value is ABSENT:
            raise NoContent(base.note)
        remembered = held.item is not None or held.listed is not None
        return Content(base.value, "what was sent does not fit the declared answer") if remembered else base

    def _remembered(self, media: Media, base: Any, held: Held) -> list[Any]:
        if held.listed is not None:
            name = self._content.list_field(media)
            if name == "":
                return [held.listed]
            return [{**base, name: held.listed}] if name and isinstance(base, dict) else []
        if held.item is None:
            return []
        whole = {**(base if isinstance(base, dict) else {}), **held.item}
        fields = self._content.fields(media)
        return [held.item, whole, {name: whole[name] for name in whole if fields is None or name in fields}]

    def _rendered(
        self, status: int, answer: Answer, media_type: str | None, content: Content, location: str | None,
        request: MockRequest,
    ) -> MockAnswer:  # fmt: skip
        headers: list[tuple[str, str]] = []
        for parameter in answer.headers:
            text = self._content.header(parameter)
            if parameter.name.lower() == "location" and location is not None:
                text = location if text is None or text.startswith("/") else f"http://{_host(request)}{location}"
            if text is not None:
                headers.append((parameter.name.lower(), text))
            elif parameter.required:
                raise NoContent(f"No valid value of the header {parameter.name} could be made. Add an example.")
        if content.note:
            headers.append((NOTE, header_text(content.note)))
        if media_type is None:
            return MockAnswer(status, b"", "", tuple(headers))
        return MockAnswer(status, _encoded(content.value, media_type), _concrete(media_type), tuple(headers))

    def _refused(
        self, operation: Operation, statuses: tuple[int, ...], detail: str, errors: Any, headers: Headers = ()
    ) -> MockAnswer:
        """With a status and content that the contract declares, where it declares one; else as problem details."""
        status = next((one for one in statuses if str(one) in operation.answers), statuses[0])
        answer = operation.answer(status)
        own = document(status, detail, errors)
        if answer is None or not answer.content:
            return refusal(status, detail, errors, headers)
        for media_type, media in answer.content.items():
            if is_json(media_type) and self._content.is_valid(media, media_type, own):
                return MockAnswer(status, msgspec.json.encode(own), _concrete(media_type, PROBLEM_JSON), headers)
        said = "; ".join(f"{one['pointer']}: {one['detail']}" for one in errors[:_SAID]) or detail
        media_type, media = next(iter(answer.content.items()))
        try:
            content = self._content.of(media, media_type, None, dynamic=False)
        except NoContent:
            return refusal(status, detail, errors, headers)
        value = content.value
        if is_json(media_type) and isinstance(value, dict):  # a problem with members of its own: what we know goes in
            told = {name: one for name, one in own.items() if name != "type"}
            fuller = ({**value, **told}, {**value, **told, "errors": value.get("errors")}, value)
            value = next(one for one in fuller if one is value or self._content.is_valid(media, media_type, one))
        headers = (*headers, (VIOLATIONS, header_text(said).encode("ascii", "replace").decode()))
        return MockAnswer(status, _encoded(value, media_type), _concrete(media_type), headers)


def _chosen(operation: Operation, wish: Preference) -> tuple[int, Answer | None]:
    """The status that was asked for, the one that has the example, or the first success."""
    if wish.code is not None:
        return wish.code, operation.answer(wish.code)
    ordered = sorted(operation.answers.values(), key=lambda one: (one.status == "default", one.status))
    if wish.example is not None:
        named = [one for one in ordered if any(wish.example in media.examples for media in one.content.values())]
        return (_number(named[0]), named[0]) if named else (0, None)
    successes = [one for one in ordered if one.status.startswith("2")]
    for one in [*successes, *ordered]:
        return _number(one), one
    return 0, None


def _number(answer: Answer) -> int:
    if answer.status == "default":
        return 200
    return int(answer.status[0]) * 100 if answer.status.upper().endswith("XX") else int(answer.status)


def _undeclared(operation: Operation, wish: Preference) -> MockAnswer:
    if wish.code is not None and wish.code >= 400:
        # Errors that a contract forgets do happen; whoever asks for one by name wants to see what their code does.
        return refusal(wish.code, f"{phrase(wish.code)}, as asked.", headers=((UNDECLARED, str(wish.code)),))
    if wish.example is not None:
        names = ", ".join(example_names(operation.answers)) or "none"
        return refusal(404, f"{operation.name} has no example {wish.example}; there are: {names}.")
    declared = ", ".join(operation.answers) or "none"
    return refusal(404, f"{operation.name} does not declare the status {wish.code}; declared are: {declared}.")


def _without_operation(request: MockRequest, methods: Mapping[str, Operation]) -> MockAnswer:
    names = {*methods, "OPTIONS", *(("HEAD",) if "GET" in methods else ())}
    allow = ", ".join(sorted(names))
    if request.method == "OPTIONS":
        wanted = request.headers.get("access-control-request-headers", "*")
        preflight = (("access-control-allow-methods", allow), ("access-control-allow-headers", header_text(wanted)))
        return MockAnswer(204, b"", "", (("allow", allow), *preflight))
    return refusal(405, f"The contract declares no {request.method} here.", headers=(("allow", allow),))


def _encoded(value: Any, media_type: str) -> bytes:
    if is_json(media_type):
        return msgspec.json.encode(value)
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)


def _concrete(media_type: str, otherwise: str = "application/json") -> str:
    return otherwise if "*" in media_type else media_type


def _host(request: MockRequest) -> str:
    return request.headers.get("host", "localhost")
