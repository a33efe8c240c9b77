"""The SQL of contract results: a file of its own, since CI writes them where no engine runs. Format 1."""

from __future__ import annotations

FORMAT = 1

CREATE = f"""
CREATE TABLE IF NOT EXISTS contract_result(
    id INTEGER PRIMARY KEY, consumer TEXT NOT NULL, consumer_version TEXT NOT NULL, provider TEXT NOT NULL,
    provider_version TEXT NOT NULL, contract TEXT NOT NULL, how TEXT NOT NULL, verified INTEGER NOT NULL,
    reasons TEXT NOT NULL, at_us INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS contract_result_consumer ON contract_result(consumer, consumer_version);
CREATE INDEX IF NOT EXISTS contract_result_provider ON contract_result(provider, provider_version);
CREATE TABLE IF NOT EXISTS contract_deployment(
    id INTEGER PRIMARY KEY, participant TEXT NOT NULL, version TEXT NOT NULL, environment TEXT NOT NULL,
    at_us INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS contract_deployment_place ON contract_deployment(environment, participant);
PRAGMA user_version = {FORMAT};
"""
IS_ENGINES = "SELECT 1 FROM sqlite_schema WHERE name = 'meta'"
FOUND_FORMAT = "PRAGMA user_version"
RECORD = (
    "INSERT INTO contract_result(consumer, consumer_version, provider, provider_version, contract, how, verified, "
    "reasons, at_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
DEPLOY = "INSERT INTO contract_deployment(participant, version, environment, at_us) VALUES (?, ?, ?, ?)"
RESULTS = (
    "SELECT consumer, consumer_version, provider, provider_version, contract, how, verified, reasons, at_us "
    "FROM contract_result WHERE id IN (SELECT max(id) FROM contract_result WHERE consumer = ?1 OR provider = ?1 "
    "GROUP BY consumer, consumer_version, provider, provider_version, contract, how) ORDER BY id"
)
DEPLOYED = (
    "SELECT participant, version FROM contract_deployment WHERE id IN "
    "(SELECT max(id) FROM contract_deployment WHERE environment = ? GROUP BY participant)"
)
ENVIRONMENTS = "SELECT DISTINCT environment FROM contract_deployment ORDER BY environment"
