"""What a reader of texts raises."""

from __future__ import annotations


class DocumentUnreadable(Exception):
    """The text is neither JSON nor YAML that all parsers agree about. `line` counts from 1."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(detail)
        self.line = line
        self.detail = detail
