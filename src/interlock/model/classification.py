"""How sensitive a field is. The contract says it; masking, record and exports follow."""

from __future__ import annotations

from enum import StrEnum

KEYWORD = "x-classification"


class Classification(StrEnum):
    PUBLIC = "public"
    INTERNAL = "internal"
    FINANCIAL = "financial"
    PII = "pii"
    SECRET = "secret"  # noqa: S105 - the name of a class, not a secret
