"""Content-Type, as far as an API that speaks JSON needs it (RFC 9110 section 8.3.1)."""

from __future__ import annotations

from interlock.model.problems import UnsupportedMediaType

UTF8 = frozenset({"utf-8", "utf8", "us-ascii"})
JSON = "application/json"


def media_type(content_type: str) -> str:
    """Type and subtype in lower case. Raises UnsupportedMediaType for a charset other than UTF-8."""
    essence, _, parameters = content_type.partition(";")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in UTF8:
            raise UnsupportedMediaType("Only UTF-8 is taken.", next_step="Send the body as UTF-8.")
    return essence.strip().lower()


def is_json(media: str) -> bool:
    """application/json, or any type with the suffix +json (RFC 6839 section 3.1)."""
    return media == JSON or media.endswith("+json")
