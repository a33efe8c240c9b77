"""The Confluent Schema Registry's REST API on our registry, so that stock clients work unchanged.

Facts of the protocol: 'Schema Registry API Reference' of the Confluent documentation. Which endpoints there are:
`registry_endpoints`.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from interlock import __version__
from interlock.contracts.api.media_range import preferred
from interlock.edge.deprecation_fields import Ending
from interlock.edge.exchange import Request, Responder, Response
from interlock.edge.registry_access import GLOBAL, Guard, Open, admit
from interlock.edge.registry_endpoints import ENDPOINTS, Endpoint
from interlock.edge.registry_request import MEDIA, Asked
from interlock.edge.router import Router
from interlock.model.problems import CallerProblem, MethodNotAllowed, Problem, UnavailableProblem
from interlock.ports.schema_store import SchemaContent, SchemaVersion
from interlock.registry.catalog import version_number
from interlock.registry.config import FIELDS
from interlock.registry.metadata import properties, shown
from interlock.registry.refusal import (
    BAD_REQUEST,
    METHOD_NOT_ALLOWED,
    NO_ROUTE,
    NOT_ACCEPTABLE,
    SCHEMA_NOT_FOUND,
    STORE_FAILED,
    STORE_TIMED_OUT,
    Refusal,
)
from interlock.registry.registry import Registry
from interlock.registry.schema_reading import KINDS
from interlock.registry.subject_name import DEFAULT_CONTEXT, EVERYWHERE, context_of, qualified

log = logging.getLogger(__name__)
_CONTEXT_PATH = re.compile(r"/contexts/(:?\.[^/:]*:?)(/.*)")
_ANY_TYPE = re.compile(r"(^|,)\s*\*(/[^,;]*)?")
NOTHING_ENDS: Mapping[str, Ending] = {}
_CONFIG_FIELDS = FIELDS | {"compatibility"}


class Raw(NamedTuple):
    """An answer that is JSON text already."""

    text: str


class RegistryApi:
    """One handler for all that lies below `prefix`; each request is a task of its own.

    endings  by subject: what its answers say of its end (C11)
    """

    def __init__(
        self,
        registry: Registry,
        prefix: str = "",
        guard: Guard | None = None,
        endings: Mapping[str, Ending] = NOTHING_ENDS,
    ) -> None:
        self._catalog = registry.catalog
        self._registration = registry.registration
        self._scopes = registry.scopes
        self._standings = registry.standings
        self.prefix = prefix
        self._guard = guard or Open()
        self._endings = endings
        self._routes = Router()
        self._endpoints: dict[tuple[str, str], Endpoint] = {}
        for endpoint in ENDPOINTS:
            self._routes.add(endpoint.method, endpoint.path, self.handle)
            self._endpoints[endpoint.method, endpoint.path] = endpoint
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, request: Request, respond: Responder) -> None:
        """A `Handler`."""
        task = asyncio.get_running_loop().create_task(self._serve(request, respond))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, request: Request, respond: Responder) -> None:
        media = MEDIA[0]
        try:
            media = _media(request)
            answer, subject = await self._answer(request)
            ending = self._endings.get(subject)
            (respond if ending is None else ending.on(respond))(_response(200, answer, media))
        except Refusal as refusal:
            respond(_refused(refusal, media))
        except UnavailableProblem as problem:
            respond(_refused(STORE_TIMED_OUT(str(problem)), media))
        except Problem as problem:
            log.error("the registry's store failed: %s", problem)
            respond(_refused(STORE_FAILED(str(problem)), media))
        except Exception:
            log.exception("%s %s of the registry failed", request.method, request.path)
            respond(_refused(STORE_FAILED("The request met a defect in Interlock."), media))

    async def _answer(self, request: Request) -> tuple[Any, str]:
        """And the subject that it is about."""
        path, context = self._place(request.path)
        try:
            match = self._routes.find(request.method.encode(), path.encode())
        except MethodNotAllowed:
            raise METHOD_NOT_ALLOWED() from None
        except CallerProblem:
            raise NO_ROUTE() from None
        asked = Asked(request, match.params, context)
        endpoint = self._endpoints[match.route.method, match.route.template]
        subject = asked.subject if "subject" in match.params else GLOBAL
        admit(self._guard, request, endpoint.action, subject)
        handler: Callable[[Asked], Awaitable[Any]] = getattr(self, f"_{endpoint.handler}")
        return await handler(asked), subject

    def _place(self, path: str) -> tuple[str, str]:
        """The path of an endpoint, and the context that stands before it."""
        path = path.removeprefix(self.prefix) or "/"
        if len(path) > 1:
            path = path.removesuffix("/")
        match = _CONTEXT_PATH.fullmatch(path)
        return (match[2], match[1].strip(":")) if match else (path, DEFAULT_CONTEXT)

    async def _root(self, asked: Asked) -> Any:
        return {}

    async def _types(self, asked: Asked) -> Any:
        return list(KINDS)

    async def _contexts(self, asked: Asked) -> Any:
        return asked.window(await self._catalog.contexts())

    async def _cluster(self, asked: Asked) -> Any:
        clusters = {"kafka-cluster": "", "schema-registry-cluster": "interlock"}
        return {"scope": {"path": [], "clusters": clusters}, "id": ""}

    async def _release(self, asked: Asked) -> Any:
        return {"version": __version__, "commitId": ""}

    async def _standing(self, asked: Asked) -> Any:
        return await self._standings.of(asked.subject)

    async def _schemas(self, asked: Asked) -> Any:
        prefix = asked.text("subjectPrefix", EVERYWHERE)
        found = await self._catalog.schemas(prefix, deleted=asked.flag("deleted"), latest_only=asked.flag("latestOnly"))
        return [_version(one) for one in asked.window(found)]

    async def _schema(self, asked: Asked) -> Any:
        context, number = self._id(asked)
        content = await self._catalog.content(context, number)
        made = _content(content)
        if asked.flag("fetchMaxId"):
            made["maxId"] = await self._catalog.highest_id(context)
        return made

    async def _schema_text(self, asked: Asked) -> Any:
        return Raw((await self._catalog.content(*self._id(asked))).text)

    async def _schema_subjects(self, asked: Asked) -> Any:
        context, number = self._id(asked)
        found = await self._catalog.uses(context, number, deleted=asked.flag("deleted"))
        return asked.window(list(dict.fromkeys(one.subject for one in found)))

    async def _schema_versions(self, asked: Asked) -> Any:
        context, number = self._id(asked)
        found = await self._catalog.uses(context, number, deleted=asked.flag("deleted"))
        return asked.window([{"subject": one.subject, "version": one.version} for one in found])

    def _id(self, asked: Asked) -> tuple[str, int]:
        """Context and number; the context of `subject` where the query names one."""
        text = asked.params["id"]
        if not (text.isascii() and text.isdecimal() and len(text) < 11):
            raise NO_ROUTE()
        subject = asked.text("subject")
        return (context_of(qualified(subject, asked.context)) if subject else asked.context), int(text)

    async def _subjects(self, asked: Asked) -> Any:
        default = EVERYWHERE if asked.context == DEFAULT_CONTEXT else asked.scope
        found = await self._catalog.subjects(
            asked.text("subjectPrefix", default), deleted=asked.flag("deleted"), only=asked.flag("deletedOnly")
        )
        return asked.window(found)

    async def _versions(self, asked: Asked) -> Any:
        found = await self._catalog.versions(
            await self._meant(asked),
            deleted=asked.flag("deleted") or asked.flag("deletedAsNegative"),
            only=asked.flag("deletedOnly"),
        )
        negative = asked.flag("deletedAsNegative")
        return asked.window([-one.version if negative and one.deleted else one.version for one in found])

    async def _version(self, asked: Asked) -> Any:
        return _version(await self._found(asked))

    async def _version_text(self, asked: Asked) -> Any:
        return Raw((await self._found(asked)).content.text)

    async def _found(self, asked: Asked) -> SchemaVersion:
        number = version_number(asked.params["version"])
        return await self._catalog.version(await self._meant(asked), number, deleted=asked.flag("deleted"))

    async def _by_metadata(self, asked: Asked) -> Any:
        wanted = dict(zip(asked.texts("key"), asked.texts("value"), strict=False))
        for one in reversed(await self._catalog.versions(await self._meant(asked), deleted=asked.flag("deleted"))):
            if wanted.items() <= properties(one.content.metadata).items():
                return _version(one)
        raise SCHEMA_NOT_FOUND("")

    async def _referenced_by(self, asked: Asked) -> Any:
        number = version_number(asked.params["version"])
        return asked.window(await self._catalog.referred_by(await self._meant(asked), number))

    async def _look_up(self, asked: Asked) -> Any:
        subject = await self._meant(asked)
        await self._catalog.versions(subject, deleted=asked.flag("deleted"))  # that there is none comes first
        schema, _ = asked.schema()
        return _version(
            await self._registration.look_up(
                subject, schema, normalize=asked.flag("normalize"), deleted=asked.flag("deleted")
            )
        )

    async def _register(self, asked: Asked) -> Any:
        schema, numbers = asked.schema()
        found = await self._registration.register(
            await self._meant(asked), schema, numbers, normalize=asked.flag("normalize")
        )
        return {"id": found.id}

    async def _check(self, asked: Asked) -> Any:
        schema, _ = asked.schema()
        number = version_number(asked.params["version"]) if "version" in asked.params else None
        found = await self._registration.objections(
            await self._meant(asked), schema, number, normalize=asked.flag("normalize")
        )
        made: dict[str, Any] = {"is_compatible": not found}
        return {**made, "messages": found} if asked.flag("verbose") else made

    async def _delete_subject(self, asked: Asked) -> Any:
        return await self._registration.delete_subject(asked.subject, permanent=asked.flag("permanent"))

    async def _delete_version(self, asked: Asked) -> Any:
        number = version_number(asked.params["version"])
        return await self._registration.delete_version(asked.subject, number, permanent=asked.flag("permanent"))

    async def _config(self, asked: Asked) -> Any:
        return await self._scopes.config(asked.scope, asked.flag("defaultToGlobal"))

    async def _set_config(self, asked: Asked) -> Any:
        changes = asked.body(_CONFIG_FIELDS)
        await self._scopes.set_config(asked.scope, changes)
        return changes

    async def _drop_config(self, asked: Asked) -> Any:
        return await self._scopes.drop_config(asked.scope)

    async def _mode(self, asked: Asked) -> Any:
        return {"mode": await self._scopes.mode(asked.scope, asked.flag("defaultToGlobal"))}

    async def _set_mode(self, asked: Asked) -> Any:
        mode = asked.body(frozenset({"mode"})).get("mode")
        if not isinstance(mode, str | None):
            raise BAD_REQUEST("mode is a text.")
        mode = mode.upper() if mode else None
        await self._scopes.set_mode(asked.scope, mode, asked.flag("force"))
        return {"mode": mode}

    async def _drop_mode(self, asked: Asked) -> Any:
        return {"mode": await self._scopes.drop_mode(asked.scope, asked.flag("recursive"))}

    async def _meant(self, asked: Asked) -> str:
        """The subject, or the one that it is an alias of."""
        subject = asked.subject
        alias = (await self._scopes.config_in_scope(subject)).alias
        return qualified(alias, context_of(subject)) if alias else subject


def _version(one: SchemaVersion) -> dict[str, Any]:
    return {"subject": one.subject, "version": one.version, "id": one.id, **_content(one.content)}


def _content(content: SchemaContent) -> dict[str, Any]:
    made: dict[str, Any] = {"schemaType": content.type} if content.type != "AVRO" else {}
    if content.references:
        made["references"] = [one._asdict() for one in content.references]
    return {**made, "schema": content.text, **shown(content.metadata)}


def _media(request: Request) -> str:
    """What Accept likes best. Raises Refusal 406."""
    accept = _ANY_TYPE.sub(r"\1*/*", request.headers.get("accept", ""))
    found = preferred(accept, list(MEDIA))
    if found is None:
        raise NOT_ACCEPTABLE()
    return found


def _response(status: int, answer: Any, media: str) -> Response:
    body = answer.text.encode() if isinstance(answer, Raw) else msgspec.json.encode(answer)
    return Response(status, body, media)


def _refused(refusal: Refusal, media: str) -> Response:
    return _response(refusal.kind.status, {"error_code": refusal.kind.code, "message": refusal.message}, media)
