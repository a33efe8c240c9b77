"""Somebody who follows a page: two terminals in a folder, one of them for the engine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

from docs.console_page import Command, EditFile, Move, WriteFile

from interlock.testing.end_with_run import start_server

PATIENCE_SECONDS = 20.0
DEV = "interlock dev"
PORT = "8700"  # of the pages
LETTER = re.compile(r"\b([a-z][a-z-]*)/\d+/\d+/(\d+)")

# What differs from run to run, and what stands for it in a comparison.
MASKS = (
    (LETTER, r"\1/PLACE/\2"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"), "MOMENT"),
    (re.compile(r"\d\d:\d\d:\d\d\.\d{3}"), "TIME"),
    (re.compile(r"\b(under \d+ ms|\d+(\.\d+)? (ms|s|min)( \d+ s)?)\b"), "DURATION"),
    (re.compile(r"partition \d+ @ \d+"), "LOGGED"),
    # One request in a hundred is sampled.
    (re.compile(r"^(  trace +)(none|00-[0-9a-f]{32}-[0-9a-f]{16}-0[01])$", re.MULTILINE), r"\1TRACE"),
    (re.compile(r"(estate(?: shop)?|→) [0-9a-f]{6}\b"), r"\1 HASH"),
    (re.compile(r"^  [A-Z][a-z]+day \d{4}-\d\d-\d\d\n", re.MULTILINE), ""),  # the story went past midnight
    (re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} 00:00:00 GMT"), "DATE"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "DATE"),
    (re.compile(r"@\d{10}\b"), "@SECONDS"),
    (re.compile(r" +$| {2,}", re.MULTILINE), " "),  # columns are as wide as what stands in them
    (re.compile(r"-{3,}|\s+\Z"), ""),
)


def masked(text: str) -> str:
    for pattern, instead in MASKS:
        text = pattern.sub(instead, text)
    return text


class Reader:
    """Raises AssertionError with both texts when a command prints something else than its page."""

    def __init__(self, folder: Path, bin_folder: Path, port: int) -> None:
        self._folder = folder
        self._port = str(port)
        environ = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        names = [f"GIT_{role}_{part}" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")]
        who = dict.fromkeys(names, "reader@example.com")
        self._environ = environ | who | {"PATH": f"{bin_folder}:{os.environ['PATH']}"}
        self._engine: subprocess.Popen[bytes] | None = None
        self._letter: str | None = None
        self.printed: list[tuple[str, str]] = []

    def follow(self, move: Move) -> None:
        match move:
            case WriteFile(path, text):
                target = self._folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text.replace(PORT, self._port), encoding="utf-8")
            case EditFile(path, before, after):
                target = self._folder / path
                text = target.read_text(encoding="utf-8")
                assert text.count(before) == 1, f"{path} has no single line {before!r}"
                target.write_text(text.replace(before, after), encoding="utf-8")
            case Command(line, prints):
                self._run(line, prints)

    def stop_engine(self) -> None:
        """Ctrl-C."""
        if self._engine is not None:
            self._engine.send_signal(signal.SIGINT)
            assert self._engine.wait(PATIENCE_SECONDS) == 0
            self._engine = None

    def _run(self, line: str, prints: str) -> None:
        """An engine works while one reads: what does not fit yet is asked again, but nothing is sent twice."""
        act = self._start_engine if line == DEV else self._execute
        patience = time.monotonic() + PATIENCE_SECONDS
        said = act(line)
        asks = line.startswith(("interlock why", "interlock status", "interlock dlq list"))
        while asks and masked(said) != masked(prints) and time.monotonic() < patience:
            time.sleep(0.1)
            said = act(line)
        self.printed.append((line, said))
        assert masked(said) == masked(prints), f"$ {line}\n{said}\n--- the page has:\n{prints}"

    def _execute(self, line: str) -> str:
        words = line.replace(PORT, self._port)
        if self._letter is not None:
            words = LETTER.sub(self._letter, words)
        script = f"{words}\nprintf '\\n%s' \"$PWD\" >&3"
        read, write = os.pipe()
        try:
            done = subprocess.run(
                ["bash", "-c", f"exec 3>&{write}; {script}"],
                cwd=self._folder, env=self._environ, pass_fds=(write,), timeout=60,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
        finally:
            os.close(write)
        with os.fdopen(read) as place:
            self._folder = Path(place.read().strip())
        self._listen_elsewhere()
        found = LETTER.search(done.stdout)
        if found is not None:
            self._letter = found[0]
        return done.stdout.replace(self._port, PORT).rstrip("\n")

    def _listen_elsewhere(self) -> None:
        """Port 8700 may be taken on this machine."""
        settings = self._folder / "interlock.toml"
        if settings.exists() and f"port = {PORT}\n" in settings.read_text():
            settings.write_text(settings.read_text().replace(PORT, self._port))

    def _start_engine(self, line: str) -> str:
        self.stop_engine()
        self._engine = start_server(
            line.split(), cwd=self._folder, env=self._environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self._engine.stdout is not None
        said = b""
        while b"listening" not in said:
            more = self._engine.stdout.readline()
            assert more, f"the engine ended: {said.decode()}"
            said += more
        return said.decode().replace(self._port, PORT).rstrip("\n")
