"""Content negotiation: media types against ranges (RFC 9110 sections 8.3.1 and 12.5.1)."""

from __future__ import annotations

from collections.abc import Iterable


def essence(media: str) -> str:
    """Type and subtype, without parameters, in lower case."""
    return media.partition(";")[0].strip().lower()


def is_json(media: str) -> bool:
    """application/json, and whatever has the suffix +json (RFC 6839 section 3.1)."""
    name = essence(media)
    return name == "application/json" or name.endswith("+json")


def fits(media: str, wide: str) -> bool:
    """Whether a media type lies in a range such as `text/*`."""
    kind, _, sub = essence(wide).partition("/")
    own_kind, _, own_sub = essence(media).partition("/")
    return kind in ("*", own_kind) and sub in ("*", own_sub)


def declared(media: str, keys: Iterable[str]) -> str | None:
    """The key of an OpenAPI `content` for a request's media type: the most specific one wins."""
    found = [key for key in keys if fits(media, key)]
    return min(found, key=lambda key: key.count("*"), default=None)


def preferred(accept: str, offered: list[str]) -> str | None:
    """The offered type that the Accept header likes best, the first offered among equals; None when it wants none."""
    if not accept.strip():
        return offered[0] if offered else None
    best: tuple[float, int] | None = None
    for at, media in enumerate(offered):
        quality = _quality(accept, media)
        if quality > 0 and (best is None or quality > best[0]):
            best = (quality, at)
    return offered[best[1]] if best else None


def _quality(accept: str, media: str) -> float:
    """Of the most specific range that covers the type."""
    specific, quality = -1, 0.0
    for entry in accept.split(","):
        wide, _, parameters = entry.strip().partition(";")
        if not wide or not (fits(media, wide) or fits(wide, media)):
            continue
        rank = 2 - wide.count("*")
        if rank > specific:
            specific, quality = rank, _q(parameters)
    return quality


def _q(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
