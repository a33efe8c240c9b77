"""Whatever stands in a contract, check says findings and never falls over; and secrets are found where they stand."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.contracts.rule import API, BY_ID, EVENT
from interlock.estate.contract_files import read_apis, read_events
from interlock.estate.findings import Findings
from interlock.estate.folder import Folder
from interlock.estate.loader import examine
from interlock.estate.model_files import sources

from .conftest import change

ODD = st.sampled_from(
    [None, True, 0, -1, 1.5, "", "/", "~", "#", "object", [], {}, [None], {"": None}, ["x", "x"], {"$ref": 3}]
)
SLOW = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(data=st.data())
def test_any_change_to_an_event_gives_findings_or_a_contract(shop: Path, data: st.DataObject) -> None:
    folder = Folder(shop)
    document = json.loads(folder.files[EVENT])
    folder.files[EVENT] = json.dumps(_mutated(document, data)).encode()
    findings = Findings()
    contracts = read_events(folder, {}, findings)
    assert contracts or findings.errors
    for source in sources(contracts).values():
        compile(source, "generated", "exec")


@SLOW
@given(data=st.data())
def test_any_change_to_an_api_gives_findings_or_operations(shop: Path, data: st.DataObject) -> None:
    folder = Folder(shop)
    document = json.loads(BY_ID["API_UNHANDLED"].bad[1:])
    folder.files[API] = json.dumps(_mutated(document, data)).encode()
    findings = Findings()
    read_apis(folder, {}, findings)


@SLOW
@given(raw=st.binary(max_size=100) | st.text(max_size=100).map(str.encode))
def test_any_bytes_in_any_file_give_findings(shop: Path, raw: bytes) -> None:
    for file in ("interlock.toml", "owners.toml", "systems/payments.toml", EVENT, API):
        (shop / file).parent.mkdir(parents=True, exist_ok=True)
        (shop / file).write_bytes(raw)
    examine(shop)


@pytest.mark.parametrize(
    "secret",
    [
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "sk_live_abcdefghij0123456789",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_0123456789abcdefghij0123456789abcdefgh",
        "-----BEGIN PRIVATE KEY-----",
        "postgresql://shop:hunter2@db.example.com/shop",
    ],
)
@pytest.mark.parametrize("file", ["runbooks/spending.md", "flows/spending.py"])
def test_secrets_are_found_and_never_repeated(shop: Path, file: str, secret: str) -> None:
    change(shop, file, f"\n# {secret}\n")
    found = [finding for finding in examine(shop).errors if finding.code == "SECRET_LITERAL"]
    assert [(finding.file, finding.line) for finding in found] == [(file, (shop / file).read_text().count("\n"))]
    assert secret not in found[0].detail


@pytest.mark.parametrize(
    "text", ["https://user@example.com", "env:PAY_SECRET", "whsec_…", "http://a.example.com/b:c@d", "sk_live_short"]
)
def test_what_only_looks_like_a_secret_passes(shop: Path, text: str) -> None:
    change(shop, "runbooks/spending.md", f"\n{text}\n")
    assert examine(shop).errors == ()


def _mutated(document: Any, data: st.DataObject) -> Any:
    """One to three places replaced by something odd, or taken away."""
    document = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(1, 3))):
        holders = [node for node in _nodes(document) if node]
        if not holders:
            break
        holder = data.draw(st.sampled_from(holders))
        name = data.draw(st.sampled_from(list(holder) if isinstance(holder, dict) else list(range(len(holder)))))
        if data.draw(st.booleans()):
            del holder[name]
        else:
            holder[name] = copy.deepcopy(data.draw(ODD))
    return document


def _nodes(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value, *(node for inner in value.values() for node in _nodes(inner))]
    if isinstance(value, list):
        return [value, *(node for inner in value for node in _nodes(inner))]
    return []
