"""`interlock diff OLD… NEW`: what changed between contracts, and whom it hurts.

Exit 0 compatible, 1 breaking or undecided, 2 the input is unreadable.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import get_args

from interlock.app.local_time import now_text, today
from interlock.app.stopwatch import Stopwatch
from interlock.cli.contract_file import ContractFile, InputUnreadable, read_contract
from interlock.cli.report_text import as_json, rendered
from interlock.contracts.comparison import MODES, READINGS, Comparison, Kind, Mode
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.diff import KindsDiffer, changes, compare, compare_with_all, kind_of
from interlock.contracts.report import comparison_report
from interlock.contracts.report.entry import FORMATS, Report
from interlock.contracts.report.text import entry_text
from interlock.contracts.waivable import known_rules
from interlock.contracts.waiver import Waiver, Waivers, waived

_SHOWN = 20
_NEXT = (
    "Next: take it back, or make it a new major version with a plan for the old one, or waive it with a reason and an"
    " end: --waivers FILE"
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.usage = "interlock diff OLD [OLD …] NEW [options]"
    parser.add_argument("old", nargs="+", metavar="OLD", help="earlier versions, oldest first; - is standard input")
    parser.add_argument("new", metavar="NEW", help="the version to judge: JSON Schema, Avro or OpenAPI, JSON or YAML")
    parser.add_argument(
        "--mode", type=str.upper, choices=MODES, metavar="MODE",
        help=f"{', '.join(MODES)} (default: BACKWARD; with several OLD: BACKWARD_TRANSITIVE)",
    )  # fmt: skip
    parser.add_argument(
        "--reading", type=str.upper, choices=READINGS, default="SETS", metavar="READING",
        help=f"how content models of JSON Schema are read: {', '.join(READINGS)} (default: SETS)",
    )  # fmt: skip
    parser.add_argument("--kind", choices=get_args(Kind), help="what the files are (default: told by their content)")
    parser.add_argument(
        "--waivers", metavar="FILE", help="findings accepted for a time: rule, place, reason, owner, end"
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    parser.add_argument("--json", action="store_const", dest="format", const="json", help="the same as --format json")


def run(arguments: argparse.Namespace) -> int:
    watch = Stopwatch()
    try:
        waivers = _waivers(arguments.waivers)
        mode = _mode(arguments.mode, len(arguments.old))
        if (*arguments.old, arguments.new).count("-") > 1:
            raise InputUnreadable("-", "Standard input is one document.", "Name the other one by its file.")
        olds = [read_contract(name) for name in arguments.old]
        new = read_contract(arguments.new)
        comparison = _compared(olds, new, mode, arguments)
    except InputUnreadable as problem:
        print(problem, file=sys.stderr)
        return 2
    if arguments.waivers:
        comparison = waived(comparison, _beside(arguments.waivers, arguments.new), waivers, today())
        _warn(waivers, arguments.waivers)
    if arguments.format == "json":
        print(as_json(comparison_report.document(comparison)))
    else:
        report = comparison_report.report(comparison, [one.name for one in olds], new.name, new.text.line)
        if arguments.format == "text":
            print(_text(report, comparison))
        else:
            print(rendered(report, arguments.format, now_text(), watch.seconds))
    return 0 if comparison.verdict == "compatible" else 1


def _mode(given: Mode | None, olds: int) -> Mode:
    if given is None:
        return "BACKWARD" if olds == 1 else "BACKWARD_TRANSITIVE"
    if olds > 1 and not given.endswith("_TRANSITIVE"):
        step = f"Give one OLD, or --mode {'BACKWARD' if given == 'NONE' else given}_TRANSITIVE."
        raise InputUnreadable("--mode", f"{given} looks at one earlier version, and {olds} are given.", step)
    return given


def _compared(olds: Sequence[ContractFile], new: ContractFile, mode: Mode, arguments: argparse.Namespace) -> Comparison:
    values = [one.text.value for one in olds]
    try:
        if len(values) == 1:
            return compare(
                values[0], new.text.value, mode=mode, reading=arguments.reading, kind=arguments.kind, today=today()
            )
        return compare_with_all(
            values, new.text.value, mode=mode, reading=arguments.reading, kind=arguments.kind, today=today(),
            names=[one.name for one in olds],
        )  # fmt: skip
    except ContractInvalid as problem:
        raise _explained(problem, [*olds, new], arguments.kind) from None


def _explained(problem: ContractInvalid, files: Sequence[ContractFile], kind: Kind | None) -> InputUnreadable:
    """Whose fault it is: the file that cannot even be compared with itself; or the pair of them."""
    for file in () if isinstance(problem, KindsDiffer) else files:
        try:
            changes(kind or kind_of(file.text.value), file.text.value, file.text.value)
        except ContractInvalid as own:
            place = f"{file.name}:{file.text.line(own.pointer)}"
            return InputUnreadable(place, f"{own.pointer or '/'}: {own.detail}", own.step)
    return InputUnreadable(", ".join(file.name for file in files), problem.detail, problem.step)


def _waivers(name: str | None) -> Waivers:
    if name is None:
        return Waivers()
    try:
        waivers = Waivers.parse(Path(name).read_text(encoding="utf-8"))
    except OSError as error:
        step = "Give a file that exists, or leave --waivers out."
        raise InputUnreadable(name, f"It cannot be read: {error.strerror or error}.", step) from None
    except UnicodeDecodeError:
        raise InputUnreadable(name, "The text is no UTF-8.", "Save it as UTF-8.") from None
    for mistake in waivers.mistakes:
        raise InputUnreadable(f"{name}:{mistake.line}", mistake.detail, "Correct the waiver, or take it out.")
    for one in waivers.all:
        _refuse_unknown(one, name)
    return waivers


def _refuse_unknown(waiver: Waiver, name: str) -> None:
    """A rule that does not exist; one of `interlock check` or `gate` may stand here, since an estate has one file."""
    known = known_rules(waiver.rule)
    if waiver.rule not in known:
        close = get_close_matches(waiver.rule, known, n=3)
        step = f"Did you mean {' or '.join(close)}?" if close else "See docs/reference: diff-rules, rules, lint-rules."
        raise InputUnreadable(f"{name}:{waiver.line}", f"There is no rule {waiver.rule}.", step)


def _beside(waivers: str, file: str) -> str:
    """The path of a file as waivers name it: from the folder that they lie in, as in an estate."""
    return Path(os.path.relpath(file, Path(waivers).parent)).as_posix()


def _warn(waivers: Waivers, name: str) -> None:
    expired = waivers.expired(today())
    for one in expired:
        print(f"{name}:{one.line}  The waiver of {one.rule} for {one.place} ended on {one.expires}.", file=sys.stderr)
    for one in waivers.unused():
        if one not in expired:
            print(f"{name}:{one.line}  Nothing here is waived by {one.rule} for {one.place}.", file=sys.stderr)


def _text(report: Report, comparison: Comparison) -> str:
    """Harm at length, the rest in a line each; what was said at length is not said again for the other direction."""
    loud = [entry for entry in report.entries if entry.gravity != "info"]
    said = {(entry.rule, entry.pointer) for entry in loud}
    quiet = [one for one in report.entries if one.gravity == "info" and (one.rule, one.pointer) not in said]
    lines = [
        *map(entry_text, loud),
        *(f"{one.file}:{one.line}  {one.rule}  info  {one.message}" for one in quiet[:_SHOWN]),
    ]
    lines += [f"and {len(quiet) - _SHOWN} more infos: --format json"] if len(quiet) > _SHOWN else []
    lines.append(f"{report.subject}   {report.summary}")
    return "\n".join(lines if comparison.verdict == "compatible" else [*lines, _NEXT])
