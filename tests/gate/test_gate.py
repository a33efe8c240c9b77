"""`interlock gate` in git repositories, as a pull request meets it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from interlock.contracts import diff
from versions.conftest import ORDER, Shop, optional, plan, required, waiver

from .conftest import Repository

RECORD = "# Channel is required\n\norders.OrderPlaced 2.0.0 needs the channel.\n"


def test_a_minor_version_needs_no_decision(repository: Repository) -> None:
    repository.shop.version("1.1.0", optional())
    code, out, _ = repository.gate()
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == (
        'orders.OrderPlaced 1.0.0 → 1.1.0   minor, compatible (BACKWARD)   + optional field "gift_note" (internal)'
    )
    assert lines[1] == ("blast radius: 1 flow reads this event (spending); none reads the changed part")
    assert lines[2].startswith("decision: not needed  ")
    assert lines[2].endswith("PASS")


def test_nothing_changed(repository: Repository) -> None:
    code, out, _ = repository.gate()
    assert (code, out.splitlines()[0]) == (0, "no contract has changed")


def test_a_breaking_change_under_the_same_major_fails(repository: Repository) -> None:
    repository.shop.version("1.1.0", required())
    report = repository.report()
    assert {problem["rule"] for problem in report["problems"]} == {"FINDING_NEW", "DECISION_MISSING"}
    [change] = report["contracts"]
    assert (change["verdict"], change["level"], change["readers"]) == ("breaking", "major", ["spending"])
    assert "BREAKING_NEEDS_MAJOR" in repository.gate()[1]


def test_a_major_with_plan_and_decision_passes(repository: Repository) -> None:
    repository.shop.version("2.0.0", required())
    assert "FINDING_NEW" in repository.rules()  # DEPRECATION_MISSING
    repository.shop.write("deprecations.toml", plan())
    report = repository.report()
    assert [problem["rule"] for problem in report["problems"]] == ["DECISION_MISSING"]
    assert report["decision"] == "needed"
    repository.shop.write("decisions/0001-channel.md", RECORD.replace("OrderPlaced", "OrderPlacedTwice"))
    assert repository.rules() == ["DECISION_MISSING"]
    repository.shop.write("decisions/0001-channel.md", RECORD)
    report = repository.report()
    assert (report["passed"], report["decision"]) == (True, "recorded")
    assert report["records"] == ["decisions/0001-channel.md"]


def test_an_old_record_decides_nothing_new(repository: Repository) -> None:
    repository.shop.write("decisions/0001-channel.md", RECORD)
    repository.base = repository.commit("an old decision")
    repository.shop.version("2.0.0", required())
    repository.shop.write("deprecations.toml", plan())
    assert repository.rules() == ["DECISION_MISSING"]


@pytest.mark.parametrize(
    ("class_", "needed"), [("pii", True), ("secret", True), ("financial", True), ("public", False)]
)
def test_new_personal_or_secret_data_is_a_decision(repository: Repository, class_: str, needed: bool) -> None:
    repository.shop.version("1.1.0", optional("phone", class_))
    assert repository.rules() == (["DECISION_MISSING"] if needed else [])


def test_a_new_waiver_is_a_decision(repository: Repository) -> None:
    path = repository.shop.version("1.1.0", required())
    repository.shop.write("waivers.toml", waiver("BREAKING_NEEDS_MAJOR", path))
    report = repository.report()
    assert {problem["rule"] for problem in report["problems"]} == {"DECISION_MISSING"}
    repository.shop.write("decisions/0001.md", "BREAKING_NEEDS_MAJOR is waived for orders.OrderPlaced 1.1.0.")
    assert repository.report()["passed"]


def test_a_waiver_alone_is_a_decision(repository: Repository) -> None:
    repository.shop.append("interlock.toml", '\n[contracts]\ncompatibility = "NONE"\n')
    repository.base = repository.commit("no promises")
    assert repository.report()["passed"]
    repository.shop.write("waivers.toml", waiver("COMPATIBILITY_NONE", "interlock.toml"))
    report = repository.report()
    assert [problem["rule"] for problem in report["problems"]] == ["DECISION_MISSING"]
    assert report["reasons"] == ["COMPATIBILITY_NONE is waived for interlock.toml until 2099-01-31"]
    repository.base = repository.commit("waived")
    assert repository.report()["decision"] == "not needed"


def test_a_version_that_has_landed_keeps_its_meaning(repository: Repository) -> None:
    words = {"description": "Somebody has ordered."}
    repository.shop.version("1.0.0", lambda document: document.update(words))
    report = repository.report()
    assert report["passed"]
    assert [change["step"] for change in report["contracts"]] == ["edited"]
    repository.shop.version("1.0.0", optional())
    assert repository.rules() == ["VERSION_EDITED"]


@pytest.mark.parametrize("name", ["partition_key", "classification"])
def test_what_masking_and_order_follow_is_no_mere_word(repository: Repository, name: str) -> None:
    def patch(document: dict[str, Any]) -> None:
        if name == "partition_key":
            document["x-interlock"]["partition_key"] = "/order_id"
        else:
            document["properties"]["customer_id"]["x-classification"] = "internal"

    repository.shop.version("1.0.0", patch)
    assert repository.rules() == ["VERSION_EDITED"]


def test_new_spacing_is_no_edit(repository: Repository) -> None:
    repository.shop.version("1.0.0", lambda document: None)
    assert repository.report()["contracts"] == []


def _second_major(repository: Repository, **changed: str) -> None:
    repository.shop.version("2.0.0", required())
    repository.shop.write("deprecations.toml", plan(**changed))
    repository.base = repository.commit("a second major")


def test_a_version_lives_until_its_sunset(repository: Repository) -> None:
    _second_major(repository)
    (repository.shop.root / ORDER / "1.0.0.json").unlink()
    repository.shop.run("generate", str(repository.shop.root))
    assert "REMOVED_BEFORE_SUNSET" in repository.rules()
    repository.shop.write("deprecations.toml", "")
    assert {"REMOVED_BEFORE_SUNSET", "SUNSET_SHORTENED"} <= set(repository.rules())


def test_after_its_sunset_a_version_may_go_once_no_flow_waits_for_it(repository: Repository) -> None:
    _second_major(repository, deprecated="2020-01-01", sunset="2020-12-31")
    (repository.shop.root / ORDER / "1.0.0.json").unlink()
    repository.shop.write("deprecations.toml", "")
    assert repository.rules() == ["FLOW_BROKEN"]
    flow = repository.shop.root / "flows/spending.py"
    flow.write_text(flow.read_text().replace("OrderPlaced", "OrderPlacedV2"))
    report = repository.report()
    assert report["passed"], report["problems"]
    assert [change["step"] for change in report["contracts"]] == ["removed"]
    assert [one["code"] for one in report["findings_resolved"]] == ["SUNSET_PASSED"]


def test_what_nobody_planned_may_not_go(repository: Repository) -> None:
    repository.shop.version("1.1.0", optional())
    repository.base = repository.commit("1.1.0")
    (repository.shop.root / ORDER / "1.0.0.json").unlink()
    assert repository.rules() == ["REMOVED_BEFORE_SUNSET"]


def test_a_sunset_comes_no_earlier_than_promised(repository: Repository) -> None:
    _second_major(repository)
    repository.shop.write("deprecations.toml", plan(sunset="2098-06-01"))
    assert repository.rules() == ["SUNSET_SHORTENED"]
    repository.shop.write("deprecations.toml", plan(sunset="2099-12-01"))
    assert repository.rules() == []
    repository.shop.write("deprecations.toml", plan(sunset="2098-06-01"))
    repository.shop.write("waivers.toml", waiver("SUNSET_SHORTENED", "deprecations.toml"))
    repository.shop.write("decisions/2.md", "SUNSET_SHORTENED is waived: all readers have moved.")
    report = repository.report()
    assert (report["passed"], [one["rule"] for one in report["waived"]]) == (True, ["SUNSET_SHORTENED"])
    assert repository.shop.check() == {}  # the gate's waiver is not needless to `check`


def test_a_flow_that_does_not_load_hides_who_reads(repository: Repository) -> None:
    repository.shop.version("1.1.0", optional())
    repository.shop.append("flows/spending.py", "\nimport nowhere_to_be_found\n")
    [problem] = repository.report()["problems"]
    assert (problem["rule"], problem["file"]) == ("FLOW_BROKEN", "flows/spending.py")
    assert "nowhere_to_be_found" in problem["detail"]


READER = """from interlock import Context, Flow

