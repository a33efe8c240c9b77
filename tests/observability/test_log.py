"""The engine's own log: names and fields from the table, and nothing else on any line."""

from __future__ import annotations

import ast
import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import interlock
from interlock.app.log import EVENTS, OTHER, JsonLines, configure, engine_failed
from interlock.app.process import Process
from interlock.estate.loader import load
from interlock.estate.starter import write_starter
from interlock.model.problems import Fenced, StorageFull, Unexpected
from interlock.testing.end_with_run import start_server

SOURCES = Path(interlock.__file__).parent
NAME = re.compile(r"[a-z]+\.[a-z_]+")
LEVELS = {"debug", "info", "warning", "error"}
MINUTE = 60


def logged() -> Iterator[tuple[str, str, set[str] | None]]:
    """Event, level and fields (None: not to be read off) of every place in the sources that logs a named event."""
    for file in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS):
                continue
            first = node.args[0] if node.args else None
            names = [one.value for one in ast.walk(first) if isinstance(one, ast.Constant)] if first else []
            for name in names:
                if isinstance(name, str) and NAME.fullmatch(name):
                    yield name, node.func.attr, fields(node)


def fields(call: ast.Call) -> set[str] | None:
    extra = next((word.value for word in call.keywords if word.arg == "extra"), None)
    if extra is None:
        return set()
    if not isinstance(extra, ast.Dict) or None in extra.keys:  # a dictionary that is merged in is not to be read off
        return None
    return {ast.literal_eval(key) for key in extra.keys if key}


def test_every_logged_event_has_its_row_and_every_row_is_logged() -> None:
    rows = {event.name: event for event in EVENTS if event.name != OTHER}
    found = list(logged())
    assert {name for name, _, _ in found} == set(rows)
    for name, level, given in found:
        assert level == rows[name].level, name
        assert given is None or given == set(rows[name].fields), name


def test_every_event_is_described() -> None:
    assert len({event.name for event in EVENTS}) == len(EVENTS)
    assert [event.name for event in EVENTS if not event.meaning.endswith(".")] == []


def line_of(message: str, *arguments: object, **more: Any) -> dict[str, Any]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.Logger("some.library")
    logger.addHandler(handler)
    logger.error(message, *arguments, **more)
    made: dict[str, Any] = json.loads(stream.getvalue())
    assert stream.getvalue().count("\n") == 1
    return made


def test_fields_beyond_the_table_are_left_out() -> None:
    line = line_of("delivery.breaker_opened", extra={"system": "payments", "body": "secret"})
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {"level": "error", "event": "delivery.breaker_opened", "system": "payments"}


def test_what_others_say_is_placed_but_not_quoted() -> None:
    try:
        raise ValueError("card 4111")
    except ValueError:
        line = line_of("bad value %s", "card 4111", exc_info=True)
    assert (line["event"], line["logger"], line["kind"]) == (OTHER, "some.library", "ValueError")
    assert line["place"].startswith("test_log.py:")
    assert "4111" not in json.dumps(line)


@pytest.mark.parametrize(
    ("problem", "name"), [(Fenced("x 4111"), "engine.fenced"), (StorageFull("x 4111"), "engine.failed")]
)
def test_what_ends_the_engine_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, problem: Any, name: str
) -> None:
    write_starter(tmp_path / "shop", "shop")
    process = Process(load(tmp_path / "shop"))
    process.fail(problem)
    process.fail(problem)
    assert [(record.msg, record.code) for record in caplog.records] == [(name, problem.code)]  # type: ignore[attr-defined]


def test_a_named_process_says_so_in_every_line() -> None:
    stream = io.StringIO()
    before = logging.getLogger().handlers[:]
    try:
        configure(stream, process="worker-2")
        logging.getLogger("interlock.engine").info("engine.draining")
        logging.getLogger("some.library").warning("anything")
        configure(stream)
        logging.getLogger("interlock.engine").info("engine.draining")
    finally:
        logging.getLogger().handlers[:] = before
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line.get("process") for line in lines] == ["worker-2", "worker-2", None]


def test_a_failure_names_what_it_came_from_and_quotes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError("card 4111")
    except ValueError as error:
        engine_failed(Unexpected.of(error, "The flow pay broke"))
    line = json.loads(JsonLines().format(caplog.records[0]))
    assert (line["event"], line["code"], line["kinds"]) == ("engine.failed", "unexpected", ["Unexpected", "ValueError"])
    assert line["frames"][-1].endswith("test_a_failure_names_what_it_came_from_and_quotes_nothing")
    assert "4111" not in json.dumps(line)


def up(root: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "interlock.cli.main", "up", str(root), "--name", "one"]
    return start_server(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ})


def test_the_life_of_an_engine_on_stderr(tmp_path: Path) -> None:
    write_starter(tmp_path / "shop", "shop")
    settings = tmp_path / "shop/interlock.toml"
    settings.write_text('[estate]\nname = "shop"\n[server]\nport = 0\n')
    process = up(tmp_path / "shop")
    assert process.stdout is not None
    while "listening" not in (said := process.stdout.readline()):
        assert said, process.communicate()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=MINUTE)
    lines = [json.loads(line) for line in errors.splitlines()]
    assert [line["event"] for line in lines] == ["engine.starting", "engine.ready", "engine.draining", "engine.drained"]
    assert {line["process"] for line in lines} == {"one"}
    assert (lines[0]["estate"], lines[1]["epoch"], lines[3]["finished"]) == ("shop", 1, True)
    assert f":{lines[1]['port']} " in said
    assert process.returncode == 0


def test_an_estate_that_is_refused(tmp_path: Path) -> None:
    write_starter(tmp_path / "shop", "shop")
    (tmp_path / "shop/interlock.toml").write_text("[limits]\nheaders = 'secret-4111'\n")
    process = up(tmp_path / "shop")
    _, errors = process.communicate(timeout=MINUTE)
    first = json.loads(errors.splitlines()[0])
    assert (first["event"], first["estate"], first["codes"]) == ("estate.invalid", "shop", ["SETTING_INVALID"])
    assert process.returncode == 1
