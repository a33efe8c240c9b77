"""`interlock import openapi` and `asyncapi`: what documents say in the words of a contract, and what cannot be said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interlock.contracts.diff import compare
from interlock.contracts.document_text import DocumentText
from interlock.estate.loader import load

from .conftest import FILES, Place

KENNELS = FILES / "kennels.yaml"
API = "apis/kennel-desk-api/2.4.0.json"
FILL = ("--classify", "internal", "--close")
EVENT_FILL = (*FILL, "--partition-key", "/lamp_id", "--examples", "--rename", "dimLamp=LampDimmed")
LAMPS = "events/harbour_lamps"


def schemas(place: Place) -> dict[str, Any]:
    found = place.contract(API)["components"]["schemas"]
    assert isinstance(found, dict)
    return found


def test_openapi_3_0_says_the_same_in_3_1(place: Place) -> None:
    done = place.take("openapi", KENNELS)
    made = place.contract(API)
    assert made["openapi"].startswith("3.1.")
    assert made["info"]["version"] == "2.4.0"
    assert made["info"]["x-source-version"] == "v2.4"
    limit = made["paths"]["/dogs"]["get"]["parameters"][0]["schema"]
    assert limit == {"type": "integer", "exclusiveMinimum": 0, "maximum": 100, "examples": [20]}
    header = made["paths"]["/dogs"]["get"]["responses"]["200"]["headers"]["X-Next"]["schema"]
    assert header == {"type": ["string", "null"]}
    assert schemas(place)["Size"] == {"type": ["string", "null"], "enum": ["small", "large", None]}
    fields = schemas(place)["NewDog"]["properties"]
    assert fields["weight"] == {"type": "number", "exclusiveMinimum": 0, "maximum": 120}
    assert fields["size"] == {"$ref": "#/components/schemas/Size", "description": "As it looks."}
    assert fields["owner"] == {"anyOf": [{"$ref": "#/components/schemas/Owner"}, {"type": "null"}]}
    assert fields["nullable"] == {"type": "boolean"}  # fields may be called like keywords
    assert fields["example"] == {"type": ["string", "null"]}
    example = made["paths"]["/dogs"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert example == {"name": "Rex", "size": "small"}  # data, not a schema
    chip = made["paths"]["/dogs"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert chip["properties"]["chip"] == {"type": "string", "contentEncoding": "base64"}
    assert {note["source"] for note in done.notes("changed")} >= {
        "/components/schemas/Size",
        "/components/schemas/NewDog/properties/owner",
        "/components/schemas/NewDog/properties/size",
        "/info/version",
    }


def test_our_own_diff_finds_nothing_between_3_0_and_its_3_1(place: Place) -> None:
    place.take("openapi", KENNELS)
    old = DocumentText(KENNELS.read_bytes()).value
    comparison = compare(old, place.contract(API), mode="FULL")
    harm = [finding for finding in comparison.findings if finding.effect in ("breaking", "undecided")]
    assert [(finding.rule, finding.path) for finding in harm] == []
    assert comparison.verdict == "compatible"


def test_callers_and_gateway_see_the_same_api(place: Place) -> None:
    """An operation is named; a key that the source does not require is not required; callbacks are left alone."""
    place.take("openapi", KENNELS, *FILL)
    made = place.contract(API)["paths"]
    assert made["/dogs"]["post"]["x-idempotency"] == "optional"
    assert "x-idempotency" not in made["/dogs/{dogId}"]["put"]
    assert made["/dogs/{dogId}"]["put"]["operationId"] == "putDogsDogId"
    callback = made["/dogs"]["post"]["callbacks"]["pickedUp"]["{$request.body#/notify}"]["post"]
    assert callback["operationId"] == "postRequestBodyNotify"
    assert "x-idempotency" not in callback


def test_check_asks_for_what_the_report_names_and_for_nothing_else(place: Place) -> None:
    done = place.take("openapi", KENNELS)
    named = {what.split(": ")[1].split(" ")[0] for what in done.what("missing") if " at " in what}
    assert named >= {"CONTENT_MODEL_OPEN", "FIELD_UNCLASSIFIED"}
    assert set(place.check()) == named
    done = place.take("openapi", KENNELS, *FILL, "--replace")
    assert set(place.check()) == named - {"FIELD_UNCLASSIFIED"}
    assert any("stay open" in what for what in done.what("missing"))  # NewDog is a part of Dog


def test_asyncapi_2(place: Place) -> None:
    done = place.take("asyncapi", FILES / "lamps-2.yaml", *EVENT_FILL)
    assert list(done.standings) == [
        f"contracts/{LAMPS}/{event}/1.2.0.json"
        for event in ("brightness_measured", "lamp_dimmed", "lamp_switched", "lamp_tested")
    ]
    made = place.contract(f"{LAMPS}/brightness_measured/1.2.0.json")
    assert made["properties"]["place"] == {
        "type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}], "items": False,
        "x-classification": "internal",
    }  # fmt: skip
    assert made["dependentRequired"] == {"place": ["at"]}
    assert made["properties"]["lamp_id"] == {"$ref": "#/$defs/lampId", "x-classification": "internal"}
    assert made["examples"] == [{"lamp_id": "L-1", "lumens": 300, "at": "2026-01-05T10:00:00Z"}]
    assert made["x-asyncapi"]["channels"] == [{"channel": "quay/{lampId}/brightness", "action": "receive"}]
    assert made["x-asyncapi"]["headers"]["properties"] == {"sent-by": {"type": "string"}}
    recursive = place.contract(f"{LAMPS}/lamp_switched/1.2.0.json")["$defs"]["group"]
    assert recursive["properties"]["inner"]["items"] == {"$ref": "#/$defs/group"}
    tested = place.contract(f"{LAMPS}/lamp_tested/1.2.0.json")
    assert tested["properties"]["at"]["format"] == "date-time"
    assert tested["properties"]["note"]["type"] == ["null", "string"]
    assert {note["source"]: note["what"] for note in done.notes("lost")}.keys() == {
        "/components/messages/lampDrawn/payload", "/servers", "/channels/quay~1{lampId}~1brightness/parameters",
    }  # fmt: skip


def test_asyncapi_2_filled_in_passes_check(place: Place) -> None:
    place.take("asyncapi", FILES / "lamps-2.yaml", *EVENT_FILL)
    assert place.check() == {}
    assert "harbour_lamps.LampSwitched" in load(place.root).latest
    assert "class LampSwitched" in (place.root / "contracts/harbour_lamps.py").read_text()


def test_asyncapi_3(place: Place) -> None:
    done = place.take("asyncapi", FILES / "lamps-3.yaml")
    measured = place.contract(f"{LAMPS}/brightness_measured/1.2.0.json")
    assert measured["description"] == "How bright a lamp is."  # in version 3 a trait never wins over the message
    assert measured["x-asyncapi"]["channels"] == [{"channel": "quay.{lampId}.brightness", "action": "receive"}]
    assert measured["properties"]["lamp_id"] == {"$ref": "#/$defs/lampId"}
    switched = place.contract(f"{LAMPS}/lamp_switched/1.2.0.json")
    assert switched["properties"]["lamp_id"]["maxLength"] == 9  # said in 2020-12, where it counts beside $ref
    assert any(note["source"] == "/operations/sendOrders/bindings" for note in done.notes("lost"))


def test_nothing_is_renamed_unasked(place: Place) -> None:
    done = place.take("asyncapi", FILES / "lamps-2.yaml")
    assert f"contracts/{LAMPS}/dim_lamp/1.2.0.json" in done.standings
    [note] = [one for one in done.notes("missing") if "EVENT_NAMED_AS_COMMAND" in one["what"]]
    assert "--rename NAME=NameOfTheFact" in note["step"]
    assert place.check()["EVENT_NAMED_AS_COMMAND"] == 1
    again = place.take("asyncapi", FILES / "lamps-2.yaml", "--rename", "dimLamp=LampDimmed")
    assert again.standings[f"contracts/{LAMPS}/dim_lamp/1.2.0.json"] == "left"
    again = place.take("asyncapi", FILES / "lamps-2.yaml", "--rename", "dimLamp=LampDimmed", "--replace")
    assert again.standings[f"contracts/{LAMPS}/dim_lamp/1.2.0.json"] == "removed"
    assert not (place.root / f"contracts/{LAMPS}/dim_lamp/1.2.0.json").exists()


@pytest.mark.parametrize(("kind", "file"), [("openapi", "kennels.yaml"), ("asyncapi", "lamps-2.yaml")])
def test_again_changes_nothing(place: Place, kind: str, file: str) -> None:
    place.take(kind, FILES / file)
    before = place.files()
    assert set(place.take(kind, FILES / file).standings.values()) == {"unchanged"}
    assert place.files() == before


def test_an_import_that_died_in_the_middle_is_taken_up_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after any of its files: the next run finishes, and nothing it wrote counts as somebody's edit."""
    whole = Place(place.root.parent / "whole", place.capsys)
    whole.take("asyncapi", FILES / "lamps-2.yaml")
    written = len([path for path in whole.files() if path.startswith(("contracts/", "imports/"))])
    real, left = Path.replace, 0

    def dying(path: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return real(path, target)

    for _ in range(written - 1):  # each run gets one file further
        left = 1
        monkeypatch.setattr(Path, "replace", dying)
        assert place.run("import", "asyncapi", str(FILES / "lamps-2.yaml"), "--into", str(place.root)).code == 130
        monkeypatch.setattr(Path, "replace", real)
    done = place.take("asyncapi", FILES / "lamps-2.yaml")
    assert set(done.standings.values()) == {"unchanged"}
    own = {path: content for path, content in place.files().items() if path.startswith(("contracts/", "imports/"))}
    assert own == {path: whole.files()[path] for path in own}


def test_a_dry_run_writes_nothing_and_shows_the_report(place: Place) -> None:
    before = place.files()
    done = place.run("import", "openapi", str(KENNELS), "--into", str(place.root), "--dry-run")
    assert (done.code, place.files() == before) == (0, True)
    assert done.out.startswith("# Import of kennels.yaml\n")
    assert "## Said in other words, or made up" in done.out
    assert "Nothing was written." in done.out


def test_what_somebody_has_edited_stays(place: Place) -> None:
    place.take("openapi", KENNELS)
    file = place.root / "contracts" / API
    edited = file.read_text().replace("Kennel Desk API", "Kennels")
    file.write_text(edited)
    assert set(place.take("openapi", KENNELS).standings.values()) == {"edited"}
    assert set(place.take("openapi", KENNELS, "--replace").standings.values()) == {"edited"}
    changed = place.source("kennels.yaml", KENNELS.read_text().replace("Some dogs.", "A few dogs."))
    for words in ((), ("--replace",)):
        assert set(place.take("openapi", changed, *words, code=1).standings.values()) == {"conflict"}
    assert file.read_text() == edited


def test_a_changed_source_is_told_and_taken_over_only_when_asked(place: Place) -> None:
    place.take("openapi", KENNELS)
    file = place.root / "contracts" / API
    before = file.read_text()
    changed = place.source("kennels.yaml", KENNELS.read_text().replace("Some dogs.", "A few dogs."))
    done = place.run("import", "openapi", str(changed), "--into", str(place.root))
    assert done.code == 1
    assert "contracts/apis/kennel-desk-api/2.4.0.json  differs" in done.out
    assert "--replace" in done.out
    assert file.read_text() == before
    assert set(place.take("openapi", changed, "--replace").standings.values()) == {"written"}
    assert "A few dogs." in file.read_text()
    later = place.source("kennels.yaml", KENNELS.read_text().replace("v2.4", "v2.5"))
    assert place.take("openapi", later).standings == {"contracts/apis/kennel-desk-api/2.5.0.json": "written"}


def test_a_file_that_was_never_imported_is_never_touched(place: Place) -> None:
    file = place.root / "contracts" / API
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    assert set(place.take("openapi", KENNELS, "--replace", code=1).standings.values()) == {"conflict"}
    assert file.read_text() == "{}"


SWAGGER = '{"swagger": "2.0", "info": {"title": "x", "version": "1"}, "paths": {}}'
REMOTE = """openapi: 3.0.0
info: {title: x, version: '1'}
paths:
  /x:
    get:
      responses:
        200: {$ref: 'common.yaml#/ok'}
"""
LOOP = """asyncapi: 2.6.0
info: {title: x, version: '1'}
channels: {a: {publish: {message: {name: orderMade, payload: {$ref: '#/components/schemas/a'}}}}}
components: {schemas: {a: {$ref: '#/components/schemas/b'}, b: {$ref: '#/components/schemas/a'}}}
"""


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("openapi", SWAGGER, ":1  This is Swagger 2.0. First make OpenAPI 3 of it: npx swagger2openapi"),
        ("openapi", REMOTE, ":7  common.yaml#/ok leaves the document, and nothing is fetched."),
        (
            "openapi",
            REMOTE.replace("common.yaml#/ok", "#/components/responses/none"),
            ":7  #/components/responses/none",
        ),
        ("openapi", "asyncapi: 3.0.0\ninfo: {}\n", "no OpenAPI 3.0 or 3.1"),
        ("openapi", "[]", "no OpenAPI 3.0 or 3.1"),
        ("openapi", "a: [1\nb: }", ":2  The YAML is wrong"),
        ("openapi", '{"openapi": "3.0.0", "openapi": "3.1.0"}', "twice"),
        ("openapi", "openapi: 3.0.0\npaths: [1]\n", "has not the shape of OpenAPI"),
        ("openapi", "[" * 300 + "]" * 300, "nests too deep"),
        ("asyncapi", "openapi: 3.0.0\n", ":1  The document is no AsyncAPI"),
        ("asyncapi", "asyncapi: 1.2.0\n", ":1  AsyncAPI 1.2.0 is not read; 2.x and 3.x are."),
        ("asyncapi", LOOP, "refers to itself and to nothing else."),
        ("asyncapi", "asyncapi: 2.6.0\nchannels: [1]\n", "has not the shape of AsyncAPI"),
        ("asyncapi", "asyncapi: 2.6.0\nchannels: {a: {publish: {message: 7}}}\n", ":2  A message is an object."),
    ],
)
def test_bad_sources_are_refused_at_their_line(place: Place, kind: str, text: str, said: str) -> None:
    err = place.refused(kind, place.source("source.yaml", text))
    assert said in err
    assert len(err.splitlines()) == 2, err  # what is wrong, and what to do about it


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("openapi", "https://example.com/x.yaml"), "curl -o source.yaml https://example.com/x.yaml"),
        (("openapi", str(KENNELS), "--name", "Kennels"), "is no name of an API"),
        (("openapi", str(KENNELS), "--version", "0.9.0"), "A contract begins at 1.0.0."),
        (("openapi", str(KENNELS), "--version", "2"), "Three numbers"),
        (("openapi", str(KENNELS), "--owner", "team-order"), "Did you mean team-orders?"),
        (("asyncapi", str(KENNELS), "--domain", "Lamps"), "is no domain"),
        (("asyncapi", str(KENNELS), "--partition-key", "id"), "--partition-key /id"),
        (("asyncapi", str(KENNELS), "--rename", "a"), "--rename placeOrder=OrderPlaced"),
        (("openapi", str(KENNELS), "--classify", "private"), "invalid choice"),
    ],
)
def test_arguments_that_make_no_sense(place: Place, words: tuple[str, ...], said: str) -> None:
    assert said in place.refused(words[0], words[1], *words[2:])


