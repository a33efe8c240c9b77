"""The formats of build servers: valid in structure, and saying what the text says."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from diff_command.conftest import Desk, order
from interlock.contracts.report.entry import Entry, Report
from interlock.contracts.report.junit import junit
from interlock.contracts.report.markdown import markdown
from interlock.contracts.report.sarif import sarif

TEXT = {"type": "string"}
SHORT = {"type": "string", "maxLength": 5}


@pytest.fixture
def pair(desk: Desk) -> tuple[str, str]:
    """One error and one info."""
    old = desk.put("old.json", order(a=TEXT))
    return old, desk.put("contracts/new one.json", order(a=SHORT) | {"title": "Order"})


def test_sarif(desk: Desk, pair: tuple[str, str]) -> None:
    code, out, _ = desk.run(*pair, "--format", "sarif")
    assert code == 1
    log = json.loads(out)
    assert log["version"] == "2.1.0"
    assert "sarif-schema-2.1.0" in log["$schema"]
    (run,) = log["runs"]
    driver, results = run["tool"]["driver"], run["results"]
    assert driver["name"] == "interlock"
    assert [rule["id"] for rule in driver["rules"]] == ["max-length-added", "title-changed"]
    assert all(rule["shortDescription"]["text"] for rule in driver["rules"])
    assert [result["level"] for result in results] == ["error", "note"]
    for result in results:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert re.fullmatch("[0-9a-f]{64}", result["partialFingerprints"]["interlock/v1"])
    (location,) = results[0]["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "contracts/new%20one.json"},
        "region": {"startLine": 6},
    }
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "contracts/new one.json#/properties/a/maxLength"
    assert "refuses a document of old.json" in results[0]["message"]["text"]


def test_sarif_fingerprints_stay_when_lines_move(desk: Desk, pair: tuple[str, str]) -> None:
    def prints() -> list[str]:
        results = json.loads(desk.run(*pair, "--format", "sarif")[1])["runs"][0]["results"]
        return [result["partialFingerprints"]["interlock/v1"] for result in results]

    before = prints()
    moved = "\n\n" + (desk.root / pair[1]).read_text()
    desk.put(pair[1], moved)
    assert prints() == before
    assert len(set(before)) == len(before)


def test_junit(desk: Desk, pair: tuple[str, str]) -> None:
    code, out, _ = desk.run(*pair, "--format", "junit")
    assert code == 1
    suite = only(ElementTree.fromstring(out), "testsuites")
    assert_valid_suite(suite)
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("2", "1", "0")
    failed, passed = suite.findall("testcase")
    assert failed.get("name") == "max-length-added contracts/new one.json:6 /properties/a/maxLength"
    failure = failed.find("failure")
    assert failure is not None
    assert failure.get("type") == "max-length-added"
    assert failure.text is not None
    assert "refuses a document of old.json" in failure.text
    assert len(passed) == 0


def test_junit_of_no_change_has_a_case_that_passed(desk: Desk) -> None:
    same = desk.put("same.json", order(a=TEXT))
    code, out, _ = desk.run(same, same, "--format", "junit")
    assert code == 0
    suite = only(ElementTree.fromstring(out), "testsuites")
    assert_valid_suite(suite)
    assert [(case.get("name"), len(case)) for case in suite.findall("testcase")] == [("same.json", 0)]


def test_markdown(desk: Desk, pair: tuple[str, str]) -> None:
    code, out, _ = desk.run(*pair, "--format", "markdown")
    assert code == 1
    assert out.startswith(
        "## interlock diff: old.json → contracts/new one.json\n\nmajor, breaking (BACKWARD): 1 error, 1 info."
    )
    assert "- **max-length-added** contracts/new one.json:6 /properties/a/maxLength: " in out
    assert "<details><summary>Info: 1</summary>" in out


def hostile(text: str) -> Report:
    entry = Entry("rule", "error", "a&b.json", 1, text, pointer="/<x>", more=(text,))
    waived = Entry("rule", "error", "a&b.json", 2, "old", waived=text)
    return Report("interlock diff", text, text, (entry, waived), purposes={"rule": text})


@pytest.mark.parametrize(
    "text", ['</failure><x a="1">&', "]]>", "bell \x07 and \x00", "a\nb\tc", "\ud800 alone", "*_`[x](y) <b> |"]
)
def test_words_of_a_contract_stay_words(text: str) -> None:
    suite = only(ElementTree.fromstring(junit(hostile(text), "2026-11-24T10:00:00", 0.1)), "testsuites")
    assert_valid_suite(suite)
    assert len(suite.findall("testcase")) == 2
    json.dumps(sarif(hostile(text), "1"))
    page = markdown(hostile(text))
    assert "<b>" not in page
    assert "</failure>" not in page
    assert "[x]" not in page


def test_what_is_waived_is_told_apart() -> None:
    waived = Entry("rule", "error", "a.json", 1, "message", waived="agreed")
    report = Report("interlock diff", "a", "b", (waived,))
    suite = only(ElementTree.fromstring(junit(report, "2026-11-24T10:00:00", 0)), "testsuites")
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "1")
    (case,) = suite.findall("testcase")
    assert case[0].tag == "skipped"
    result = sarif(report, "1")["runs"][0]["results"][0]
    assert result["suppressions"] == [{"kind": "external", "justification": "agreed"}]
    assert "### Waived" in markdown(report)


def only(root: ElementTree.Element, tag: str) -> ElementTree.Element:
    assert root.tag == tag
    (child,) = root
    return child


def assert_valid_suite(suite: ElementTree.Element) -> None:
    """What the schemas of Ant's formatter and of Jenkins ask of a suite within `testsuites`."""
    assert suite.tag == "testsuite"
    required = {"name", "timestamp", "hostname", "tests", "failures", "errors", "time", "id", "package"}
    assert required <= set(suite.attrib) <= required | {"skipped"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
    tags = [child.tag for child in suite]
    assert tags == ["properties", *["testcase"] * (len(tags) - 3), "system-out", "system-err"]
    cases = suite.findall("testcase")
    assert int(suite.attrib["tests"]) == len(cases)
    assert int(suite.attrib["failures"]) == sum(case.find("failure") is not None for case in cases)
    for case in cases:
        assert set(case.attrib) == {"name", "classname", "time"}
        assert len(case) <= 1
        for child in case:
            assert child.tag in ("failure", "skipped")
            assert child.tag == "skipped" or "type" in child.attrib
            assert set(child.attrib) <= {"type", "message"}


def test_json_has_two_spellings(desk: Desk, pair: tuple[str, str]) -> None:
    one: Any = json.loads(desk.run(*pair, "--json")[1])
    assert one == json.loads(desk.run(*pair, "--format", "json")[1])
