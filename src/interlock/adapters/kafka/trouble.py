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

WORDS = {
    KafkaError._TRANSPORT: "the connection to a broker cannot be made, or broke off",
    KafkaError._ALL_BROKERS_DOWN: "none of the brokers can be reached",
    KafkaError._RESOLVE: "the name of a broker is not known here",
    KafkaError._TIMED_OUT: "nothing came in time",
    KafkaError._MSG_TIMED_OUT: "no broker acknowledged in time",
    KafkaError._SSL: "TLS with a broker fails",
    KafkaError._AUTHENTICATION: "the brokers refuse the credentials",
    KafkaError._UNKNOWN_TOPIC: "the brokers do not know it",
    KafkaError.UNKNOWN_TOPIC_OR_PART: "the brokers do not know it",
    KafkaError.LEADER_NOT_AVAILABLE: "it has no leader at the moment",
    KafkaError.NOT_LEADER_FOR_PARTITION: "its leader has just changed",
    KafkaError.NOT_ENOUGH_REPLICAS: "too few of its replicas are in sync",
    KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND: "too few of its replicas are in sync",
    KafkaError.REQUEST_TIMED_OUT: "its replicas did not acknowledge in time",
}


def in_words(error: KafkaError) -> str:
    """What a code means; where there is no word for it, its name in the protocol, which can be looked up."""
    return WORDS.get(error.code(), f"{error.name()}, {error.str()}")


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
    return away(topic, in_words(error))


def away(topic: str, why: str) -> StorageUnavailable:
    return StorageUnavailable(
        f"The Kafka topic {topic} did not answer as it should: {why}.",
        next_step="Try again; if it lasts, look at the brokers of kafka.brokers: interlock doctor",
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )
