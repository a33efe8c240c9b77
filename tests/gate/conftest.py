"""An estate in a git repository, in a subfolder of it, and the gate over it; a chat that is told."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from versions.conftest import Shop


class Repository:
    """One commit with the estate of `interlock init`; the work goes on beside it."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        root.mkdir()
        self.git("init", "-q", "-b", "main")
        self.shop = Shop(root / "estates/shop", capsys)
        self.base = self.commit("the estate")

    def git(self, *words: str) -> str:
        who = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", "-C", str(self.root), *who, *words], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, said: str) -> str:
        self.git("add", ".")
        self.git("commit", "-q", "-m", said)
        return self.git("rev-parse", "HEAD")

    def gate(self, *words: str, base: str = "") -> tuple[int, str, str]:
        return self.shop.run("gate", "--base", base or self.base, *words, str(self.shop.root))

    def report(self, *words: str, base: str = "") -> dict[str, Any]:
        code, out, err = self.gate("--format", "json", *words, base=base)
        assert out, err
        report: dict[str, Any] = json.loads(out)
        assert code == (0 if report["passed"] else 1)
        return report

    def rules(self, *words: str, base: str = "") -> list[str]:
        return [problem["rule"] for problem in self.report(*words, base=base)["problems"]]


@pytest.fixture
def repository(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Repository:
    return Repository(tmp_path / "repository", capsys)


class Chat:
    """A webhook on this machine: what it got, and what it answers."""

    def __init__(self) -> None:
        self.got: list[tuple[str, Any]] = []
        self.status = 200
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                chat.got.append((self.headers["content-type"], json.loads(body)))
                self.send_response(chat.status)
                self.send_header("location", "/elsewhere")
                self.end_headers()

            def do_GET(self) -> None:
                chat.got.append(("followed", None))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/T0/B0/token"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def chat() -> Iterator[Chat]:
    chat = Chat()
    yield chat
    chat.server.shutdown()
    chat.server.server_close()
