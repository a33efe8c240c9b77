"""What a reader of contracts raises for a document that it cannot understand."""

from __future__ import annotations


class ContractInvalid(Exception):
    """`pointer` (RFC 6901) is where in the document, `detail` a sentence that says why, `step` what to do about it."""

    def __init__(self, pointer: str, detail: str, step: str = "Correct the document at this place.") -> None:
        super().__init__(detail)
        self.pointer = pointer
        self.detail = detail
        self.step = step
