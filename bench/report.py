"""The report: one table, wins and losses alike, and what stands beside each figure."""

from __future__ import annotations

from typing import Any

from bench.comparison import Comparison, Figure, Findings, short


def text(header: list[str], parts: dict[str, Findings]) -> str:
    lines = [*header, ""]
    for part, found in parts.items():
        lines.append(part.upper())
        notes: list[str] = []
        for row in found.comparisons:
            lines.extend(_row(row))
            if row.note and row.theirs is not None:
                note = f"{row.theirs.name}: {row.note}"
                if note not in notes:
                    notes.append(note)
        lines.extend(f"  * {note}" for note in notes)
        lines.extend(f"  * {remark}" for remark in found.remarks)
        lines.append("")
    lines.append(_count(parts))
    return "\n".join(lines)


def _row(row: Comparison) -> list[str]:
    ours = f"{short(row.ours.median):>8} {row.unit} [{row.ours.spread}]{_cpu(row.ours)}"
    if row.theirs is None:
        return [f"  {row.measure:<58} {ours}"]
    theirs = f"{short(row.theirs.median):>8} {row.unit} [{row.theirs.spread}]{_cpu(row.theirs)}"
    ratio = "   –" if row.ratio is None else f"{row.ratio:6.2f}"
    return [
        f"  {row.measure:<58} {ratio} ×  {row.verdict}",
        f"      {row.ours.name:<44} {ours}",
        f"      {row.theirs.name:<44} {theirs}",
    ]


def _cpu(side: Figure) -> str:
    if side.cpu_us is None:
        return ""
    servers = "" if side.servers_us is None else f", {side.servers_us:.0f} of it the servers"
    return f"  {side.cpu_us:.0f} µs CPU each{servers}"


def _count(parts: dict[str, Findings]) -> str:
    rows = [row for found in parts.values() for row in found.comparisons if row.ratio is not None]
    aims = [row for row in rows if row.aim is not None]
    met = sum("met" in row.verdict for row in aims)
    kinds = {word: sum(row.verdict == word for row in rows) for word in ("win", "tie", "loss")}
    return (
        f"aims met {met} of {len(aims)}; beside them {kinds['win']} wins, {kinds['tie']} ties, {kinds['loss']} losses"
    )


def as_data(header: list[str], parts: dict[str, Findings]) -> dict[str, Any]:
    """Everything, with the samples of all rounds."""
    return {"machine": header, "parts": {name: _part(found) for name, found in parts.items()}}


def _part(found: Findings) -> dict[str, Any]:
    rows = []
    for row in found.comparisons:
        sides = {"ours": row.ours, "theirs": row.theirs}
        rows.append(
            {
                "measure": row.measure,
                "unit": row.unit,
                "ratio": row.ratio,
                "aim": row.aim,
                "verdict": row.verdict,
                "note": row.note,
                **{
                    side: None
                    if figure is None
                    else {
                        "name": figure.name,
                        "median": figure.median,
                        "samples": figure.samples,
                        "cpu_us": figure.cpu_us,
                        "servers_us": figure.servers_us,
                    }
                    for side, figure in sides.items()
                },
            }
        )
    return {"comparisons": rows, "remarks": found.remarks}
