"""What `interlock doctor` looks at on Kafka brokers and the topic of a log, as data."""

from __future__ import annotations

from interlock.model.diagnosis import CLEAR_ERROR, DURABLE, NO_PAYLOAD, NOTHING_DROPPED, ORDER, Check

REACHED = Check(
    "KAFKA_REACHED", "whether one of the brokers takes our connection", CLEAR_ERROR,
    "See whether the brokers run, and whether the variable that kafka.brokers names has their addresses.",
)  # fmt: skip
TLS = Check(
    "KAFKA_TLS", "whether the connection is encrypted where it leaves the machine", NO_PAYLOAD,
    "Write ssl:// or sasl_ssl:// before the brokers in the variable that kafka.brokers names.",
)  # fmt: skip
TOPIC = Check("KAFKA_TOPIC", "whether the topic is there", CLEAR_ERROR, "Make it: kafka-topics.sh --create --topic …")
PARTITIONS = Check(
    "KAFKA_PARTITIONS", "the partitions of the topic against stores.partitions", ORDER,
    "Set stores.partitions to what the topic was made with, or name another kafka.topic.",
)  # fmt: skip
REPLICAS = Check(
    "KAFKA_REPLICAS", "how many brokers keep each event, against `kafka.replicas`", DURABLE,
    "Give the topic three replicas: kafka-reassign-partitions.sh",
)  # fmt: skip
ACKS = Check(
    "KAFKA_MIN_INSYNC", "`min.insync.replicas`, beside our own acks=all", DURABLE,
    "Set min.insync.replicas=2 on the topic: kafka-configs.sh --alter",
)  # fmt: skip
UNCLEAN = Check(
    "KAFKA_UNCLEAN", "`unclean.leader.election.enable`", DURABLE,
    "Set unclean.leader.election.enable=false on the topic: kafka-configs.sh --alter",
)  # fmt: skip
IN_SYNC = Check(
    "KAFKA_IN_SYNC", "which partitions have a leader, and which replicas are in sync", DURABLE,
    "See which broker is away: kafka-topics.sh --describe --under-replicated-partitions",
)  # fmt: skip
KEPT = Check(
    "KAFKA_KEPT", "retention and cleanup.policy, against what is not read yet", NOTHING_DROPPED,
    "Set retention.ms=-1 and retention.bytes=-1 on the topic, or longer than any flow may ever be away.",
)  # fmt: skip
CHECKS = (REACHED, TLS, TOPIC, PARTITIONS, REPLICAS, ACKS, UNCLEAN, IN_SYNC, KEPT)
