"""The connection to the servers: made anew when it is lost, each question with a time limit, errors translated."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error, NoRespondersError
from nats.errors import TimeoutError as NatsTimeout

from interlock.adapters.jetstream.plain_words import in_words
from interlock.model.lasting_task import lasting
from interlock.model.pauses import Pauses
from interlock.model.problems import Closed, Problem, SettingInvalid, StorageFull, StorageUnavailable

OLDEST_SERVER = (2, 12)
CONNECT_SECONDS = 3
ANSWER_SECONDS = 2.0
PING_SECONDS = 5
PAUSE_SECONDS = (0.05, 2.0)
RETRY_AFTER_SECONDS = 2

logging.getLogger("nats").setLevel(logging.CRITICAL)  # it tells each lost connection: we tell that ourselves

Handler = Callable[[Msg], None]
_IN_PLACE = "in_place"
_BLANKS = (":  ", " :", " \r\n", "\t")  # where a header may have more around it than we and the servers write


class QuickClient(Client):
    """The driver's client, with what costs half of a message's time done more simply: the parsing of headers, and the
    way through a queue and a task to who hears.

    Should the driver stop calling these methods, it is as slow as it was, and right.
    """

    @staticmethod
    def _parse_header_lines(raw: bytes) -> dict[str, str]:
        text = raw.decode("utf-8", "replace").rstrip("\r\n")
        if not any(blank in text for blank in _BLANKS):
            with suppress(ValueError):  # a line without a value
                return dict([line.split(": ", 1) for line in text.split("\r\n")])
        found = {}
        for line in text.split("\r\n"):
            name, colon, value = line.partition(":")
            if colon:
                found[name.strip()] = value.strip()
        return found

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes) -> None:
        subscription = self._subs.get(sid)
        handler: Handler | None = getattr(subscription._cb, _IN_PLACE, None) if subscription is not None else None
        if handler is None:
            await super()._process_msg(sid, subject, reply, data, headers)
            return
        found = await self._process_headers(headers)
        try:
            handler(self._build_message(sid, subject, reply, data, found))
        except Exception as error:  # the driver's own way: one message must not end the connection
            await self._error_cb(error)


def in_place(handler: Handler) -> Callable[[Msg], Coroutine[Any, Any, None]]:
    """A callback for `subscribe` that a QuickClient calls as soon as the message is read. It must not wait."""

    async def called(message: Msg) -> None:
        handler(message)

    setattr(called, _IN_PLACE, handler)
    return called


class ApiRefusal(Exception):
    """JetStream's own error. `code` is its `err_code`."""

    def __init__(self, code: int, told: str) -> None:
        super().__init__(told)
        self.code = code


