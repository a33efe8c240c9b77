"""Relative links of every page lead somewhere, and the tests that the promises name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
_PROOF = re.compile(r"^Proof: (.*?)\n\n", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"`(\w+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        assert there.is_relative_to(ROOT), f"{target} leads out of the repository"
        assert there.exists(), f"{page.name} leads to {target}, which is not there"
        assert not anchor or anchor in anchors(there), f"{there.name} has no heading #{anchor}"


def test_every_page_of_the_docs_is_linked_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / target).resolve() for target in _LINK.findall(index.read_text(encoding="utf-8"))}
    of_a_bench_run = ROOT / "docs/reference/bench.md"  # comes with the first figures
    pages = {page for page in PAGES if "docs" in page.relative_to(ROOT).parts}
    assert pages - linked <= {index, of_a_bench_run}


def test_promises_name_tests_that_exist() -> None:
    page = (ROOT / "docs/explanation/promises.md").read_text(encoding="utf-8")
    proofs = _PROOF.findall(page)
    assert len(proofs) == len(_HEADING.findall(page)) - 1, "a promise without a proof"
    sources = [*ROOT.glob("tests/**/*.py"), *ROOT.glob("src/interlock/testing/*.py")]
    defined = set(re.findall(r"def (\w+)\(", "".join(source.read_text(encoding="utf-8") for source in sources)))
    assert {name for proof in proofs for name in _NAME.findall(proof)} <= defined


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = _HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
