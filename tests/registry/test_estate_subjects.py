"""Contracts of an estate as subjects: registered at the start, governed, and nothing else is to be bound to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from interlock.estate.loader import load
from tests.registry.served import Served
from tests.versions.conftest import ORDER, Shop, optional, plan

SUBJECT = "orders.OrderPlaced"
FOREIGN = {"type": "object", "properties": {"phone": {"type": "string"}}, "additionalProperties": False}


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    return Shop(tmp_path / "shop", capsys)


def served(shop: Shop, store: Path | None = None) -> Served:
    return Served(store, prefix="/registry", estate=load(shop.root))


def text(shop: Shop, version: str) -> str:
    return (shop.root / ORDER / f"{version}.json").read_text()


def test_each_version_is_there_with_its_number(shop: Shop) -> None:
    shop.version("1.1.0", optional())
    with served(shop) as registry:
        assert registry.get("/subjects").body == [SUBJECT]
        assert registry.get(f"/subjects/{SUBJECT}/versions").body == [1, 2]
        latest = registry.get(f"/subjects/{SUBJECT}/versions/latest").body
        assert latest["metadata"] == {"properties": {"interlock.version": "1.1.0"}}
        assert json.loads(latest["schema"]) == json.loads(text(shop, "1.1.0"))


def test_ids_stay_from_start_to_start(shop: Shop, tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    with served(shop, store) as registry:
        registry.register("other", FOREIGN)
        first = registry.get(f"/subjects/{SUBJECT}/versions/1").body["id"]
    shop.version("1.1.0", optional())
    with served(shop, store) as registry:
        assert registry.get(f"/subjects/{SUBJECT}/versions").body == [1, 2]
        assert registry.get(f"/subjects/{SUBJECT}/versions/1").body["id"] == first
        assert registry.get(f"/subjects/{SUBJECT}/versions/2").body["id"] == 3
    (shop.root / ORDER / "1.1.0.json").unlink()
    shop.version("1.0.0", lambda document: None)
    with served(shop, store) as registry:  # taken back: what was written stays readable, `latest` is what counts now
        assert registry.get("/schemas/ids/3").status == 200
        latest = registry.get(f"/subjects/{SUBJECT}/versions/latest").body
        assert (latest["version"], latest["id"]) == (3, first)


def test_clients_may_use_what_is_there_and_add_nothing(shop: Shop) -> None:
    with served(shop) as registry:
        same = registry.register(SUBJECT, json.loads(text(shop, "1.0.0")))
        assert (same.status, same.body) == (200, {"id": 1})
        other = registry.register(SUBJECT, {**json.loads(text(shop, "1.0.0")), "title": "Other"})
        assert (other.status, other.code) == (422, 42205)
        assert "interlock new version orders.OrderPlaced" in other.body["message"]
        for path in (f"/subjects/{SUBJECT}", f"/subjects/{SUBJECT}/versions/1"):
            assert registry.ask("DELETE", path).code == 42205
        assert registry.get(f"/subjects/{SUBJECT}/versions").body == [1]


def test_a_stock_serializer_works_by_an_alias(shop: Shop) -> None:
    with served(shop) as registry:
        registry.ask("PUT", "/config/orders-value", {"alias": SUBJECT})
        client = SchemaRegistryClient({"url": registry.url})
        options = {"auto.register.schemas": False, "use.latest.version": True}
        serialize = JSONSerializer(text(shop, "1.0.0"), client, conf=options)
        context = SerializationContext("orders", MessageField.VALUE)
        order = json.loads(text(shop, "1.0.0"))["examples"][0]
        sent = serialize(order, context)
        assert JSONDeserializer(text(shop, "1.0.0"))(sent, context) == order
        with pytest.raises(Exception, match="7 is not of type"):
            serialize({**order, "customer_id": 7}, context)


def test_none_needs_a_recorded_waiver(shop: Shop) -> None:
    with served(shop) as registry:
        assert registry.get(f"/config/{SUBJECT}").body == {
            "compatibilityLevel": "BACKWARD",
            "compatibilityPolicy": "SETS",
        }
        refused = registry.ask("PUT", f"/config/{SUBJECT}", {"compatibility": "NONE"})
        assert refused.code == 42205
        assert "waiver of COMPATIBILITY_NONE" in refused.body["message"]
        assert registry.ask("PUT", "/config", {"compatibility": "NONE"}).status == 200
        assert registry.get(f"/config/{SUBJECT}?defaultToGlobal=true").body["compatibilityLevel"] == "BACKWARD"
        assert registry.ask("PUT", f"/config/{SUBJECT}", {"compatibility": "FULL"}).status == 200
    shop.version("1.0.0", lambda document: document["x-interlock"].update(compatibility="NONE"))
    assert "COMPATIBILITY_NONE" in shop.check()
    shop.append(
        "waivers.toml",
        f'[[waiver]]\nrule = "COMPATIBILITY_NONE"\nplace = "{ORDER}/1.0.0.json"\nreason = "A trial."\n'
        'owner = "team-orders"\nexpires = 2999-01-01\n',
    )
    with served(shop) as registry:
        assert registry.get(f"/config/{SUBJECT}").body["compatibilityLevel"] == "NONE"
        assert registry.ask("PUT", f"/config/{SUBJECT}", {"compatibility": "NONE"}).status == 200


def test_a_foreign_schema_is_taken_and_its_standing_told(shop: Shop) -> None:
    with served(shop) as registry:
        assert registry.register("phones", FOREIGN).status == 200
        standing = registry.get("/interlock/subjects/phones").body
        assert (standing["governed"], standing["bindable"], standing["classified"]) == (False, False, False)
        assert standing["versions"] == [{"version": 1, "id": 2, "unclassified": ["/properties/phone"]}]
        assert "x-classification" in standing["next_step"]
        own = registry.get(f"/interlock/subjects/{SUBJECT}").body
        assert (own["governed"], own["bindable"], own["classified"]) == (True, True, True)
        assert (own["contract"], own["estate"]) == (SUBJECT, "shop")
        assert own["versions"] == [{"version": 1, "id": 1, "contract_version": "1.0.0"}]
        assert registry.get("/interlock/subjects/nothing").code == 40401


@pytest.mark.parametrize(
    ("schema", "places"),
    [
        ({"type": "record", "name": "A", "fields": [{"name": "x", "type": "int"}]}, ["/fields/0"]),
        (
            {"type": "record", "name": "A", "fields": [{"name": "x", "type": "int", "x-classification": "public"}]},
            [],
        ),
        (
            {
                "type": "record",
                "name": "A",
                "fields": [
                    {
                        "name": "in",
                        "type": ["null", {"type": "record", "name": "B", "fields": [{"name": "y", "type": "int"}]}],
                    }
                ],
            },
            ["/fields/0/type/1/fields/0"],
        ),
        ({"type": "string"}, [""]),
        ({"type": "string", "x-classification": "public"}, []),
    ],
)
def test_avro_fields_are_classified_by_an_attribute(schema: object, places: list[str]) -> None:
    with Served() as registry:
        registry.register("a", schema, "AVRO")
        (version,) = registry.get("/interlock/subjects/a").body["versions"]
        assert version.get("unclassified", []) == places


def test_no_flow_binds_to_what_only_the_registry_has(shop: Shop) -> None:
    """The way in is the estate, where an unclassified field is an error."""
    flow = "\n\n@flow.on('phones.PhoneAdded')\nasync def phone(event, ctx):\n    pass\n"
    shop.append("flows/spending.py", flow)
    with Served() as registry:
        assert registry.register("phones.PhoneAdded", FOREIGN).status == 200
    found = shop.check()
    assert any("phones.PhoneAdded" in finding["detail"] for findings in found.values() for finding in findings)
    document = {**json.loads(text(shop, "1.0.0")), **FOREIGN, "required": ["phone"], "title": "PhoneAdded"}
    document["x-interlock"] = {"owner": "team-orders", "partition_key": "/phone"}
    document["examples"] = [{"phone": "1"}]
    shop.write("contracts/events/phones/phone_added/1.0.0.json", json.dumps(document))
    assert [one["pointer"] for one in shop.check()["FIELD_UNCLASSIFIED"]] == ["/properties/phone"]


def test_the_end_of_a_contract_stands_in_the_answers(shop: Shop) -> None:
    shop.version("2.0.0", lambda document: document["required"].remove("currency"))
    shop.write("deprecations.toml", plan())
    estate = load(shop.root)
    assert estate.plans
    with Served(estate=estate) as registry:
        for path in (f"/subjects/{SUBJECT}/versions/latest", f"/subjects/{SUBJECT}/versions"):
            headers = registry.get(path).headers
            assert headers["deprecation"].startswith("@")
            assert headers["sunset"].endswith("GMT")
        assert "sunset" not in registry.get(f"/subjects/{SUBJECT}.v2/versions/latest").headers
