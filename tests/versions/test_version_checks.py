"""The number of a version against its diff, through `interlock check`."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from interlock.estate.loader import examine

from .conftest import ORDER, Shop, optional, plan, required, waiver


def test_a_field_more_is_minor_and_not_patch(shop: Shop) -> None:
    shop.version("1.1.0", optional())
    assert shop.check() == {}
    (shop.root / ORDER / "1.1.0.json").unlink()
    path = shop.version("1.0.1", optional())
    [finding] = shop.check()["VERSION_UNDERSTATED"]
    assert finding["file"] == path
    assert "1.0.1 says patch, the diff from 1.0.0 says minor" in finding["detail"]
    assert finding["next_step"] == "Make it 1.1.0: interlock new version orders.OrderPlaced --minor"


def test_words_alone_are_a_patch(shop: Shop) -> None:
    shop.version("1.0.1", lambda document: document.update(description="A customer has ordered."))
    assert shop.check() == {}


def test_a_breaking_change_is_told_with_place_readers_witness_and_next_step(shop: Shop) -> None:
    path = shop.version("1.1.0", required())
    code, out, _ = shop.run("check", str(shop.root))
    assert code == 1
    found = shop.check()["BREAKING_NEEDS_MAJOR"]
    assert {one["file"] for one in found} == {path}
    finding = next(one for one in found if "refuses a document" in one["detail"])
    assert "channel" in finding["detail"]
    assert "1.1.0 against 1.0.0, property-added-required at /properties/channel: " in finding["detail"]
    assert '\nis {"type":"string","maxLength":200,"x-classification":"internal"}\n' in finding["detail"]
    assert "One flow handles the event without reading it: spending." in finding["detail"]
    assert "\n1.1.0 refuses a document of 1.0.0: {" in finding["detail"]
    assert "\n   1.1.0 refuses a document of 1.0.0: {" in out
    step = "Make it 2.0.0 with a deprecation plan: interlock new version orders.OrderPlaced --major"
    assert finding["next_step"] == step
    rows = (shop.root / path).read_text().split("\n")
    assert finding["pointer"].split("/")[1] in ("required", "properties")
    assert finding["pointer"].split("/")[1] in rows[finding["line"] - 1] or "channel" in rows[finding["line"] - 1]


def test_the_mode_decides(shop: Shop) -> None:
    def forward(document: dict[str, Any]) -> None:
        optional()(document)
        document["x-interlock"]["compatibility"] = "FORWARD"

    shop.version("1.1.0", forward)  # a closed content model: an old reader refuses the new field
    [finding] = shop.check()["BREAKING_NEEDS_MAJOR"]
    assert "A reader of 1.0.0 fails on: {" in finding["detail"]
    shop.version("1.1.0", optional())
    assert shop.check() == {}
    shop.append("interlock.toml", '\n[contracts]\ncompatibility = "FULL"\n')
    assert "BREAKING_NEEDS_MAJOR" in shop.check()


def test_a_transitive_mode_looks_at_every_earlier_version(shop: Shop) -> None:
    def loose(document: dict[str, Any]) -> None:
        document["properties"]["note"]["maxLength"] = 900

    shop.version("1.1.0", lambda document: document["properties"].pop("note"))
    shop.version("1.2.0", lambda document: document.update(title="OrderPlaced"))
    before = [one for one in shop.check()["BREAKING_NEEDS_MAJOR"] if "1.2.0" in one["file"]]
    shop.append("interlock.toml", '\n[contracts]\ncompatibility = "BACKWARD_TRANSITIVE"\n')
    shop.version("1.2.0", lambda document: document["properties"].pop("note"))
    after = [one for one in shop.check()["BREAKING_NEEDS_MAJOR"] if "1.2.0" in one["file"]]
    assert before == []
    assert after
    assert all("1.2.0 against 1.0.0" in one["detail"] for one in after)


def test_a_waiver_of_the_rule_lets_a_breaking_change_pass(shop: Shop) -> None:
    path = shop.version("1.1.0", required())
    assert shop.check().keys() == {"BREAKING_NEEDS_MAJOR"}
    shop.write("waivers.toml", waiver("BREAKING_NEEDS_MAJOR", path))
    assert shop.check() == {}


def test_none_promises_nothing_so_somebody_answers_for_it(shop: Shop) -> None:
    def none(document: dict[str, Any]) -> None:
        document["x-interlock"]["compatibility"] = "NONE"

    path = shop.version("1.0.0", none)
    assert shop.check().keys() == {"COMPATIBILITY_NONE"}
    shop.write("waivers.toml", waiver("COMPATIBILITY_NONE", path))
    assert shop.check() == {}


def test_a_major_is_free_but_has_a_plan_for_the_old_one(shop: Shop) -> None:
    shop.version("2.0.0", required())
    [finding] = shop.check()["DEPRECATION_MISSING"]
    assert finding["file"] == f"{ORDER}/1.0.0.json"
    shop.write("deprecations.toml", plan())
    assert shop.check() == {}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"sunset": ""}, "no sunset"),
        ({"reason": ""}, "no reason"),
        ({"successor": ""}, "no successor"),
        ({"contact": ""}, "no contact"),
        ({"deprecated": '"soon"'}, "no deprecated, a date"),
        ({"major": "0"}, "no major"),
        ({"major": "7"}, "There is no orders.OrderPlaced 7.x"),
        ({"contact": '"team-ghost"'}, "team-ghost is not in owners.toml"),
        ({"successor": '"1.0.0"'}, "no later major version"),
        ({"successor": '"3.0.0"'}, "no later major version"),
        ({"sunset": "2026-11-01"}, "comes before the deprecation"),
        ({"sunset": "2027-02-28"}, "are 89 days; contracts.sunset_notice_days asks 90"),
        ({"contract": '"orders.Nothing"'}, "There is no contract orders.Nothing"),
        ({"link": '"page>; rel=evil"'}, "no http or https address"),
        ({"until": "1"}, "has no until"),
    ],
)
def test_a_plan_is_whole(shop: Shop, changed: dict[str, str], said: str) -> None:
    shop.version("2.0.0", required())
    shop.write("deprecations.toml", plan(**changed))
    found = shop.check()["DEPRECATION_INCOMPLETE"]
    assert {(one["file"], one["line"]) for one in found} == {("deprecations.toml", 2)}
    assert any(said in one["detail"] for one in found)


def test_all_that_a_plan_lacks_is_said_at_once(shop: Shop) -> None:
    shop.version("2.0.0", required())
    shop.write("deprecations.toml", '[[deprecation]]\ncontract = "orders.OrderPlaced"\nmajor = 1\n')
    [finding] = shop.check()["DEPRECATION_INCOMPLETE"]
    for name in ("successor", "contact", "reason", "deprecated", "sunset"):
        assert f"no {name}, a" in finding["detail"]


def test_a_sunset_comes_no_earlier_than_it_was_committed(shop: Shop, tmp_path: Path) -> None:
    def git(*words: str) -> None:
        who = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True)

    shop.version("2.0.0", required())
    shop.write("deprecations.toml", plan())
    assert shop.check() == {}  # in no repository
    git("init", "-q", "-b", "main")
    assert shop.check() == {}  # nothing was committed
    git("add", ".")
    git("commit", "-q", "-m", "a second major")
    shop.write("deprecations.toml", plan(sunset="2099-05-31"))
    [finding] = shop.check()["SUNSET_SHORTENED"]
    assert finding["detail"] == "The sunset of orders.OrderPlaced 1.x was 2099-06-01, and is 2099-05-31 now."
    assert shop.run("check", str(shop.root))[0] == 1
    git("commit", "-q", "-a", "-m", "shortened")
    assert shop.check() == {}
    code, out, _ = shop.run("check", str(shop.root), "--base", "HEAD~1")
    assert (code, "SUNSET_SHORTENED" in out) == (1, True)
    code, _, err = shop.run("check", str(shop.root), "--base", "nowhere")
    assert (code, "git knows no revision nowhere" in err) == (2, True)
    shop.write("waivers.toml", waiver("SUNSET_SHORTENED", "deprecations.toml"))
    assert shop.run("check", str(shop.root), "--base", "HEAD~1")[0] == 0
    assert shop.check() == {}  # the waiver is not needless, though nothing needs it against the last commit


@pytest.mark.parametrize("format_", ["markdown", "junit", "sarif"])
def test_findings_in_the_formats_of_build_servers(shop: Shop, format_: str) -> None:
    path = shop.version("1.1.0", required())
    code, out, _ = shop.run("check", str(shop.root), "--format", format_)
    assert code == 1
    said = out.replace("\\", "")  # of Markdown
    assert all(word in said for word in (path, "BREAKING_NEEDS_MAJOR", "interlock new version orders.OrderPlaced"))
    if format_ == "junit":
        assert ElementTree.fromstring(out).find("testsuite/testcase/failure") is not None
    if format_ == "sarif":
        [run] = json.loads(out)["runs"]
        assert {result["ruleId"] for result in run["results"]} == {"BREAKING_NEEDS_MAJOR"}


def test_the_notice_is_a_setting(shop: Shop) -> None:
    shop.version("2.0.0", required())
    shop.write("deprecations.toml", plan(sunset="2026-12-02"))
    shop.append("interlock.toml", "\n[contracts]\nsunset_notice_days = 1\n")
    assert shop.check() == {}


def test_a_sunset_that_has_passed_is_said_once_files_are_still_there(shop: Shop) -> None:
    shop.version("2.0.0", required())
    shop.write("deprecations.toml", plan(deprecated="2020-01-01", sunset="2020-12-31"))
    [finding] = shop.check()["SUNSET_PASSED"]
    assert finding["severity"] == "warning"
    assert not examine(shop.root).findings  # an engine starts whatever the day


def test_a_hundred_versions_take_no_time(shop: Shop) -> None:
    text = (shop.root / ORDER / "1.0.0.json").read_text()
    more = ""
    for minor in range(1, 100):
        more += f'"n{minor}": {{"type": "string", "x-classification": "internal"}}, '
        shop.write(f"{ORDER}/1.{minor}.0.json", text.replace('"note":', more + '"note":'))
    shop.run("generate", str(shop.root))
    begun = time.process_time()
    assert shop.check() == {}
    assert time.process_time() - begun < 10
