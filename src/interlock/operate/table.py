"""Rows of text in columns."""

from __future__ import annotations

from collections.abc import Sequence


def table_text(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Each column as wide as its widest cell; ends with a line break."""
    whole = [headings, *rows]
    widths = [max(len(row[column]) for row in whole) for column in range(len(headings))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in whole]
    return "\n".join(lines) + "\n"
