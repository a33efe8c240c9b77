"""The number of an API's version, its gate and its changelog."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .conftest import Repository

FLOW = """
from interlock import Context, Flow

flow = Flow("front", owner="team-orders")


@flow.api("shop.state")
async def state(data: dict, ctx: Context) -> dict:
    return {}
"""
API: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1.0.0"},
    "x-interlock": {"owner": "team-orders"},
    "paths": {"/state": {"get": {"operationId": "state", "responses": {"200": {"description": "It."}}}}},
}
OPTIONAL = {"name": "page", "in": "query", "description": "Which.", "schema": {"type": "integer"}}


def with_api(repository: Repository) -> None:
    repository.shop.write("contracts/apis/shop/1.0.0.json", json.dumps(API, indent=2))
    repository.shop.write("flows/front.py", FLOW)
    repository.base = repository.commit("an API")


def changed(repository: Repository, version: str, edit: Callable[[dict[str, Any]], None]) -> str:
    """Edits the version that `interlock new version` has made."""
    path = f"contracts/apis/shop/{version}.json"
    document = json.loads((repository.shop.root / path).read_text())
    edit(document)
    repository.shop.write(path, json.dumps(document, indent=2))
    return path


def new_version(repository: Repository, level: str) -> None:
    code, _, err = repository.shop.run("new", "version", "apis/shop", level, "--estate", str(repository.shop.root))
    assert code == 0, err


def test_an_optional_parameter_is_minor_and_tells_who_serves(repository: Repository) -> None:
    with_api(repository)
    new_version(repository, "--patch")
    changed(repository, "1.0.1", lambda one: one["paths"]["/state"]["get"].update(parameters=[OPTIONAL]))
    [finding] = repository.shop.check()["VERSION_UNDERSTATED"]
    assert finding["next_step"] == "Make it 1.1.0: interlock new version apis/shop --minor"
    new_version(repository, "--minor")
    (repository.shop.root / "contracts/apis/shop/1.0.1.json").unlink()
    _, out, _ = repository.gate()
    head, blast = out.splitlines()[:2]
    assert head.startswith("apis/shop 1.0.0 → 1.1.0   minor, compatible (BACKWARD)   GET /state, query parameter page")
    assert blast == "blast radius: 1 flow serves this API (front); who calls it is not recorded yet"
    assert out.endswith("PASS\n")


def test_a_required_parameter_is_refused_under_the_same_major(repository: Repository) -> None:
    with_api(repository)
    new_version(repository, "--minor")
    needed = {**OPTIONAL, "required": True}
    path = changed(repository, "1.1.0", lambda one: one["paths"]["/state"]["get"].update(parameters=[needed]))
    [finding] = repository.shop.check()["BREAKING_NEEDS_MAJOR"]
    assert (finding["file"], finding["pointer"]) == (path, "/paths/~1state/get/parameters/0")
    assert "One flow serves it: front. Who calls it is not recorded." in finding["detail"]
    assert {"FINDING_NEW", "DECISION_MISSING"} == set(repository.rules())


def test_a_major_stands_beside_the_old_one_so_its_own_changes_are_told(repository: Repository) -> None:
    """Its paths begin with /v2: that is no change to those who call /state, which is served on."""
    with_api(repository)
    new_version(repository, "--major")
    [change] = repository.report()["contracts"]
    assert (change["verdict"], change["findings"]) == ("compatible", [])
    assert change["reasons"] == ["apis/shop 2.0.0 is a new major version"]
    needed = {**OPTIONAL, "required": True}
    changed(repository, "2.0.0", lambda one: one["paths"]["/v2/state"]["get"].update(parameters=[needed]))
    [change] = repository.report()["contracts"]
    assert [finding["rule"] for finding in change["findings"]] == ["parameter-added-required"]
    assert change["reasons"] == ["apis/shop 2.0.0 is breaking"]
    _, out, _ = repository.shop.run("changelog", "apis/shop", "--estate", str(repository.shop.root))
    assert out.splitlines()[2].split() == ["2.0.0", "major,", "breaking", "(BACKWARD)", "since", "1.0.0"]
    assert out.splitlines()[3].strip().startswith("GET /v2/state, query parameter page")
    (repository.shop.root / "contracts/apis/shop/1.0.0.json").unlink()
    assert {"REMOVED_BEFORE_SUNSET", "FLOW_BROKEN"} <= set(repository.rules())
