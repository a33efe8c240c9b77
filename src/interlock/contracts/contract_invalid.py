"""What a reader of contracts raises for a document that it cannot understand."""

from __future__ import annotations


class ContractInvalid(Exception):
    """`pointer` (RFC 6901) is where in the document, `detail` a sentence that says why."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.pointer = pointer
        self.detail = detail
