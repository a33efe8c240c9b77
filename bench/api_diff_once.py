"""`python -m bench.api_diff_once BYTES SHAPE CHANGE`: one comparison in a process of its own; prints JSON.

parse_seconds and diff_seconds are CPU seconds of this process, wall_seconds the time of the comparison on the wall,
peak_megabytes what the process had in memory at most, both documents and the parser included.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any, cast

import orjson

from bench.api_documents import Shape, changed_at_one_end, changed_everywhere, document, reordered
from interlock.contracts.diff import compare
from interlock.contracts.document_text import DocumentText

CHANGES: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda value: value,
    "order": reordered,
    "one component": changed_at_one_end,
    "everything": changed_everywhere,
}


def main(argv: list[str]) -> int:
    size, shape, change = int(argv[0]), cast("Shape", argv[1]), argv[2]
    made = document(size, shape)
    texts = (orjson.dumps(made), orjson.dumps(CHANGES[change](made)))
    del made
    begun = time.process_time()
    old, new = (DocumentText(text).value for text in texts)
    parsed, wall = time.process_time(), time.monotonic()
    comparison = compare(old, new, kind="openapi")
    found = {
        "bytes": len(texts[0]),
        "parse_seconds": parsed - begun,
        "diff_seconds": time.process_time() - parsed,
        "wall_seconds": time.monotonic() - wall,
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "findings": len(comparison.findings),
        "verdict": comparison.verdict,
    }
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
