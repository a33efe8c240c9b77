"""`interlock lint [PATH…]`: what is wrong with contracts, and how to put it right.

Exit 0 no errors, 1 errors (with --strict: or warnings), 2 something could not be read.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from interlock.app.local_time import now_text, today
from interlock.app.stopwatch import Stopwatch
from interlock.cli.finding_text import counted, entry, finding_text
from interlock.cli.report_text import as_json, rendered
from interlock.cli.rule_text import explanation, overview
from interlock.contracts.check_rule import Rule
from interlock.contracts.finding import Finding
from interlock.contracts.report.entry import FORMATS, Report
from interlock.contracts.rule import BY_ID
from interlock.contracts.waiver import Waivers
from interlock.estate.lint import Linted, LintRun, Unreadable
from interlock.estate.lint_fix import fix
from interlock.model.classification import Classification

_SHOWN = 5


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="estates, folders, contracts (default: the estate here)"
    )
    parser.add_argument("--rules", metavar="ID,…", help="only these rules (default: all)")
    parser.add_argument(
        "--severity", choices=("error", "warning"), default="warning", help="the least that is shown (default: warning)"
    )
    parser.add_argument("--strict", action="store_true", help="exit 1 for warnings too")
    parser.add_argument("--fix", action="store_true", help="put right what changes no meaning, then lint")
    parser.add_argument(
        "--classify", choices=[one.value for one in Classification], metavar="CLASS",
        help="with --fix: the class of fields whose name tells none (internal, say)",
    )  # fmt: skip
    parser.add_argument("--waivers", type=Path, metavar="FILE", help="accepted findings of single contracts")
    parser.add_argument("--explain", nargs="?", const="", metavar="ID", help="what a rule wants; without ID: all rules")
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    parser.add_argument("--json", action="store_const", dest="format", const="json", help="the same as --format json")


def run(arguments: argparse.Namespace) -> int:
    watch = Stopwatch()
    try:
        if arguments.explain is not None:
            print(explanation(_rule(arguments.explain)) if arguments.explain else overview())
            return 0
        if arguments.classify and not arguments.fix:
            raise Unreadable("--classify", "It says how to fix, and nothing is to be fixed.", "Add --fix.")
        wanted = frozenset(_rule(one).id for one in arguments.rules.split(",")) if arguments.rules else None
        waivers = _waivers(arguments.waivers)
    except Unreadable as problem:
        print(problem, file=sys.stderr)
        return 2
    paths, at = arguments.paths or [Path()], arguments.waivers.parent if arguments.waivers else Path()
    if arguments.fix:
        fixed = fix(lambda: LintRun(wanted, waivers, at, today(), gather=False).run(paths), arguments.classify)
        for file, count in fixed.items():
            print(f"{file}  {counted(count, 'place')} put right", file=sys.stderr)
    linted = LintRun(wanted, waivers, at, today()).run(paths)
    shown = [one for one in linted.findings if one.severity == "error" or arguments.severity == "warning"]
    if arguments.format == "text":
        for line in _lines(shown, all_of_them=wanted is not None):
            print(line)
        print(f"{_summary(linted, shown)}, {watch.seconds:.1f} s")
    elif arguments.format == "json":
        print(as_json(_document(linted, shown)))
    else:
        print(rendered(_report(linted, shown), arguments.format, now_text(), watch.seconds))
    for unreadable in linted.unreadable:
        print(unreadable, file=sys.stderr)
    failed = any(one.severity == "error" or arguments.strict for one in shown)
    return 2 if linted.unreadable else 1 if failed else 0


def _rule(name: str) -> Rule:
    found = BY_ID.get(name.strip().upper().replace("-", "_"))
    if found is None:
        close = get_close_matches(name.upper(), BY_ID, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(close)}? " if close else ""
        raise Unreadable(name, "There is no such rule.", f"{hint}interlock lint --explain lists them all.")
    return found


def _waivers(path: Path | None) -> Waivers:
    if path is None:
        return Waivers()
    try:
        waivers = Waivers.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        step = "Give a file that exists, or leave --waivers out."
        raise Unreadable(path.as_posix(), f"It cannot be read: {error.strerror or error}.", step) from None
    except UnicodeDecodeError:
        raise Unreadable(path.as_posix(), "The text is no UTF-8.", "Save it as UTF-8.") from None
    for mistake in waivers.mistakes:
        raise Unreadable(f"{path.as_posix()}:{mistake.line}", mistake.detail, "Correct the waiver, or take it out.")
    for one in waivers.all:
        rule = BY_ID.get(one.rule)
        if rule is not None and not rule.waivable:
            detail = f"{one.rule} cannot be waived. {rule.purpose}"
            raise Unreadable(f"{path.as_posix()}:{one.line}", detail, "Correct what it finds.")
    return waivers


def _lines(shown: Sequence[Finding], *, all_of_them: bool) -> Iterator[str]:
    """Of many findings of one rule in one file the first few, unless the rule was asked for by name."""
    seen: Counter[tuple[str, str]] = Counter()
    for finding in shown:
        key = finding.file, finding.code
        seen[key] += 1
        if all_of_them or seen[key] <= _SHOWN:
            yield finding_text(finding)
    for (file, code), count in seen.items():
        if count > _SHOWN and not all_of_them:
            yield f"{file}  {code}  and {count - _SHOWN} more: interlock lint {file} --rules {code}"


def _summary(linted: Linted, shown: Sequence[Finding]) -> str:
    errors = sum(one.severity == "error" for one in shown)
    amounts = f"{counted(errors, 'error')} and {counted(len(shown) - errors, 'warning')}"
    waived = f", {len(linted.waived)} waived" if linted.waived else ""
    return f"{amounts} in {counted(len(linted.files), 'contract')}{waived}"


def _report(linted: Linted, shown: Sequence[Finding]) -> Report:
    waived = tuple(entry(one.finding, one.waiver.reason) for one in linted.waived)
    return Report(
        command="interlock lint", subject=counted(len(linted.files), "contract"), summary=_summary(linted, shown),
        entries=(*map(entry, shown), *waived), files=tuple(linted.files),
        purposes={rule.id: rule.purpose for rule in BY_ID.values()},
    )  # fmt: skip


def _document(linted: Linted, shown: Sequence[Finding]) -> dict[str, Any]:
    errors = sum(one.severity == "error" for one in shown)
    return {
        "verdict": "fail" if errors or linted.unreadable else "pass",
        "errors": errors,
        "warnings": len(shown) - errors,
        "files": linted.files,
        "findings": [_row(one) for one in shown],
        "waived": [{**_row(one.finding), "reason": one.waiver.reason} for one in linted.waived],
        "unreadable": [{"place": one.place, "message": one.detail} for one in linted.unreadable],
    }


def _row(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.code, "severity": finding.severity, "file": finding.file, "line": finding.line,
        "path": finding.pointer, "message": finding.detail, "fix": finding.next_step,
    }  # fmt: skip
