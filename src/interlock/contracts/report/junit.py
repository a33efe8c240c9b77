"""JUnit XML, as build servers read it: valid by the schema of Ant's formatter and by that of Jenkins.

An error is a failed case, a waived one a skipped case, anything else a case that passed; a file without an entry is a
case that passed.
"""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from interlock.contracts.report.entry import Entry, Report

# XML 1.0 has no word for these, not even escaped (section 2.2).
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: Report, at: str, seconds: float) -> str:
    """`at` is a moment as 2026-11-24T14:02:11."""
    quiet = [file for file in report.files if all(entry.file != file for entry in report.entries)]
    cases = [_case(entry) for entry in report.entries]
    cases += [f"{_head(file, report.command)}/>" for file in quiet]
    failures = sum(entry.refuses for entry in report.entries)
    skipped = sum(entry.waived is not None for entry in report.entries)
    counts = f'tests="{len(cases)}" failures="{failures}" errors="0" skipped="{skipped}"'
    about = f'id="0" package="interlock" hostname="localhost" timestamp="{at}" time="{seconds:.3f}"'
    return "\n".join([
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<testsuites>",
        f"  <testsuite name={_attribute(report.command)} {counts} {about}>",
        "    <properties/>",
        *cases,
        f"    <system-out>{_content(report.summary)}</system-out>",
        "    <system-err/>",
        "  </testsuite>",
        "</testsuites>",
    ])  # fmt: skip


def _case(entry: Entry) -> str:
    place = f"{entry.file}:{entry.line} {entry.pointer}".rstrip()
    head = _head(f"{entry.rule} {place}", entry.file)
    if entry.waived is not None:
        return f"{head}><skipped message={_attribute(entry.waived)}/></testcase>"
    if not entry.refuses:
        return f"{head}/>"
    failure = f"<failure type={_attribute(entry.rule)} message={_attribute(entry.message)}>"
    said = _content(f"{place}\n{entry.words}")
    return f"{head}>{failure}{said}</failure></testcase>"


def _head(name: str, classname: str) -> str:
    return f'    <testcase name={_attribute(name)} classname={_attribute(classname)} time="0"'


def _attribute(text: str) -> str:
    return quoteattr(_NO_XML.sub("\ufffd", text), {"\n": "&#10;"})


def _content(text: str) -> str:
    return escape(_NO_XML.sub("\ufffd", text))
