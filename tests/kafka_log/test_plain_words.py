"""What the driver reports is told in words: never by the name of its code alone."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from interlock.adapters.kafka.trouble import WORDS, in_words, problem_of


@pytest.mark.parametrize("code", WORDS)
def test_a_code_is_told_in_words(code: int) -> None:
    told = str(problem_of(KafkaError(code), "orders"))
    assert KafkaError(code).name() not in told
    assert "The Kafka topic orders did not answer as it should: " in told
    assert "interlock doctor" in told


def test_a_code_without_words_is_told_so_that_it_can_be_looked_up() -> None:
    assert in_words(KafkaError(KafkaError.INVALID_REQUIRED_ACKS)).startswith("INVALID_REQUIRED_ACKS, ")