from estate.contracts.orders import OrderPlaced

flow = Flow("{name}", owner="team-orders")


@flow.on({event})
async def handle(event: object, ctx: Context) -> None:
    {body}
"""


@pytest.mark.parametrize(
    ("event", "body", "part"),
    [
        ("OrderPlaced", "ctx.put('seen', event.order_id, event.currency)", "touched"),
        ("OrderPlaced", "ctx.put('seen', event.order_id, event.total)", ""),
        ("OrderPlaced", "print(event)", "unclear"),
        ("OrderPlaced", "await ctx.get('seen', getattr(event, 'currency'))", "unclear"),
        ('"orders.OrderPlaced"', "ctx.put('seen', event['order_id'], event.get('currency'))", "touched"),
        ('"orders.OrderPlaced"', "ctx.put('seen', event['order_id'], event.get('total', ''))", ""),
        ('"orders.OrderPlaced"', "ctx.put('seen', 'x', str(event.items()))", "unclear"),
        ('"orders.OrderPlaced"', "ctx.put('seen', 'x', event[ctx.key])", "unclear"),
    ],
)
def test_who_reads_the_changed_part_is_told_from_the_code(
    repository: Repository, event: str, body: str, part: str
) -> None:
    repository.shop.write("flows/other.py", READER.format(name="other", event=event, body=body))
    flow = repository.shop.root / "flows/spending.py"
    flow.write_text(flow.read_text().replace("order.currency", "order.note"))
    repository.base = repository.commit("a reader")

    def narrower(document: dict[str, Any]) -> None:
        document["properties"]["currency"]["enum"] = ["EUR", "GBP"]

    repository.shop.version("1.1.0", narrower)
    [change] = repository.report()["contracts"]
    assert change["readers"] == ["other", "spending"]
    assert (change.get("touched"), change.get("unclear")) == (
        ["other"] if part == "touched" else [],
        ["other"] if part == "unclear" else [],
    )
    [finding] = repository.shop.check()["BREAKING_NEEDS_MAJOR"]
    said = {"touched": "One flow reads it: other.", "unclear": "One flow hands the event on whole: other."}
    assert said.get(part, "No flow of this estate reads it.") in finding["detail"]
    assert f"handle{'' if part == '' else 's'} the event without reading it: " in finding["detail"]


def test_old_mistakes_are_not_this_changes_fault(repository: Repository) -> None:
    bad = json.loads((repository.shop.root / ORDER / "1.0.0.json").read_text())
    bad["properties"]["lines"]["items"]["additionalProperties"] = True
    repository.shop.write(f"{ORDER}/1.0.0.json", json.dumps(bad, indent=2))
    repository.base = repository.commit("a mistake")
    assert repository.report()["passed"]
    repository.shop.write("owners.toml", '[team-orders]\ncontact = "a"\nphone = 7\n')
    [problem] = repository.report()["problems"]
    assert (problem["rule"], problem["file"]) == ("FINDING_NEW", "owners.toml")


def test_the_branch_is_judged_against_where_it_left_the_base(repository: Repository) -> None:
    repository.git("checkout", "-q", "-b", "work")
    repository.git("checkout", "-q", "main")
    repository.shop.version("1.1.0", optional("landed_meanwhile"))
    repository.commit("somebody else's version")
    repository.git("checkout", "-q", "work")
    report = repository.report(base="main")
    assert (report["contracts"], report["problems"], report["base"]) == ([], [], repository.base)


def test_a_link_in_the_base_is_no_file(repository: Repository) -> None:
    """The estate's folder takes none, so a revision must not either: its text would pass for a contract."""
    (repository.shop.root / ORDER / "1.1.0.json").symlink_to("1.0.0.json")
    repository.base = repository.commit("a link")
    report = repository.report()
    assert (report["contracts"], report["problems"]) == ([], [])


