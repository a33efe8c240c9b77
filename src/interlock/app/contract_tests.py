"""Contract tests composed: documents read, providers called, results kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from interlock.adapters.aiohttp_client import AiohttpClient
from interlock.adapters.sqlite.contract_results import SqliteContractResults
from interlock.adapters.system import SystemClock
from interlock.app.git_revision import RevisionUnreadable, commit_of
from interlock.contracts.api.description import ApiDescription
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.document_text import DocumentText, DocumentUnreadable
from interlock.contracts.pact.pact_file import PactFile, read_pact
from interlock.estate.contract_documents import ContractDocument, DocumentRefused, newest
from interlock.govern.deployability import Deployability, deployability
from interlock.govern.pact_verification import Contracts, RunningProvider, Verified, promised
from interlock.govern.provider_examples import Outcome, api_examples, replayed, schema_examples
from interlock.ports.contract_results import ContractResult, Deployment, Participant

RESULTS = Path(".interlock") / "contract-results.db"


class EnvironmentUnknown(Exception):
    """A misspelt environment is empty, and everything may go to an empty one."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"Nothing was ever deployed to {name}. Environments: {', '.join(known)}.")


@dataclass(frozen=True, slots=True)
class Running:
    """Where a provider runs, and what may be asked of it."""

    url: str
    states_url: str | None = None
    messages_url: str | None = None
    unsafe: bool = False


@dataclass(frozen=True, slots=True)
class PactOutcome:
    file: str
    pact: PactFile
    how: str
    interactions: Sequence[Verified]

    def failures(self, *, strict: bool, allow_unverified: bool) -> list[Verified]:
        return [
            one
            for one in self.interactions
            if not one.pending
            and ((not one.verified and not (one.unsupported and allow_unverified)) or (strict and one.doubts))
        ]


@dataclass(slots=True)
class Examples:
    """Outcomes by the file whose examples they are about."""

    outcomes: list[tuple[str, Outcome]] = field(default_factory=list)

    @property
    def failures(self) -> list[tuple[str, Outcome]]:
        return [(file, one) for file, one in self.outcomes if not one.verified]


def read_pact_file(path: Path) -> PactFile:
    """Raises DocumentRefused, OSError."""
    try:
        text = DocumentText(path.read_bytes())
    except DocumentUnreadable as error:
        raise DocumentRefused(str(path), error.line, error.detail) from None
    try:
        return read_pact(text.value)
    except ContractInvalid as error:
        raise DocumentRefused(str(path), text.line(error.pointer), error.detail) from None


async def verify_examples(documents: Sequence[ContractDocument], running: Running | None) -> Examples:
    """Of all contracts; the APIs also against a provider that runs. Raises DocumentRefused."""
    found = Examples()
    client = AiohttpClient()
    try:
        for one in documents:
            try:
                if one.kind != "api":
                    outcomes = schema_examples(one.value)
                else:
                    api = ApiDescription(one.value)
                    outcomes = api_examples(api)
                    if running is not None:
                        outcomes += await replayed(api, running.url, client, unsafe=running.unsafe)
            except ContractInvalid as error:
                raise one.refused(error.pointer, error.detail) from None
            found.outcomes += [(one.file, outcome) for outcome in outcomes]
    finally:
        await client.close()
    return found


async def verify_pacts(
    files: Sequence[Path], documents: Sequence[ContractDocument], running: Running | None
) -> list[PactOutcome]:
    """Against a running provider if there is one, else against its contracts. Raises DocumentRefused."""
    contracts = _contracts(documents)
    client = AiohttpClient()
    found = []
    try:
        for file in files:
            pact = read_pact_file(file)
            if running is None:
                found.append(PactOutcome(str(file), pact, "contract", promised(pact, contracts)))
                continue
            provider = RunningProvider(
                client, running.url, states_url=running.states_url, messages_url=running.messages_url
            )
            verified = await provider.verify(pact, contracts.apis)
            found.append(PactOutcome(str(file), pact, "running", verified))
    finally:
        await client.close()
    return found


async def record(
    data: Path, outcome: PactOutcome, consumer_version: str, provider_version: str, failures: Sequence[Verified]
) -> None:
    reasons = [f"{one.interaction}: {reason}" for one in failures for reason in (*one.reasons, *one.doubts)]
    result = ContractResult(
        Participant(outcome.pact.consumer, consumer_version),
        Participant(outcome.pact.provider, provider_version),
        Path(outcome.file).name,
        outcome.how,
        not failures,
        tuple(reasons),
        SystemClock().now_us(),
    )
    results = SqliteContractResults(data)
    try:
        await results.record(result)
    finally:
        await results.close()


async def record_deployed(data: Path, participants: Sequence[Participant], environment: str) -> None:
    results = SqliteContractResults(data)
    try:
        for one in participants:
            await results.deploy(Deployment(one, environment, SystemClock().now_us()))
    finally:
        await results.close()


async def can_deploy(
    data: Path, participants: Sequence[Participant], environment: str, *, may_be_new: bool = False
) -> list[Deployability]:
    """Raises EnvironmentUnknown for one in which nothing ever ran, while others are known, unless it may be new."""
    results = SqliteContractResults(data)
    try:
        known = await results.environments()
        if known and environment not in known and not may_be_new:
            raise EnvironmentUnknown(environment, known)
        return [await deployability(results, one, environment) for one in participants]
    finally:
        await results.close()


def results_file(estate: Path, given: Path | None) -> Path:
    return given if given is not None else (estate if estate.is_dir() else estate.parent) / RESULTS


def git_version(place: Path) -> str | None:
    """The commit that is checked out; None where there is no repository."""
    try:
        return commit_of(place if place.is_dir() else place.parent, "HEAD")[:12]
    except RevisionUnreadable:
        return None


def _contracts(documents: Sequence[ContractDocument]) -> Contracts:
    apis = []
    for one in newest(list(documents)):
        if one.kind == "api":
            try:
                apis.append(ApiDescription(one.value))
            except ContractInvalid as error:
                raise one.refused(error.pointer, error.detail) from None
    events = {one.name: one.value for one in documents if one.kind != "api"}
    return Contracts(apis, events)
