"""`interlock diff OLD NEW`: verdict, level, findings and exit code, for files of any kind in either notation."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import Any

import pytest

from diff_command.conftest import Desk, order
from interlock.contracts.comparison import MODES
from interlock.contracts.diff import compare
from interlock.contracts.json_schema.validator import compiled

TEXT = {"type": "string"}
SHORT = {"type": "string", "maxLength": 5}
MEMBERS = {"rule", "severity", "direction", "path", "old", "new", "message", "witness"}


def test_a_document_that_old_takes_and_new_refuses_breaks(desk: Desk) -> None:
    old, new = order(a=TEXT), order(a=SHORT)
    answer = desk.judged(old, new)
    assert (answer["verdict"], answer["level"]) == ("breaking", "major")
    assert (answer["kind"], answer["mode"], answer["reading"]) == ("json-schema", "BACKWARD", "SETS")
    worst = answer["findings"][0]
    assert (worst["rule"], worst["severity"], worst["direction"]) == ("max-length-added", "ERR", "backward")
    assert (worst["path"], worst["new"]) == ("/properties/a/maxLength", 5)
    assert compiled(old).is_valid(worst["witness"])
    assert not compiled(new).is_valid(worst["witness"])


@pytest.mark.parametrize(
    ("old", "new", "verdict", "level"),
    [
        (order(a=SHORT), order(a=TEXT), "compatible", "minor"),
        (order(a=TEXT), order(a=TEXT) | {"title": "Order"}, "compatible", "patch"),
        (order(a=TEXT), order(a=TEXT), "compatible", "patch"),
        (order(a=TEXT), order(a=TEXT, b=TEXT), "breaking", "major"),
    ],
)
def test_levels(desk: Desk, old: Any, new: Any, verdict: str, level: str) -> None:
    answer = desk.judged(old, new)
    assert (answer["verdict"], answer["level"]) == (verdict, level)


def test_every_finding_has_every_member(desk: Desk) -> None:
    answer = desk.judged(order(a=TEXT, b=TEXT), order(a=SHORT, c=TEXT) | {"title": "Order"})
    assert set(answer) == {"kind", "mode", "reading", "verdict", "level", "findings"}
    assert len(answer["findings"]) >= 4
    for finding in answer["findings"]:
        assert finding.keys() >= MEMBERS
        assert finding["witnessed"] or finding["witness"] is None


def test_a_witness_may_be_null(desk: Desk) -> None:
    answer = desk.judged({"type": ["string", "null"]}, {"type": "string"})
    assert answer["findings"][0]["witness"] is None
    assert answer["findings"][0]["witnessed"] is True


@pytest.mark.parametrize("mode", MODES)
def test_modes(desk: Desk, mode: str) -> None:
    narrowing = desk.judged(order(a=TEXT), order(a=SHORT), "--mode", mode)["verdict"]
    widening = desk.judged(order(a=SHORT), order(a=TEXT), "--mode", mode.lower())["verdict"]
    guards = {"NONE": (), "BACKWARD": ("narrowing",), "FORWARD": ("widening",), "FULL": ("narrowing", "widening")}
    guarded = guards[mode.removesuffix("_TRANSITIVE")]
    assert narrowing == ("breaking" if "narrowing" in guarded else "compatible")
    assert widening == ("breaking" if "widening" in guarded else "compatible")


def test_the_reading_of_content_models_can_be_chosen(desk: Desk) -> None:
    old = {"type": "object", "properties": {"a": TEXT}}
    new = {"type": "object", "properties": {"a": TEXT, "b": TEXT}}
    assert desk.judged(old, new)["verdict"] == "breaking"  # what stood at b under the open model may be no text
    assert desk.judged(old, new, "--reading", "LENIENT")["verdict"] == "compatible"


def test_yaml_and_json_are_one(desk: Desk) -> None:
    old = desk.put("old.yaml", "type: object\nproperties:\n  a:\n    type: string\n")
    new = desk.put("new.json", {"type": "object", "properties": {"a": SHORT}})
    code, out, _ = desk.run(old, new)
    assert code == 1
    assert out.startswith("new.json:6  max-length-added  error\n")


def test_lines_are_those_of_the_new_file_in_yaml_too(desk: Desk) -> None:
    old = desk.put("old.json", {"type": "object", "properties": {"a": TEXT}})
    new = desk.put("new.yml", "type: object\nproperties:\n  a:\n    type: string\n    # short\n    maxLength: 5\n")
    _, out, _ = desk.run(old, new)
    assert out.startswith("new.yml:6  max-length-added  error\n")


def test_text_says_place_values_witness_and_next_step(desk: Desk) -> None:
    old, new = desk.put("1.json", order(a=SHORT)), desk.put("2.json", order(a=SHORT | {"maxLength": 3}))
    code, out, err = desk.run(old, new)
    assert (code, err) == (1, "")
    head, message, values, witness, summary, step = out.splitlines()
    assert head == "2.json:6  max-length-lowered  error"
    assert message.startswith("   /properties/a/maxLength: ")
    assert values == "   was 5, is 3"
    assert witness.startswith('   2.json refuses a document of 1.json: {"a":"')
    assert summary == "1.json → 2.json   major, breaking (BACKWARD): 1 error"
    assert step.startswith("Next: ")


def test_text_of_no_change(desk: Desk) -> None:
    same = desk.put("1.json", order(a=TEXT))
    assert desk.run(same, same) == (0, "1.json → 1.json   patch, compatible (BACKWARD): no change\n", "")


def test_many_small_changes_are_counted_and_not_all_printed(desk: Desk) -> None:
    names = [f"p{number}" for number in range(50)]
    old = desk.put("old.json", order(**dict.fromkeys(names, TEXT)))
    new = desk.put("new.json", order(**{name: TEXT | {"title": name} for name in names}))
    code, out, _ = desk.run(old, new)
    assert code == 0
    assert "and 30 more infos: --format json" in out
    assert out.splitlines()[-1].endswith("patch, compatible (BACKWARD): 50 infos")


def test_earlier_versions_are_asked_one_by_one(desk: Desk) -> None:
    first, second = desk.put("1.json", order(a=TEXT)), desk.put("2.json", order(a=SHORT))
    third = desk.put("3.json", order(a=SHORT) | {"title": "Order"})
    assert desk.run(second, third)[0] == 0
    code, out, _ = desk.run(first, second, third, "--json")
    answer = json.loads(out)
    assert (code, answer["mode"], answer["verdict"]) == (1, "BACKWARD_TRANSITIVE", "breaking")
    against = {finding["rule"]: finding["against"] for finding in answer["findings"]}
    assert against == {"max-length-added": ["1.json"], "title-changed": ["1.json", "2.json"]}
    text = desk.run(first, second, third)[1]
    assert "3.json refuses a document of 1.json" in text
    assert "Against 1.json." in text


def test_standard_input_is_a_file_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    old = desk.put("old.json", order(a=TEXT))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(order(a=SHORT)).encode())))
    code, out, _ = desk.run(old, "-")
    assert code == 1
    assert out.startswith("stdin:1  max-length-added  error\n")


def test_the_library_call_says_the_same(desk: Desk) -> None:
    old, new = order(a=TEXT), order(a=SHORT, b=TEXT)
    said = desk.judged(old, new, "--mode", "FULL")
    called = compare(old, new, mode="FULL")
    assert (called.verdict, called.level) == (said["verdict"], said["level"])
    assert [one.rule for one in called.findings] == [finding["rule"] for finding in said["findings"]]


def test_as_a_process(desk: Desk) -> None:
    old, new = desk.put("old.json", order(a=TEXT)), desk.put("new.json", order(a=SHORT))
    words = [sys.executable, "-m", "interlock.cli.main", "diff", old, new, "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == ""
    assert json.loads(done.stdout)["verdict"] == "breaking"


def test_it_loads_only_what_it_needs(desk: Desk) -> None:
    """It runs in every hook of every repository: engine, stores and servers stay out."""
    desk.put("old.json", order(a=TEXT))
    script = "import sys; from interlock.cli.main import main; main(['diff', 'old.json', 'old.json', '--json']); "
    script += "print([name for name in ('apsw', 'aiohttp', 'asyncio', 'fastavro', 'rich') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


API = """\
openapi: 3.1.0
info: {title: Shop, version: 1.0.0}
paths:
  /orders:
    get:
      operationId: listOrders
      SUNSET
      responses:
        200: {description: Done.}
"""


def test_an_api_in_yaml_and_what_was_announced_to_end(desk: Desk) -> None:
    new = desk.put("new.yaml", "openapi: 3.1.0\ninfo: {title: Shop, version: 2.0.0}\npaths: {}\n")
    kept = desk.put("kept.yaml", API.replace("SUNSET", "deprecated: false"))
    code, out, _ = desk.run(kept, new, "--json")
    answer = json.loads(out)
    assert (code, answer["kind"], answer["verdict"]) == (1, "openapi", "breaking")
    assert answer["findings"][0]["path"] == "/paths/~1orders"
    ended = desk.put("ended.yaml", API.replace("SUNSET", "deprecated: true\n      x-sunset: '2020-01-01'"))
    assert desk.run(ended, new)[0] == 0
    ending = desk.put("ending.yaml", API.replace("SUNSET", "deprecated: true\n      x-sunset: '2099-01-01'"))
    assert desk.run(ending, new)[0] == 1
