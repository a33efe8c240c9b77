"""EventLog on the Kafka protocol, through confluent-kafka (librdkafka).

`log` is the port; `outgoing` keeps the order of the appends over `stream` and `transactions`; `follower` hears what is
new, `fetcher` reads what is old; `wire` is the form of a record, `topic` what is checked at start.
"""

from interlock.adapters.kafka.log import KafkaLog

__all__ = ["KafkaLog"]
