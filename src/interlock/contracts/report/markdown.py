"""For a comment of a pull request, or a page."""

from __future__ import annotations

from interlock.contracts.report.entry import Entry, Report

_SHOWN = 100
_SPECIAL = "\\`*_[]|"


def markdown(report: Report) -> str:
    """The answer, then a list; what weighs nothing is folded away."""
    lines = [f"## {report.command}: {safe(report.subject)}", "", f"{safe(report.summary)}.", ""]
    for title, entries in _groups(report.entries):
        lines += [f"<details><summary>{title}: {len(entries)}</summary>", ""] if title == "Info" else []
        lines += [f"### {title}", ""] if title != "Info" else []
        lines += [_item(entry) for entry in entries[:_SHOWN]]
        lines += [f"- and {len(entries) - _SHOWN} more"] if len(entries) > _SHOWN else []
        lines += ["", "</details>", ""] if title == "Info" else [""]
    return "\n".join(lines).rstrip("\n")


def safe(plain: str) -> str:
    """Words of a contract must not become markup of our page."""
    text = plain.replace("&", "&amp;").replace("<", "&lt;").replace("\n", " ")
    return "".join("\\" + letter if letter in _SPECIAL else letter for letter in text)


def _groups(entries: tuple[Entry, ...]) -> list[tuple[str, list[Entry]]]:
    found: dict[str, list[Entry]] = {"Errors": [], "Warnings": [], "Waived": [], "Info": []}
    titles = {"error": "Errors", "warning": "Warnings", "info": "Info"}
    for entry in entries:
        found["Waived" if entry.waived is not None else titles[entry.gravity]].append(entry)
    return [(title, group) for title, group in found.items() if group]


def _item(entry: Entry) -> str:
    said = "<br>".join(safe(line) for line in entry.words.split("\n"))
    waived = "" if entry.waived is None else f"<br>Waived: {safe(entry.waived)}"
    return f"- **{safe(entry.rule)}** {safe(f'{entry.file}:{entry.line}')} {said}{waived}"
