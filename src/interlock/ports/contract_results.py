"""Port: what was verified with what, and what runs where."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Participant(NamedTuple):
    """A consumer or provider in one version; a version is whatever the team deploys by, mostly a git revision."""

    name: str
    version: str


class ContractResult(NamedTuple):
    """One verification of one pair.

    contract   the file that states the expectations
    how        `contract`: against the provider's contract; `running`: against a running provider
    """

    consumer: Participant
    provider: Participant
    contract: str
    how: str
    verified: bool
    reasons: tuple[str, ...]
    at_us: int


class Deployment(NamedTuple):
    participant: Participant
    environment: str
    at_us: int


class ContractResults(Protocol):
    """The memory of contract tests.

    Promises:
    - durable: what was recorded is there after a reopening, where the back end keeps anything at all
    - latest wins: of one pair of versions, one contract file and one way of verifying it, the result recorded last is
      the one that is told
    - one version runs: of one participant in one environment, the deployment recorded last is the one that is told

    Not promised: that a version exists, or that a deployment took place. Callers say so, and it is written down.
    """

    async def record(self, result: ContractResult) -> None: ...

    async def deploy(self, deployment: Deployment) -> None: ...

    async def results(self, participant: str) -> list[ContractResult]:
        """The latest of each pair of versions, contract file and way in which the participant has a part, oldest first.

        A pair may have several files, and a good result of one says nothing about another.
        """
        ...

    async def deployed(self, environment: str) -> dict[str, str]:
        """What runs there: version by participant."""
        ...

    async def environments(self) -> list[str]:
        """Those in which anything was ever deployed, by name."""
        ...

    async def close(self) -> None: ...
