"""The promises of `ports.contract_results.ContractResults`, one check each, for any back end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from interlock.ports.contract_results import ContractResult, ContractResults, Deployment, Participant

Opened = Callable[[], ContractResults]
Check = Callable[[Opened], Awaitable[None]]


def result(
    consumer: str,
    provider: str,
    verified: bool = True,
    at_us: int = 1,
    contract: str = "pact.json",
    how: str = "contract",
) -> ContractResult:
    """`name@version` for both; the reasons say why not."""
    first, second = (Participant(*text.split("@")) for text in (consumer, provider))
    return ContractResult(first, second, contract, how, verified, () if verified else ("no", "£"), at_us)


async def the_latest_result_of_each_question_is_told(opened: Opened) -> None:
    results = opened()
    for one in (result("a@1", "b@1"), result("a@2", "b@1"), result("a@1", "b@1", verified=False, at_us=3)):
        await results.record(one)
    await results.record(result("c@1", "d@1"))
    found = await results.results("b")
    assert [(one.consumer.version, one.verified) for one in found] == [("2", True), ("1", False)]
    assert found[1] == result("a@1", "b@1", verified=False, at_us=3)
    assert await results.results("a") == found
    assert await results.results("nobody") == []
    for one in (
        result("e@1", "f@1", verified=False),
        result("e@1", "f@1", contract="b"),
        result("e@1", "f@1", how="running"),
    ):
        await results.record(one)
    assert [one.verified for one in await results.results("f")] == [False, True, True]
    await results.close()


async def the_latest_deployment_is_told(opened: Opened) -> None:
    results = opened()
    for version, environment in (("1", "prod"), ("2", "prod"), ("3", "test"), ("1", "prod")):
        await results.deploy(Deployment(Participant("a", version), environment, 1))
    assert await results.deployed("prod") == {"a": "1"}
    assert await results.deployed("test") == {"a": "3"}
    assert await results.deployed("none") == {}
    assert await results.environments() == ["prod", "test"]
    await results.close()


async def what_was_recorded_survives_a_reopening(opened: Opened) -> None:
    """For back ends that keep: `opened` gives the same store again."""
    first = opened()
    await first.record(result("a@1", "b@1"))
    await first.deploy(Deployment(Participant("a", "1"), "prod", 1))
    await first.close()
    second = opened()
    assert len(await second.results("a")) == 1
    assert await second.deployed("prod") == {"a": "1"}
    await second.close()


RESULT_CHECKS: tuple[Check, ...] = (the_latest_result_of_each_question_is_told, the_latest_deployment_is_told)
DURABLE_RESULT_CHECKS: tuple[Check, ...] = (*RESULT_CHECKS, what_was_recorded_survives_a_reopening)