def test_a_committed_head_leaves_the_working_tree_alone(repository: Repository) -> None:
    repository.shop.version("1.1.0", optional())
    head = repository.commit("1.1.0")
    repository.shop.version("1.2.0", optional("later"), of="1.1.0")
    report = repository.report("--head", head)
    assert [(change["old"], change["new"]) for change in report["contracts"]] == [("1.0.0", "1.1.0")]
    assert (report["head"], report["contracts"][0]["readers"]) == (head, ["spending"])


def test_code_of_the_base_is_never_run(repository: Repository, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    repository.shop.append("flows/spending.py", f"\nopen({str(mark)!r}, 'w').close()\n")
    repository.base = repository.commit("code that leaves a mark")
    repository.shop.write("flows/spending.py", "")
    repository.gate()
    assert not mark.exists()


def test_a_new_estate_is_all_added(repository: Repository) -> None:
    second = Shop(repository.root / "estates/second", repository.shop._capsys)
    code, out, _ = second.run("gate", "--base", "HEAD", "--json", str(second.root))
    report = json.loads(out)
    assert [change["step"] for change in report["contracts"]] == ["added"]
    assert (code, report["decision"]) == (1, "needed")  # it brings pii and financial data


@pytest.mark.parametrize("base", ["nowhere", "--output=/tmp/x", "-h", "a\nb", ""])
def test_a_revision_that_is_none(repository: Repository, base: str) -> None:
    code, out, err = repository.shop.run("gate", f"--base={base}", str(repository.shop.root))
    assert (code, out) == (2, "")
    assert err


def test_no_repository_and_no_estate(
    repository: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = Shop(tmp_path / "alone", capsys)
    assert alone.run("gate", "--base", "main", str(alone.root))[0] == 2
    (repository.root / "empty").mkdir()
    assert alone.run("gate", "--base", "main", str(repository.root / "empty"))[0] == 2
    assert alone.run("gate", "--base", "main", str(tmp_path / "missing"))[0] == 2


def test_histories_that_never_met(repository: Repository) -> None:
    tree = repository.git("rev-parse", "HEAD^{tree}")
    other = repository.git("commit-tree", "-m", "alone", tree)
    code, _, err = repository.gate(base=other)
    assert code == 2
    assert "fetch-depth: 0" in err


def test_markdown_is_ready_as_a_comment(repository: Repository) -> None:
    def hostile(document: dict[str, Any]) -> None:
        optional("<img src=x>|`*")(document)

    repository.shop.version("1.1.0", hostile)
    code, out, _ = repository.gate("--format", "markdown")
    assert code == 0
    assert out.startswith("## Interlock gate: PASS\n")
    [row] = [line for line in out.splitlines() if line.startswith("| `orders.OrderPlaced`")]
    assert "<img" not in row
    assert row.replace("\\|", "").count("|") == 6


@pytest.mark.parametrize("format_", ["junit", "sarif"])
def test_formats_of_build_servers(repository: Repository, format_: str) -> None:
    path = repository.shop.version("1.1.0", required())
    repository.shop.write("waivers.toml", waiver("VERSION_EDITED", f"{ORDER}/1.0.0.json"))
    repository.shop.version("1.0.0", optional())
    code, out, _ = repository.gate("--format", format_)
    assert code == 1
    if format_ == "junit":
        [suite] = ElementTree.fromstring(out)
        assert {case.get("type") for case in suite.iter("failure")} == {"FINDING_NEW", "DECISION_MISSING"}
        assert len(list(suite.iter("skipped"))) == 1
        return
    results = json.loads(out)["runs"][0]["results"]
    said = {(one["ruleId"], one["level"]): one for one in results}
    place = said["FINDING_NEW", "error"]["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"] > 1) == (path, True)
    assert "suppressions" in said["VERSION_EDITED", "error"]
    assert "blast radius" in said["CONTRACT_CHANGED", "note"]["message"]["text"]


def test_as_a_process(repository: Repository) -> None:
    import sys

    repository.shop.version("1.1.0", required())
    command = [sys.executable, "-m", "interlock.cli.main", "gate", "--base", "main"]
    done = subprocess.run(command, cwd=repository.shop.root, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "FAIL" in done.stdout


def test_versions_that_both_sides_share_are_compared_once(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[Any] = []
    honest = diff.compare

    def counted(old: Any, new: Any, **how: Any) -> Any:
        compared.append((old, new))
        return honest(old, new, **how)

    repository.shop.version("1.1.0", optional())
    repository.shop.version("1.2.0", optional("wish"), of="1.1.0")
    repository.base = repository.commit("two steps")
    monkeypatch.setattr(diff, "compare", counted)
    assert repository.report()["passed"]
    assert len(compared) == 2
