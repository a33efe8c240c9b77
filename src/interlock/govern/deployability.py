"""Whether a version may go to an environment: every pair that would meet there must be verified.

The semantics are those that users of a Pact Broker know: as a consumer, each provider that a version has a pact with
must run there, in a version that was verified with it; as a provider, each consumer that runs there must be verified
with it. Who has no pact with whom does not meet.
"""

from __future__ import annotations

from dataclasses import dataclass

from interlock.ports.contract_results import ContractResult, ContractResults, Participant


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """One pair that would meet, and why it may or may not."""

    consumer: Participant
    provider: Participant
    deployable: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deployability:
    participant: Participant
    environment: str
    pairs: tuple[PairVerdict, ...]
    reasons: tuple[str, ...] = ()

    @property
    def deployable(self) -> bool:
        return not self.reasons and all(pair.deployable for pair in self.pairs)


async def deployability(results: ContractResults, participant: Participant, environment: str) -> Deployability:
    """The verdict with every reason. A version that nobody ever verified is not deployable."""
    known = await results.results(participant.name)
    running = await results.deployed(environment)
    own = [one for one in known if participant in (one.consumer, one.provider)]
    if not own:
        versions = sorted({version for one in known for name, version in one[:2] if name == participant.name})
        seen = f"verified versions: {', '.join(versions)}" if versions else "no version of it was ever verified"
        return Deployability(participant, environment, (), (f"{_said(participant)} was never verified; {seen}.",))
    pairs = _as_consumer(participant, known, running)
    for name in dict.fromkeys(one.consumer.name for one in known if one.provider.name == participant.name):
        if name in running and await _may_meet(results, Participant(name, running[name]), participant.name):
            pairs.append(_verdict(participant, name, running[name], known, is_consumer=False))
    return Deployability(participant, environment, tuple(pairs))


def _as_consumer(participant: Participant, known: list[ContractResult], running: dict[str, str]) -> list[PairVerdict]:
    providers = dict.fromkeys(one.provider.name for one in known if one.consumer == participant)
    return [_verdict(participant, name, running.get(name), known, is_consumer=True) for name in providers]


async def _may_meet(results: ContractResults, consumer: Participant, provider: str) -> bool:
    """A version that was verified with others alone has no pact with this provider any more; of one that was never
    verified with anybody, that cannot be known."""
    own = [one for one in await results.results(consumer.name) if one.consumer == consumer]
    return not own or any(one.provider.name == provider for one in own)


def _verdict(
    participant: Participant, other: str, version: str | None, known: list[ContractResult], *, is_consumer: bool
) -> PairVerdict:
    partner = Participant(other, version or "")
    consumer, provider = (participant, partner) if is_consumer else (partner, participant)
    if version is None:
        return PairVerdict(consumer, provider, False, (f"{other} is not deployed there.",))
    found = [one for one in known if (one.consumer, one.provider) == (consumer, provider)]
    if not found:
        return PairVerdict(consumer, provider, False, ("This pair of versions was never verified.",))
    failed = [one for one in found if not one.verified]
    reasons = [f"{one.contract}: {reason}" for one in failed for reason in one.reasons or ("It failed.",)]
    return PairVerdict(consumer, provider, not failed, tuple(reasons))


def _said(participant: Participant) -> str:
    return f"{participant.name} {participant.version}"
