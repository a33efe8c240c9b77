"""ContractResults for tests: gone with the process."""

from __future__ import annotations

from interlock.ports.contract_results import ContractResult, Deployment


class MemoryContractResults:
    def __init__(self) -> None:
        self._results: dict[tuple[str, str, str, str], ContractResult] = {}
        self._deployed: dict[tuple[str, str], str] = {}

    async def record(self, result: ContractResult) -> None:
        pair = (*result.consumer, *result.provider)
        self._results.pop(pair, None)
        self._results[pair] = result

    async def deploy(self, deployment: Deployment) -> None:
        self._deployed[deployment.environment, deployment.participant.name] = deployment.participant.version

    async def results(self, participant: str) -> list[ContractResult]:
        return [one for one in self._results.values() if participant in (one.consumer.name, one.provider.name)]

    async def deployed(self, environment: str) -> dict[str, str]:
        return {name: version for (where, name), version in self._deployed.items() if where == environment}

    async def close(self) -> None:
        """Nothing is open."""