class Link:
    """One connection at a time, to whichever server answers.

    The driver's own reconnecting is not used: it sends what was buffered again, at a time that nobody knows.
    """

    def __init__(self, servers: str) -> None:
        self._servers = [part.strip() for part in servers.split(",") if part.strip()]
        self._client: Client | None = None
        self._handlers: dict[str, Handler] = {}
        self._prefix = ""
        self._counter = 0
        self._watchers: list[Callable[[], None]] = []
        self._keeper: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()
        self.up = asyncio.Event()
        self.denied: str | None = None  # what the servers said of permissions, last
        self.closed = False

    @property
    def place(self) -> str:
        """What may be shown of the addresses."""
        parts = [urlsplit(server if "//" in server else f"nats://{server}") for server in self._servers]
        return ", ".join(f"{part.hostname}:{part.port or 4222}" for part in parts)

    @property
    def client(self) -> Client:
        """StorageUnavailable while there is no connection."""
        if self.closed:
            raise Closed("The log was closed.")
        if self._client is None or not self._client.is_connected:
            raise self.away()
        return self._client

    @property
    def version(self) -> str:
        return str(self.client._server_info.get("version", "0"))

    @property
    def has_jetstream(self) -> bool:
        """Of the server that we speak to; others of its cluster may have it."""
        return bool(self.client._server_info.get("jetstream"))

    @property
    def largest_message(self) -> int:
        return int(self.client.max_payload)

    def away(self, why: str = "does not answer") -> StorageUnavailable:
        return StorageUnavailable(
            f"The NATS server at {self.place} {why}.",
            next_step="Try again; if it lasts, see whether the servers run: nats server check connection",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )

    def watch(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever the connection is lost or made."""
        self._watchers.append(changed)

    async def open(self) -> None:
        """SettingInvalid when the servers refuse us; StorageUnavailable when none answers."""
        if not self._servers:
            raise SettingInvalid("jetstream.servers names no server.", next_step="Set it, as in: nats://127.0.0.1:4222")
        await self._connect()
        self._keeper = lasting(self._keep(), "NATS connection's keeper")

    async def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._end()

    def drop(self) -> None:
        """The connection is of no use, though it stands: make another."""
        self._gone.set()

    def new_reply(self, handler: Handler) -> str:
        """A subject for answers; `handler` gets each until `forget`."""
        self._counter += 1
        subject = f"{self._prefix}{self._counter}"
        self._handlers[subject] = handler
        return subject

    def forget(self, subject: str) -> None:
        self._handlers.pop(subject, None)

    async def request(self, subject: str, document: Any = None, *, seconds: float = ANSWER_SECONDS) -> dict[str, Any]:
        """One answer of JetStream's API. ApiRefusal with its error; StorageUnavailable when none comes."""
        payload = b"" if document is None else orjson.dumps(document)
        try:
            answer = await self.client.request(f"$JS.API.{subject}", payload, timeout=seconds)
        except NoRespondersError as error:
            raise self.away("has nobody who answers for JetStream") from error
        except NatsTimeout as error:
            raise self._unanswered(subject) from error
        except Error as error:
            raise self.away() from error
        found: dict[str, Any] = orjson.loads(answer.data)
        if refused := found.get("error"):
            raise ApiRefusal(refused.get("err_code", 0), refused.get("description", "no reason given"))
        return found

    async def may_publish(self, subject: str) -> None:
        """SettingInvalid when the user may not. The server refuses the message, for it names another stream."""
        try:
            await self.client.request(
                subject, b"", timeout=2 * ANSWER_SECONDS, headers={"Nats-Expected-Stream": "none"}
            )
        except NatsTimeout as error:
            raise self._unanswered("Publish") from error
        except Error as error:
            raise self.away("has nobody who leads the stream") from error

    async def ping(self, seconds: float) -> bool:
        try:
            await self.client.flush(timeout=seconds)  # type: ignore[arg-type]
        except (Error, StorageUnavailable, Closed):
            return False
        return True

    def _unanswered(self, subject: str) -> Exception:
        if self.denied and subject.split(".")[0].lower() in self.denied.lower():
            return SettingInvalid(
                f"The user of jetstream.servers may not do what the log needs: {self.denied}.",
                next_step="Grant it the permissions of docs/guides/jetstream.md, section 'Permissions'.",
            )
        return self.away("does not answer in time: JetStream may have no leader or no quorum")

    async def _connect(self) -> None:
        """To the first that answers, beginning anywhere."""
        problem: Exception | None = None
        for server in random.sample(self._servers, len(self._servers)):
            try:
                client = await asyncio.wait_for(self._dial(server), 2 * CONNECT_SECONDS)
            except (Error, OSError, TimeoutError, ValueError) as error:
                problem = self._refused(error)
                if isinstance(problem, SettingInvalid):
                    break
                continue
            if tuple(int(part) for part in client._server_info["version"].split("-")[0].split(".")[:2]) < OLDEST_SERVER:
                version = client._server_info["version"]
                await client.close()
                raise SettingInvalid(
                    f"The NATS server at {self.place} is {version}; the log needs 2.12 or newer.",
                    next_step="Upgrade the servers: batches that are all or nothing came with 2.12.",
                )
            self._client = client
            self._gone.clear()
            self.up.set()
            for changed in self._watchers:
                changed()
            return
        raise problem or self.away()

    async def _dial(self, server: str) -> Client:
        client = QuickClient()
        await client.connect(
            server,
            name="interlock",
            allow_reconnect=False,
            connect_timeout=CONNECT_SECONDS,
            ping_interval=PING_SECONDS,
            max_outstanding_pings=2,
            closed_cb=self._lost,
            disconnected_cb=self._lost,
            error_cb=self._told,
        )
        self._prefix = client.new_inbox() + "."
        self._handlers.clear()
        await client.subscribe(self._prefix + "*", cb=in_place(self._answered))
        return client

    def _answered(self, message: Msg) -> None:
        handler = self._handlers.get(message.subject)
        if handler is not None:
            handler(message)

    async def _lost(self) -> None:
        self._gone.set()

    async def _told(self, error: Exception) -> None:
        if "permissions violation" in str(error).lower():
            self.denied = str(error).removeprefix("nats: ").strip("'")

    def _refused(self, error: BaseException) -> Exception:
        told = str(error).lower()
        if "authorization" in told or "authentication" in told:
            return SettingInvalid(
                f"The NATS server at {self.place} refuses us: wrong user, password or token.",
                next_step="Correct the secret that jetstream.servers refers to: nats://user:password@host:4222",
            )
        if isinstance(error, ValueError):
            return SettingInvalid(
                "jetstream.servers is no list of addresses.", next_step="Write it as nats://user:password@host:4222"
            )
        return self.away(in_words(error))

    async def _keep(self) -> None:
        """Whenever the connection is lost, another one, with growing pauses that differ between processes."""
        while True:
            await self._gone.wait()
            await self._end()
            for changed in self._watchers:
                changed()
            pauses = Pauses(*PAUSE_SECONDS, random.random)
            while self._client is None:
                await asyncio.sleep(next(pauses))
                with suppress(StorageUnavailable, SettingInvalid):
                    await self._connect()

    async def _end(self) -> None:
        self.up.clear()
        client, self._client = self._client, None
        self._handlers.clear()
        if client is not None:
            with suppress(Error, OSError, TimeoutError):
                await asyncio.wait_for(client.close(), CONNECT_SECONDS)


_FULL = frozenset({10047, 10077, 10023, 10114, 10115, 10122})


def refusal(error: ApiRefusal) -> Problem:
    """What a refused publish says: no room, or try again."""
    if error.code in _FULL or "exceeded" in str(error):
        return StorageFull(
            f"The stream takes no more: {error}.",
            next_step="Raise its limits, or remove what is no longer needed; nothing accepted was lost.",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )
    return StorageUnavailable(f"The stream refused the events: {error}.", retry_after_seconds=RETRY_AFTER_SECONDS)
