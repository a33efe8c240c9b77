"""What the driver says went wrong, in the words of this product."""

from __future__ import annotations

from confluent_kafka import KafkaError, KafkaException

from interlock.model.problems import BodyTooLarge, Problem, SettingInvalid, StorageUnavailable

RETRY_AFTER_SECONDS = 1
CREDENTIALS = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
        KafkaError.ILLEGAL_SASL_STATE,
    }
)
REFUSALS = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
    }
)


class Told:
    """What the driver's threads reported since the start: why a request that merely timed out could not be served."""

    def __init__(self) -> None:
        self._codes: set[int] = set()

    def __call__(self, error: KafkaError) -> None:
        """As `error_cb` of a client."""
        self._codes.add(error.code())

    def raise_refusal(self, servers: str) -> None:
        """SettingInvalid when trying again cannot help."""
        if self._codes & CREDENTIALS:
            raise SettingInvalid(
                f"The Kafka brokers at {servers} refuse the credentials.",
                next_step="Correct user, password and sasl.mechanism in the variable that kafka.brokers names.",
            )
        if KafkaError._SSL in self._codes:
            raise SettingInvalid(
                f"TLS with the Kafka brokers at {servers} fails.",
                next_step="Check the protocol, the port and ssl.ca.location in the variable that kafka.brokers names.",
            )


def error_of(raised: KafkaException) -> KafkaError:
    """A KafkaException carries its error as the first argument."""
    found = raised.args[0]
    assert isinstance(found, KafkaError)
    return found


def problem_of(error: KafkaError, topic: str) -> Problem:
    """The driver's texts name hosts, never credentials."""
    code = error.code()
    if code in (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE):
        return BodyTooLarge(
            f"The event is larger than the Kafka topic {topic} takes.",
            next_step="Send less, or raise max.message.bytes of the topic.",
        )
    if code in REFUSALS:
        return SettingInvalid(
            f"The Kafka brokers do not allow this on the topic {topic}: {error.name()}.",
            next_step="Grant the user of kafka.brokers the rights that docs/guides/kafka.md lists.",
        )
    return away(topic, error.name())


def away(topic: str, why: str) -> StorageUnavailable:
    return StorageUnavailable(
        f"The Kafka topic {topic} did not answer as it should: {why}.", retry_after_seconds=RETRY_AFTER_SECONDS
    )
