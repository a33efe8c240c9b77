"""Asking a running engine, over its Unix socket."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from interlock.model.problems import LeasedElsewhere, Problem, Rejected, UnavailableProblem, Unexpected, every_problem

TIMEOUT_SECONDS = 30.0
_KINDS = {kind.code: kind for kind in every_problem() if not issubclass(kind, Rejected)}


class ControlClient:
    """One connection, kept for several requests. A context manager. Raises the problem that the engine answers."""

    def __init__(self, socket_path: Path) -> None:
        self._connection = _UnixConnection(socket_path)

    def post(self, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """The answer's JSON object. UnavailableProblem when no engine runs, or it does not answer in time."""
        try:
            self._connection.request("POST", path, json.dumps(document), {"content-type": "application/json"})
            answer = self._connection.getresponse()
            status, body = answer.status, answer.read()
        except (http.client.HTTPException, OSError) as error:
            self._connection.close()
            raise UnavailableProblem(
                f"The engine did not answer: {type(error).__name__}.", next_step="See whether it runs, then try again."
            ) from error
        content = _object(body)
        if status >= 400:
            raise _problem(status, content)
        return content

    def __enter__(self) -> ControlClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()


class ControlClients:
    """The engines of this machine on one store: asks one after the other until one has the partition in question."""

    def __init__(self, socket_paths: Sequence[Path]) -> None:
        self._paths = list(socket_paths)
        self._clients: dict[Path, ControlClient] = {}

    def post(self, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """LeasedElsewhere when none of them has it: it names who does."""
        elsewhere: Problem | None = None
        for place in self._paths[:]:
            client = self._clients.setdefault(place, ControlClient(place))
            try:
                return client.post(path, document)
            except LeasedElsewhere as problem:
                elsewhere = problem
            except UnavailableProblem as problem:
                if not isinstance(problem.__cause__, FileNotFoundError | ConnectionRefusedError):
                    raise
                if len(self._paths) == 1:
                    raise
                self._paths.remove(place)  # of a process that is gone
        assert elsewhere is not None
        raise elsewhere

    def __enter__(self) -> ControlClients:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients.values():
            client.__exit__(kind, error, trace)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_SECONDS)
        try:
            self.sock.connect(str(self._path))
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise UnavailableProblem(
                f"No engine runs on this store: nobody listens at {self._path}.",
                next_step="Start it with: interlock up",
            ) from error
        except PermissionError as error:
            raise UnavailableProblem(
                f"{self._path} belongs to another user.", next_step="Run this as the user that runs the engine."
            ) from error


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    return content if isinstance(content, dict) else {}


def _problem(status: int, document: Mapping[str, Any]) -> Problem:
    """The problem of an RFC 9457 document."""
    kind = _KINDS.get(str(document.get("code")), Unexpected)
    detail = str(document.get("detail") or f"The engine answered {status}.")
    return kind(detail, next_step=document.get("next_step"), errors=document.get("errors") or ())
