"""ContractResults for tests: gone with the process."""

from __future__ import annotations

from interlock.ports.contract_results import ContractResult, Deployment


class MemoryContractResults:
    def __init__(self) -> None:
        self._results: dict[tuple[str, ...], ContractResult] = {}
        self._deployed: dict[tuple[str, str], str] = {}

    async def record(self, result: ContractResult) -> None:
        question = (*result.consumer, *result.provider, result.contract, result.how)
        self._results.pop(question, None)
        self._results[question] = result

    async def deploy(self, deployment: Deployment) -> None:
        self._deployed[deployment.environment, deployment.participant.name] = deployment.participant.version

    async def results(self, participant: str) -> list[ContractResult]:
        return [one for one in self._results.values() if participant in (one.consumer.name, one.provider.name)]

    async def deployed(self, environment: str) -> dict[str, str]:
        return {name: version for (where, name), version in self._deployed.items() if where == environment}

    async def environments(self) -> list[str]:
        return sorted({environment for environment, _ in self._deployed})

    async def close(self) -> None:
        """Nothing is open."""
