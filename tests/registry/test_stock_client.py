"""Confluent's own client and serializers, unchanged, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from confluent_kafka.schema_registry import (
    ConfigCompatibilityLevel,
    Schema,
    SchemaReference,
    SchemaRegistryClient,
    ServerConfig,
)
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from tests.registry.served import Served

ORDER = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Order",
    "type": "object",
    "properties": {"id": {"type": "string"}, "total": {"type": "number"}},
    "required": ["id"],
    "additionalProperties": False,
}
PAYMENT = {
    "type": "record",
    "name": "Payment",
    "namespace": "shop",
    "fields": [{"name": "id", "type": "string"}, {"name": "amount", "type": "long", "default": 0}],
}
VALUE = SerializationContext("orders", MessageField.VALUE)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[SchemaRegistryClient]:
    """Below a path, as an engine serves it."""
    with Served(tmp_path / "store.db", prefix="/registry") as served:
        yield SchemaRegistryClient({"url": served.url})


def refused(error: pytest.ExceptionInfo[SchemaRegistryError]) -> tuple[int, int]:
    return error.value.http_status_code, error.value.error_code


def test_json_serializer_registers_and_deserializer_reads(client: SchemaRegistryClient) -> None:
    serialize = JSONSerializer(json.dumps(ORDER), client)
    sent = serialize({"id": "A", "total": 7}, VALUE)
    assert client.get_subjects() == ["orders-value"]
    assert int.from_bytes(sent[1:5], "big") == client.get_latest_version("orders-value").schema_id
    assert JSONDeserializer(json.dumps(ORDER))(sent, VALUE) == {"id": "A", "total": 7}
    assert JSONDeserializer(None, schema_registry_client=client)(sent, VALUE) == {"id": "A", "total": 7}


def test_avro_serializer_registers_and_deserializer_reads(client: SchemaRegistryClient) -> None:
    serialize = AvroSerializer(client, json.dumps(PAYMENT))
    sent = serialize({"id": "A", "amount": 7}, VALUE)
    later = {**PAYMENT, "fields": [*PAYMENT["fields"], {"name": "note", "type": "string", "default": "none"}]}
    assert AvroDeserializer(client)(sent, VALUE) == {"id": "A", "amount": 7}
    assert AvroDeserializer(client, json.dumps(later))(sent, VALUE) == {"id": "A", "amount": 7, "note": "none"}


def test_use_latest_version_without_registering(client: SchemaRegistryClient) -> None:
    options = {"auto.register.schemas": False, "use.latest.version": True}
    client.register_schema("orders-value", Schema(json.dumps(ORDER), "JSON"))
    serialize = JSONSerializer(json.dumps(ORDER), client, conf=options)
    assert JSONDeserializer(json.dumps(ORDER))(serialize({"id": "A"}, VALUE), VALUE) == {"id": "A"}
    assert client.get_versions("orders-value") == [1]


def test_lookup_without_registering(client: SchemaRegistryClient) -> None:
    options = {"auto.register.schemas": False}
    with pytest.raises(SchemaRegistryError) as error:
        AvroSerializer(client, json.dumps(PAYMENT), conf=options)({"id": "A", "amount": 1}, VALUE)
    assert refused(error) == (404, 40401)
    client.register_schema("orders-value", Schema(json.dumps(PAYMENT), "AVRO"))
    assert AvroSerializer(client, json.dumps(PAYMENT), conf=options)({"id": "A", "amount": 1}, VALUE)


def test_normalized_registration_knows_the_schema_in_another_order(client: SchemaRegistryClient) -> None:
    turned = json.dumps(dict(reversed(ORDER.items())))
    first = client.register_schema("a", Schema(json.dumps(ORDER), "JSON"), normalize_schemas=True)
    assert client.register_schema("a", Schema(turned, "JSON"), normalize_schemas=True) == first
    assert client.lookup_schema("a", Schema(turned, "JSON"), normalize_schemas=True).version == 1
    with pytest.raises(SchemaRegistryError) as error:
        SchemaRegistryClient(client.config()).lookup_schema("a", Schema(turned, "JSON"))  # nothing cached
    assert refused(error) == (404, 40403)


def test_json_references(client: SchemaRegistryClient) -> None:
    customer = {
        "$id": "http://shop.example/customer.json",
        "type": "object",
        "properties": {"name": {"type": "string"}},
    }
    client.register_schema("customer", Schema(json.dumps(customer), "JSON"))
    order = {**ORDER, "properties": {**ORDER["properties"], "by": {"$ref": "http://shop.example/customer.json"}}}
    reference = SchemaReference("http://shop.example/customer.json", "customer", 1)
    schema = Schema(json.dumps(order), "JSON", [reference])
    serialize = JSONSerializer(schema, client)
    sent = serialize({"id": "A", "by": {"name": "Ann"}}, VALUE)
    read = JSONDeserializer(schema, schema_registry_client=client)
    assert read(sent, VALUE) == {"id": "A", "by": {"name": "Ann"}}
    with pytest.raises(Exception, match="7 is not of type"):
        serialize({"id": "A", "by": {"name": 7}}, VALUE)
    stored = client.get_schema(client.get_latest_version("orders-value").schema_id)
    assert stored.references == [reference]
    assert client.get_referenced_by("customer", 1) == [client.get_latest_version("orders-value").schema_id]
    with pytest.raises(SchemaRegistryError) as error:
        client.delete_version("customer", 1)
    assert refused(error) == (422, 42206)


def test_avro_references(client: SchemaRegistryClient) -> None:
    client.register_schema("payment", Schema(json.dumps(PAYMENT), "AVRO"))
    order = {"type": "record", "name": "Order", "fields": [{"name": "paid", "type": "shop.Payment"}]}
    schema = Schema(json.dumps(order), "AVRO", [SchemaReference("shop.Payment", "payment", 1)])
    sent = AvroSerializer(client, schema)({"paid": {"id": "A", "amount": 1}}, VALUE)
    assert AvroDeserializer(client)(sent, VALUE) == {"paid": {"id": "A", "amount": 1}}
    with pytest.raises(SchemaRegistryError) as error:
        client.register_schema("lost", Schema(json.dumps(order), "AVRO"))
    assert refused(error) == (422, 42201)


def test_compatibility_is_tested_and_held(client: SchemaRegistryClient) -> None:
    client.register_schema("orders-value", Schema(json.dumps(ORDER), "JSON"))
    looser = Schema(json.dumps({**ORDER, "properties": {**ORDER["properties"], "note": {"type": "string"}}}), "JSON")
    tighter = Schema(json.dumps({**ORDER, "required": ["id", "total"]}), "JSON")
    assert client.test_compatibility("orders-value", looser)
    assert client.test_compatibility("orders-value", looser, version=1)
    assert not client.test_compatibility("orders-value", tighter)
    with pytest.raises(SchemaRegistryError) as error:
        client.register_schema("orders-value", tighter)
    assert refused(error) == (409, 409)
    assert "total" in error.value.error_message
    assert "oldSchemaVersion: 1" in error.value.error_message
    client.set_compatibility("orders-value", "NONE")
    assert client.get_compatibility("orders-value") == "NONE"
    assert client.register_schema("orders-value", tighter) == 2


def test_config_and_mode(client: SchemaRegistryClient) -> None:
    assert client.get_config().compatibility_level == "BACKWARD"
    client.set_config("a", ServerConfig(compatibility=ConfigCompatibilityLevel.FORWARD, compatibility_group="major"))
    found = client.get_config("a")
    assert (found.compatibility_level, found.compatibility_group) == ("FORWARD", "major")
    client.delete_config("a")
    with pytest.raises(SchemaRegistryError) as error:
        client.get_config("a")
    assert refused(error) == (404, 40408)
    assert client.get_global_mode() == "READWRITE"
    client.update_mode("a", "READONLY")
    with pytest.raises(SchemaRegistryError) as error:
        client.register_schema("a", Schema(json.dumps(ORDER), "JSON"))
    assert refused(error) == (422, 42205)


def test_delete_softly_and_for_good(client: SchemaRegistryClient) -> None:
    first = client.register_schema("a", Schema(json.dumps(ORDER), "JSON"))
    with pytest.raises(SchemaRegistryError) as error:
        client.delete_version("a", 1, permanent=True)
    assert client.delete_subject("a") == [1]
    assert client.get_subjects() == []
    assert client.get_schema(first).schema_str == json.dumps(ORDER)
    again = SchemaRegistryClient(client.config())
    assert again.delete_subject("a", permanent=True) in ([1], [[1]])
    with pytest.raises(SchemaRegistryError) as error:
        again.get_schema(first)
    assert refused(error) == (404, 40403)


def test_one_schema_at_once_gives_one_id(client: SchemaRegistryClient) -> None:
    clients = [SchemaRegistryClient(client.config()) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        made = [
            threads.submit(clients[number % 8].register_schema, f"s{number % 4}", Schema(json.dumps(ORDER), "JSON"))
            for number in range(40)
        ]
    assert {one.result() for one in made} == {1}
    assert [client.get_versions(f"s{number}") for number in range(4)] == [[1]] * 4
