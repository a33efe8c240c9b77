"""ContractResults in a SQLite file. Several processes may write it, one after the other."""

from __future__ import annotations

import json
from pathlib import Path

import apsw

from interlock.adapters.sqlite import results_sql
from interlock.adapters.sqlite.file import connect, fetch, placing, scalar, translated
from interlock.model.problems import FormatUnsupported, SettingInvalid, StorageCorrupt
from interlock.ports.contract_results import ContractResult, Deployment, Participant


class SqliteContractResults:
    """Rows are added, never changed: what was once said stays to be asked for."""

    def __init__(self, path: str | Path) -> None:
        """Opens or makes the file. SettingInvalid for an engine's store: the engine is the only writer of that."""
        with placing(str(path)):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            connection = _connected(path)
        with translated():
            if scalar(connection, results_sql.IS_ENGINES):
                connection.close()
                raise SettingInvalid(
                    f"{path} is the store of an engine.", next_step="Give the results of contract tests their own file."
                )
            found = int(scalar(connection, results_sql.FOUND_FORMAT))
            if found > results_sql.FORMAT:
                connection.close()
                known = results_sql.FORMAT
                raise FormatUnsupported(f"{path} has results of format {found}; this release reads up to {known}.")
            with connection:
                connection.execute(results_sql.CREATE)
        self._connection = connection

    async def record(self, result: ContractResult) -> None:
        row = (*result.consumer, *result.provider, result.contract, result.how, int(result.verified))
        with translated():
            self._connection.execute(results_sql.RECORD, (*row, json.dumps(result.reasons), result.at_us))

    async def deploy(self, deployment: Deployment) -> None:
        row = (*deployment.participant, deployment.environment, deployment.at_us)
        with translated():
            self._connection.execute(results_sql.DEPLOY, row)

    async def results(self, participant: str) -> list[ContractResult]:
        with translated():
            rows = fetch(self._connection, results_sql.RESULTS, (participant,))
        return [
            ContractResult(
                Participant(consumer, consumer_version),
                Participant(provider, provider_version),
                contract,
                how,
                bool(verified),
                tuple(json.loads(reasons)),
                at_us,
            )
            for consumer, consumer_version, provider, provider_version, contract, how, verified, reasons, at_us in rows
        ]

    async def deployed(self, environment: str) -> dict[str, str]:
        with translated():
            return dict(fetch(self._connection, results_sql.DEPLOYED, (environment,)))

    async def environments(self) -> list[str]:
        with translated():
            return [name for (name,) in fetch(self._connection, results_sql.ENVIRONMENTS, ())]

    async def close(self) -> None:
        self._connection.close()


def _connected(path: str | Path) -> apsw.Connection:
    try:
        return connect(str(path), None, "FULL")
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise StorageCorrupt(
            f"{path} is damaged, or holds something else than results: {error}.",
            next_step="Move the file aside and verify again, or bring it back from a copy.",
        ) from error