def test_no_such_file_and_no_estate(place: Place, tmp_path: Path) -> None:
    done = place.run("import", "openapi", str(tmp_path / "none.yaml"), "--into", str(place.root))
    assert (done.code, "none.yaml" in done.err) == (2, True)
    assert place.run("import", "openapi", str(KENNELS), "--into", str(tmp_path)).code == 2


@pytest.mark.parametrize(
    ("stated", "version"),
    [("2", "2.0.0"), ("v3.1", "3.1.0"), ("1.4.2-beta+7", "1.4.2"), ("0.9.1", "1.0.0"), ("2023-10-16", "1.0.0"),
     ("", "1.0.0"), ("latest", "1.0.0")],
)  # fmt: skip
def test_versions(place: Place, stated: str, version: str) -> None:
    text = json.dumps({"openapi": "3.1.0", "info": {"title": "T", "version": stated}, "paths": {}})
    done = place.take("openapi", place.source("t.json", text))
    assert list(done.standings) == [f"contracts/apis/t/{version}.json"]
    assert any("became" in what for what in done.what("changed"))


def test_references_that_multiply_stay_small(place: Place) -> None:
    parts = {f"n{n}": {"type": "object", "properties": {
        "a": {"$ref": f"#/components/schemas/n{n + 1}"}, "b": {"$ref": f"#/components/schemas/n{n + 1}"}}}
        for n in range(40)}  # fmt: skip
    parts["n40"] = {"type": "string"}
    first = {"$ref": "#/components/schemas/n0"}
    message = {"name": "orderMade", "payload": first, "headers": first, "bindings": first}
    document = {
        "asyncapi": "2.6.0", "info": {"title": "Bomb", "version": "1.0.0"},
        "channels": {"a": {"publish": {"message": message}}}, "components": {"schemas": parts},
    }  # fmt: skip
    place.take("asyncapi", place.source("bomb.json", json.dumps(document)), "--classify", "internal", "--close")
    assert (place.root / "contracts/events/bomb/order_made/1.0.0.json").stat().st_size < 200_000
