"""The examples of the CloudEvents specification, as collected in ../shared/vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interlock.edge.cloudevents import ABSENT, from_headers, read
from interlock.model.problems import ContractViolation, UnsupportedMediaType

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "cloudevents-examples.json"
ABSENT_REASON = "the outside vectors ../shared/vectors/cloudevents-examples.json are not on this machine"

pytestmark = pytest.mark.skipif(not VECTORS.exists(), reason=ABSENT_REASON)


def examples() -> list[dict[str, Any]]:
    return json.loads(VECTORS.read_text()) if VECTORS.exists() else []


def json_events() -> list[Any]:
    """Every example that is JSON, the batch taken apart."""
    found = []
    for example in examples():
        if example["json"]:
            events = example["event"] if isinstance(example["event"], list) else [example["event"]]
            found += [pytest.param(event, id=f"{Path(example['file']).stem}-{example['line']}") for event in events]
    return found


@pytest.mark.parametrize("event", json_events())
def test_json_examples(event: dict[str, Any]) -> None:
    """Taken with every attribute, or refused for the one reason that the example has: data that is no JSON."""
    content_type = event.get("datacontenttype", "application/json")
    if "data_base64" in event or content_type != "application/json":
        with pytest.raises((ContractViolation, UnsupportedMediaType)) as refusal:
            read(event)
        assert refusal.value.errors[0]["pointer"] in ("/data_base64", "/datacontenttype")
    else:
        envelope = read(event)
        assert (envelope.id, envelope.source, envelope.type) == (event["id"], event["source"], event["type"])
        assert envelope.data == event.get("data", ABSENT)
        assert envelope.correlation == event.get("correlationid")
        assert envelope.causation == event.get("causationid")
        named = {"specversion", "id", "source", "type", "data", "correlationid", "causationid"}
        plain = {"datacontenttype": "application/json"}
        others = {n: v for n, v in event.items() if n not in named and v is not None and plain.get(n) != v}
        assert (envelope.others or {}) == others


def test_every_kind_of_example_was_met() -> None:
    events = [param.values[0] for param in json_events()]
    assert len(events) > 20
    assert any("data_base64" in event for event in events)
    assert any(None in event.values() for event in events), "null means unset"


@pytest.mark.parametrize("line", [288, 726, 744])
def test_binary_examples(line: int) -> None:
    [text] = [example["binary_http"] for example in examples() if example["line"] == line and "binary_http" in example]
    head, _, body = text.partition("\n\n")
    fields = [line.split(": ", 1) for line in head.split("\n") if ": " in line]
    headers = {name.lower(): value for name, value in fields}
    data = {} if "..." in body else json.loads(body)
    envelope = read(from_headers(headers, data))
    assert envelope.id == headers["ce-id"]
    assert envelope.source == headers["ce-source"]
    assert envelope.type == headers["ce-type"]
    assert envelope.data == data
    assert (envelope.others or {}).get("time") == headers.get("ce-time")
    assert (envelope.others or {}).get("dssematerial") == headers.get("ce-dssematerial")


def test_the_distributed_tracing_example() -> None:
    """`ce-traceparent` is the event's own trace; the header is the hop's."""
    [text] = [example["binary_http"] for example in examples() if example["file"].endswith("distributed-tracing.md")]
    fields = [part.strip().strip("'").split(":", 1) for part in text.split("-H ")[1:]]
    headers = {name: value.strip().split("'")[0] for name, value in fields}
    assert read(from_headers(headers, {})).trace == "00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01"
