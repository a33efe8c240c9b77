"""The protocol itself, answer by answer, on each back end; what Confluent's and Karapace's own tests ask for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.registry.served import MEDIA, Served

STRING = {"type": "string"}
ORDER = {"type": "object", "properties": {"id": {"type": "string"}}, "additionalProperties": False}
WIDER = {**ORDER, "properties": {**ORDER["properties"], "note": {"type": "string"}}}
NUMBERED = {**ORDER, "properties": {"id": {"type": "integer"}}}


def record(*fields: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": list(fields)}


F1 = {"name": "f1", "type": "string"}
F2 = {"name": "f2", "type": "string", "default": "d"}


def test_what_was_registered_comes_back_as_it_was_sent(served: Served) -> None:
    text = '{ "type" : "object" }'
    assert served.register("a", text).body == {"id": 1}
    assert served.get("/schemas/ids/1").body == {"schemaType": "JSON", "schema": text}
    assert served.get("/subjects/a/versions/1").body == {
        "subject": "a",
        "version": 1,
        "id": 1,
        "schemaType": "JSON",
        "schema": text,
    }
    assert served.get("/schemas/ids/1/schema").body == {"type": "object"}
    assert served.get("/subjects/a/versions/latest/schema").body == {"type": "object"}
    assert served.register("b", '{"type":"object"}').body == {"id": 1}, "spelt otherwise, the same schema"


def test_avro_answers_leave_the_type_out(served: Served) -> None:
    served.register("a", STRING, "AVRO")
    found = served.post("/subjects/a", STRING, "AVRO").body
    assert found == {"subject": "a", "version": 1, "id": 1, "schema": json.dumps(STRING)}
    assert served.ask("POST", "/subjects/a", {"schema": '"string"'}).body["id"] == 1


def test_ids_and_where_they_are_used(served: Served) -> None:
    for subject in ("a", "b"):
        served.register(subject, ORDER)
    served.register("a", WIDER)
    assert served.get("/schemas/ids/1/subjects").body == ["a", "b"]
    assert served.get("/schemas/ids/1/versions").body == [
        {"subject": "a", "version": 1},
        {"subject": "b", "version": 1},
    ]
    assert served.get("/schemas/ids/1?fetchMaxId=true").body["maxId"] == 2
    served.ask("DELETE", "/subjects/b/versions/1")
    assert served.get("/schemas/ids/1/subjects").body == ["a"]
    assert served.get("/schemas/ids/1/subjects?deleted=true").body == ["a", "b"]
    assert served.get("/schemas/ids/9/subjects").code == 40403
    assert served.get("/schemas/ids/9").body == {"error_code": 40403, "message": "Schema 9 not found"}
    assert (served.get("/schemas/ids/x").status, served.get("/schemas/ids/x").code) == (404, 404)


def test_lists(served: Served) -> None:
    for number, schema in enumerate((ORDER, WIDER)):
        served.register("a", schema)
        served.register(f"b{number}", schema)
    served.ask("DELETE", "/subjects/b1")
    assert served.get("/subjects").body == ["a", "b0"]
    assert served.get("/subjects?deleted=true").body == ["a", "b0", "b1"]
    assert served.get("/subjects?deletedOnly=true").body == ["b1"]
    assert served.get("/subjects?subjectPrefix=b").body == ["b0"]
    assert served.get("/subjects?offset=1&limit=1&deleted=true").body == ["b0"]
    assert [one["version"] for one in served.get("/schemas?subjectPrefix=a").body] == [1, 2]
    assert [one["version"] for one in served.get("/schemas?latestOnly=true").body] == [2, 1]
    assert [one["subject"] for one in served.get("/schemas?deleted=true&offset=2").body] == ["b0", "b1"]
    assert served.get("/subjects?offset=x").status == 400
    assert served.get("/schemas/types").body == ["JSON", "AVRO"]


def test_versions_that_were_deleted(served: Served) -> None:
    served.ask("PUT", "/config", {"compatibility": "NONE"})
    for schema in (ORDER, WIDER):
        served.register("a", schema)
    assert served.ask("DELETE", "/subjects/a/versions/1?permanent=true").code == 40407
    assert served.ask("DELETE", "/subjects/a/versions/1").body == 1
    assert served.ask("DELETE", "/subjects/a/versions/1").code == 40406
    assert served.get("/subjects/a/versions").body == [2]
    assert served.get("/subjects/a/versions?deleted=true").body == [1, 2]
    assert served.get("/subjects/a/versions?deletedOnly=true").body == [1]
    assert served.get("/subjects/a/versions?deletedAsNegative=true").body == [-1, 2]
    assert served.get("/subjects/a/versions/1").code == 40402
    assert served.get("/subjects/a/versions/1?deleted=true").body["version"] == 1
    assert served.post("/subjects/a", ORDER).code == 40403
    assert served.post("/subjects/a?deleted=true", ORDER).body["version"] == 1
    assert served.register("a", ORDER).body == {"id": 1}
    assert served.get("/subjects/a/versions").body == [2, 3]
    assert served.post("/subjects/a?deleted=true", ORDER).body["version"] == 3
    assert served.ask("DELETE", "/subjects/a/versions/1?permanent=true").body == 1
    assert served.get("/subjects/a/versions/1?deleted=true").code == 40402
    assert served.ask("DELETE", "/subjects/a/versions/1?permanent=true").code == 40402
    assert served.ask("DELETE", "/subjects/a/versions/latest").body == 3
    assert served.ask("DELETE", "/subjects/a/versions/latest").body == 2
    assert served.get("/subjects/a/versions/latest").code == 40401
    assert served.ask("DELETE", "/subjects/nothing/versions/1").code == 40401


def test_a_version_deleted_for_good_makes_room_for_its_number(served: Served) -> None:
    for schema in (ORDER, WIDER):
        served.register("a", schema)
    for query in ("", "?permanent=true"):
        served.ask("DELETE", f"/subjects/a/versions/2{query}")
    served.ask("DELETE", "/subjects/a/versions/latest")
    assert served.register("a", ORDER).body == {"id": 1}
    assert served.get("/subjects/a/versions").body == [2]
    assert served.register("a", {**WIDER, "title": "new"}).body == {"id": 3}, "the id 2 is never given again"


def test_subjects_that_were_deleted(served: Served) -> None:
    for schema in (ORDER, WIDER):
        served.register("a", schema)
    served.ask("PUT", "/config/a", {"compatibility": "FULL"})
    assert served.ask("DELETE", "/subjects/a?permanent=true").code == 40405
    assert served.ask("DELETE", "/subjects/a").body == [1, 2]
    assert served.ask("DELETE", "/subjects/a").code == 40404
    assert served.get("/config/a").code == 40408, "its settings went with it"
    assert served.get("/subjects/a/versions").code == 40401
    assert served.register("a", ORDER).body == {"id": 1}
    assert served.get("/subjects/a/versions").body == [3]
    served.ask("DELETE", "/subjects/a")
    assert served.ask("DELETE", "/subjects/a?permanent=true").body == [1, 2, 3]
    assert served.get("/schemas/ids/1").code == 40403
    assert served.ask("DELETE", "/subjects/a").code == 40401
    assert served.register("b", ORDER).body == {"id": 1}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/subjects/no/versions", 40401),
        ("/subjects/no/versions/1", 40401),
        ("/subjects/a/versions/9", 40402),
        ("/subjects/a/versions/0", 42202),
        ("/subjects/a/versions/earliest", 42202),
        ("/subjects/a/versions/-2", 42202),
        ("/subjects/a/versions/4294967296", 42202),
        ("/subjects/a/versions/1/nothing", 404),
        ("/config/no", 40408),
        ("/mode/no", 40409),
    ],
)
def test_errors_by_code(served: Served, path: str, code: int) -> None:
    served.register("a", ORDER)
    answer = served.get(path)
    assert (answer.code, answer.status) == (code, code if code < 1000 else code // 100)
    assert served.get("/subjects/a/versions/-1").body["version"] == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, 42201),
        ({"schema": ""}, 422, 42201),
        ({"schema": "no schema"}, 422, 42201),
        ({"schema": '{"type":"invalid"}'}, 422, 42201),
        ({"schema": '{"type":7}', "schemaType": "JSON"}, 422, 42201),
        ({"schema": '{"$ref":"http://elsewhere.example/x"}', "schemaType": "JSON"}, 422, 42201),
        ({"schema": '{"a":1,"a":2}', "schemaType": "JSON"}, 422, 42201),
        ({"schema": 'syntax = "proto3";', "schemaType": "PROTOBUF"}, 422, 42201),
        ({"schema": "{}", "schemaType": "XML"}, 422, 42201),
        ({"schema": '"string"', "references": [{"name": "x", "subject": "no", "version": 1}]}, 422, 42201),
        ({"schema": '"string"', "references": [{"name": "x"}]}, 400, 400),
        ({"schema": '"string"', "version": 7}, 422, 42201),
        ({"schema": '"string"', "id": 7}, 422, 42205),
        ({"schema": '"string"', "wrong": 1}, 422, 422),
        (["no object"], 400, 400),
    ],
)
def test_registrations_that_are_refused(served: Served, body: Any, status: int, code: int) -> None:
    answer = served.ask("POST", "/subjects/a/versions", body)
    assert (answer.status, answer.code) == (status, code), answer.body
    assert served.get("/subjects").body == []


def test_protobuf_is_refused_in_words(served: Served) -> None:
    answer = served.register("a", 'syntax = "proto3";', "PROTOBUF")
    assert answer.body["message"] == ("Invalid schema: PROTOBUF is not there yet: this registry takes JSON and AVRO.")


def test_a_subject_needs_a_name(served: Served) -> None:
    assert served.register("%0Dbad%0A", ORDER).code == 42208
    assert served.register("x" * 2000, ORDER).code == 42208
    assert served.register("with%2Fslash%20and%20space", ORDER).status == 200
    assert served.get("/subjects").body == ["with/slash and space"]


def test_trailing_slashes_media_types_and_methods(served: Served) -> None:
    assert served.get("/subjects/").body == []
    assert served.get("/").body == {}
    assert served.get("/subjects").headers["content-type"] == MEDIA
    assert served.get("/subjects", accept="application/json").headers["content-type"] == "application/json"
    weighted = "application/vnd.schemaregistry.v2+json; q=0.1, application/vnd.schemaregistry+json; q=0.9"
    assert served.get("/subjects", accept=weighted).headers["content-type"] == "application/vnd.schemaregistry+json"
    for accept in ("*", "*/*", "application/*", "text/html, *; q=.2", "*/any"):
        assert served.get("/subjects", accept=accept).headers["content-type"] == MEDIA, accept
    refused = served.get("/subjects", accept="text/html")
    assert (refused.status, refused.code) == (406, 406)
    wrong = served.ask("PUT", "/config", {"compatibility": "NONE"}, content_type="text/html")
    assert (wrong.status, wrong.code) == (415, 415)
    assert served.ask("PATCH", "/config").status == 405
    assert served.ask("PUT", "/config", {"compatibility": "FULL"}, content_type=f"{MEDIA}; charset=utf-8").status == 200
    tolerant = {"confluent_accept_unknown_properties": "true"}
    assert served.ask("PUT", "/config", {"compatibility": "FULL", "new": 1}, **tolerant).status == 200
    assert served.ask("PUT", "/config", b"{not json").status == 400


def test_config_by_scope(served: Served) -> None:
    assert served.get("/config").body == {
        "compatibilityLevel": "BACKWARD",
        "normalize": False,
        "compatibilityPolicy": "STRICT",
    }
    assert served.ask("PUT", "/config", {"compatibility": "full"}).body == {"compatibility": "full"}
    assert served.get("/config").body["compatibilityLevel"] == "FULL"
    assert served.ask("PUT", "/config", {"compatibility": "SOME"}).code == 42203
    assert served.get("/config/a?defaultToGlobal=true").body["compatibilityLevel"] == "FULL"
    served.ask("PUT", "/config/a", {"compatibility": "NONE"})
    served.ask("PUT", "/config/a", {"normalize": True})
    assert served.get("/config/a").body == {"compatibilityLevel": "NONE", "normalize": True}
    assert served.ask("DELETE", "/config/a").body == {"compatibilityLevel": "NONE", "normalize": True}
    assert served.ask("DELETE", "/config/a").code == 40401
    assert served.ask("DELETE", "/config").body == {"compatibilityLevel": "FULL"}
    assert served.get("/config").body["compatibilityLevel"] == "BACKWARD"


def test_config_normalize_counts_without_the_query(served: Served) -> None:
    served.ask("PUT", "/config/a", {"normalize": True})
    assert served.register("a", '{"type":"object","title":"t"}').body == {"id": 1}
    assert served.register("a", '{"title":"t","type":"object"}').body == {"id": 1}


def test_modes(served: Served) -> None:
    assert served.get("/mode").body == {"mode": "READWRITE"}
    served.register("a", ORDER)
    assert served.ask("PUT", "/mode", {"mode": "SOME"}).code == 42204
    assert served.ask("PUT", "/mode", {"mode": "READONLY"}).body == {"mode": "READONLY"}
    assert served.register("b", ORDER).code == 42205
    assert served.register("a", ORDER).body == {"id": 1}, "what is there already is no write"
    assert served.ask("DELETE", "/subjects/a").code == 42205
    assert served.ask("PUT", "/config/a", {"compatibility": "NONE"}).code == 42205
    assert served.ask("PUT", "/mode/b", {"mode": "READWRITE"}).status == 200
    assert served.register("b", ORDER).status == 200
    served.ask("PUT", "/mode", {"mode": "READONLY_OVERRIDE"})
    assert served.get("/mode/b").body == {"mode": "READONLY_OVERRIDE"}
    assert served.register("b", WIDER).code == 42205
    assert served.ask("PUT", "/mode", {"mode": None}).body == {"mode": None}
    assert served.get("/mode").body == {"mode": "READWRITE"}
    assert served.ask("DELETE", "/mode/b").body == {"mode": "READWRITE"}
    assert served.ask("DELETE", "/mode/b").code == 40401
    for scope in ("", "/x", "/y"):
        served.ask("PUT", f"/mode{scope}", {"mode": "READONLY"})
    assert served.ask("DELETE", "/mode?recursive=true").body == {"mode": "READONLY"}
    assert served.get("/mode/x").code == 40409


def test_import_gives_ids_and_versions(served: Served) -> None:
    served.register("other", STRING, "AVRO")
    assert served.ask("PUT", "/mode", {"mode": "IMPORT"}).code == 42205
    assert served.ask("PUT", "/mode/a", {"mode": "IMPORT"}).status == 200
    assert served.register("a", ORDER).code == 42205
    assert served.register("a", ORDER, id=100, version=7).body == {"id": 100}
    assert served.register("a", ORDER).body == {"id": 100}
    assert served.register("a", NUMBERED, id=100, version=8).code == 42205
    assert served.register("a", NUMBERED, id=101, version=7).code == 42205
    assert served.register("a", NUMBERED, id=101, version=8).body == {"id": 101}, "not held to compatibility"
    assert served.register("a", NUMBERED, id=300, version=9).body == {"id": 300}, "an id more for the same schema"
    served.ask("PUT", "/mode/a", {"mode": "READWRITE"})
    assert served.register("b", WIDER).body == {"id": 301}
    assert served.register("c", NUMBERED).body == {"id": 101}


def test_contexts(served: Served) -> None:
    served.register("a", ORDER)
    assert served.register(":.ctx:a", WIDER).body == {"id": 1}
    assert served.get("/contexts").body == [".", ".ctx"]
    assert served.get("/subjects").body == [":.ctx:a", "a"]
    assert served.get("/subjects?subjectPrefix=").body == ["a"]
    assert served.get("/subjects?subjectPrefix=:.ctx:").body == [":.ctx:a"]
    assert served.get("/subjects?subjectPrefix=:*:a").body == ["a"]
    assert json.loads(served.get("/schemas/ids/1").body["schema"]) == ORDER
    assert json.loads(served.get("/schemas/ids/1?subject=:.ctx:a").body["schema"]) == WIDER
    assert json.loads(served.get("/contexts/.ctx/schemas/ids/1").body["schema"]) == WIDER
    assert served.get("/contexts/.ctx/subjects").body == [":.ctx:a"]
    assert served.get("/contexts/.ctx/subjects/a/versions").body == [1]
    assert served.get("/subjects/:.:a/versions/1").body["subject"] == "a"
    served.ask("PUT", "/config/:.ctx:", {"compatibility": "NONE"})
    assert served.register(":.ctx:a", NUMBERED).status == 200
    served.ask("PUT", "/config/:.__GLOBAL:", {"compatibility": "FORWARD"})
    assert served.get("/config/a?defaultToGlobal=true").body["compatibilityLevel"] == "FORWARD"


def test_compatibility_in_words(served: Served) -> None:
    served.register("a", ORDER)
    path = "/compatibility/subjects/a/versions"
    assert served.post(f"{path}/latest", WIDER).body == {"is_compatible": True}
    assert served.post(f"{path}/1?verbose=true", WIDER).body == {"is_compatible": True, "messages": []}
    answer = served.post(f"{path}/latest?verbose=true", NUMBERED).body
    assert answer["is_compatible"] is False
    first, *_, version, text, level = answer["messages"]
    assert "/properties/id" in first
    assert '{"id":' in first, "a document that shows it"
    assert (version, level) == ("{oldSchemaVersion: 1}", "{compatibility: 'BACKWARD'}")
    assert text == f"{{oldSchema: '{json.dumps(ORDER)}'}}"
    refused = served.register("a", NUMBERED)
    assert (refused.status, refused.code) == (409, 409)
    assert "oldSchemaVersion: 1" in refused.body["message"]
    assert served.post(f"{path}/9", WIDER).code == 40402
    assert served.post("/compatibility/subjects/no/versions/latest", WIDER).body == {"is_compatible": True}
    assert served.post("/compatibility/subjects/no/versions", WIDER).body == {"is_compatible": True}
    other = served.post(f"{path}/latest?verbose=true", STRING, "AVRO").body
    assert "SCHEMA_TYPE_CHANGED" in other["messages"][0]


def test_transitive_levels_ask_every_version(served: Served) -> None:
    bound = {**ORDER, "properties": {"id": {"type": "string", "maxLength": 5}}}
    served.ask("PUT", "/config/a", {"compatibility": "NONE"})
    for schema in (ORDER, bound):
        served.register("a", schema)
    longer = {**ORDER, "properties": {"id": {"type": "string", "maxLength": 9}}}
    path = "/compatibility/subjects/a/versions"
    assert served.post(path, longer).body["is_compatible"] is True
    served.ask("PUT", "/config/a", {"compatibility": "BACKWARD"})
    assert served.post(path, longer).body["is_compatible"] is True
    served.ask("PUT", "/config/a", {"compatibility": "BACKWARD_TRANSITIVE"})
    answer = served.post(f"{path}?verbose=true", longer).body
    assert [one for one in answer["messages"] if "oldSchemaVersion" in one] == ["{oldSchemaVersion: 1}"]
    assert served.post(f"{path}/latest", longer).body["is_compatible"] is True


def test_open_models_by_policy(served: Served) -> None:
    """SEMANTICS: STRICT finds a new property of an open model incompatible, LENIENT does not."""
    opened = {"type": "object", "properties": {"id": {"type": "string"}}}
    more = {**opened, "properties": {**opened["properties"], "note": {"type": "string"}}}
    served.register("a", opened)
    path = "/compatibility/subjects/a/versions/latest"
    assert served.post(path, more).body["is_compatible"] is False
    served.ask("PUT", "/config/a", {"compatibilityPolicy": "LENIENT"})
    assert served.post(path, more).body["is_compatible"] is True
    assert served.ask("PUT", "/config/a", {"compatibilityPolicy": "SETS"}).status == 400


def test_groups_are_compared_among_themselves(served: Served) -> None:
    served.ask("PUT", "/config/a", {"compatibilityGroup": "major"})
    served.register("a", ORDER, metadata={"properties": {"major": "1"}})
    assert served.register("a", NUMBERED, metadata={"properties": {"major": "2"}}).status == 200
    assert served.register("a", NUMBERED, metadata={"properties": {"major": "1"}}).status == 409
    latest = served.get("/subjects/a/metadata?key=major&value=1").body
    assert (latest["version"], latest["metadata"]) == (1, {"properties": {"major": "1"}})
    assert served.get("/subjects/a/metadata?key=major&value=9").code == 40403


def test_metadata_of_the_config_is_added(served: Served) -> None:
    served.ask(
        "PUT",
        "/config/a",
        {
            "defaultMetadata": {"properties": {"team": "none", "tier": "1"}},
            "overrideMetadata": {"properties": {"site": "x"}},
        },
    )
    served.register("a", ORDER, metadata={"properties": {"team": "orders"}}, ruleSet={"domainRules": []})
    found = served.get("/subjects/a/versions/1").body
    assert found["metadata"] == {"properties": {"site": "x", "team": "orders", "tier": "1"}}
    assert found["ruleSet"] == {"domainRules": []}


def test_metadata_that_a_lookup_does_not_name_is_passed_over(served: Served) -> None:
    served.register("a", ORDER, metadata={"properties": {"x": "1"}})
    assert served.post("/subjects/a", ORDER).body["version"] == 1
    assert served.register("a", ORDER).body == {"id": 1}
    other = {"properties": {"x": "2"}}
    assert served.post("/subjects/a", ORDER, metadata=other).code == 40403


def test_references_of_json(served: Served) -> None:
    served.register("ref", {"definitions": {"T": {"type": "string"}}})
    main = {"$id": "https://shop.example/main.json", "properties": {"t": {"$ref": "ref.json#/definitions/T"}}}
    references = [{"name": "ref.json", "subject": "ref", "version": 1}]
    assert served.register("main", main).code == 42201
    assert served.register("main", main, references=references).body == {"id": 2}
    assert served.get("/schemas/ids/2").body["references"] == references
    assert served.get("/subjects/ref/versions/1/referencedby").body == [2]
    assert served.ask("DELETE", "/subjects/ref").code == 42206
    narrower = {**main, "properties": {"t": {"allOf": [{"$ref": "ref.json#/definitions/T"}, {"maxLength": 3}]}}}
    answer = served.post("/compatibility/subjects/main/versions/latest", narrower, references=references)
    assert answer.body["is_compatible"] is False, "what is referred to is looked into"
    served.register("ref", {"definitions": {"T": {"type": "integer"}}})
    served.ask("PUT", "/config/ref", {"compatibility": "NONE"})
    assert served.register("ref", {"definitions": {"T": {"type": "integer"}}}).status == 200
    newest = [{**references[0], "version": -1}]
    answer = served.post("/compatibility/subjects/main/versions/latest?verbose=true", main, references=newest)
    assert answer.body["is_compatible"] is False, "the same text that refers to another version"
    served.ask("DELETE", "/subjects/main")
    assert served.get("/subjects/ref/versions/1/referencedby").body == []
    assert served.ask("DELETE", "/subjects/ref").body == [1, 2]


def test_references_of_avro_over_several_levels(served: Served) -> None:
    currency = {"type": "enum", "name": "Currency", "namespace": "m.c", "symbols": ["EUR", "USD"]}
    served.register("shared", currency, "AVRO")
    shared = [{"name": "m.c.Currency", "subject": "shared", "version": 1}]
    for number, name in enumerate(("Down", "Up")):
        schema = {**record({"name": "c", "type": {"type": "m.c.Currency"}}), "name": name, "namespace": "m"}
        assert served.register(f"ref{number}", schema, "AVRO", references=shared).status == 200
    both = [
        {"name": f"m.{name}", "subject": f"ref{number}", "version": 1} for number, name in enumerate(("Down", "Up"))
    ]
    assert served.register("root", ["m.Down", "m.Up"], "AVRO", references=both).body == {"id": 4}
    inlined = [
        {**record({"name": "c", "type": currency}), "name": "Down", "namespace": "m"},
        {**record({"name": "c", "type": "m.c.Currency"}), "name": "Up", "namespace": "m"},
    ]
    assert served.post("/subjects/root", inlined, "AVRO").body["id"] == 4, "written out, it says the same"


def test_avro_normalized(served: Served) -> None:
    one = {**record({"type": {"type": "int"}, "name": "f"}), "extra": {"a": 1, "b": 2}}
    other = {**record({"type": "int", "name": "f"}), "extra": {"b": 2, "a": 1}}
    assert served.post("/subjects/a/versions?normalize=true", one, "AVRO").body == {"id": 1}
    assert served.post("/subjects/a?normalize=true", other, "AVRO").body["version"] == 1
    assert served.post("/subjects/a", other, "AVRO").code == 40403


def test_metadata_of_the_server(served: Served) -> None:
    found = served.get("/v1/metadata/id").body
    assert (found["id"], found["scope"]["path"]) == ("", [])
    assert served.get("/v1/metadata/version").body["version"]


def test_bombs_are_refused_in_bounds(served: Served) -> None:
    deep = "[" * 500 + "]" * 500
    for text in ('{"not":' * 400 + "{}" + "}" * 400, '{"type":"array","items":' * 300 + "{}" + "}" * 300, deep):
        assert served.register("a", text).code == 42201
        assert served.register("a", text, "AVRO").code == 42201
    assert served.register("a", json.dumps({"description": "x" * 1_000_001})).status in (413, 422)
    served.register("big0", {"definitions": {"t": {"description": "x" * 900_000}}})
    codes = []
    for number in range(1, 6):
        references = [{"name": f"b{number}", "subject": f"big{number - 1}", "version": 1}]
        schema = {"title": str(number), "description": "x" * 900_000}
        codes.append(served.register(f"big{number}", schema, references=references).code)
    assert codes[:4] == [None, None, None, 42209]
