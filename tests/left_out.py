"""Which tests `make check` leaves to `make test`: one table, and not a mark in each file, to be read in one place."""

from __future__ import annotations

# Folders and files. They start servers or commands.
SERVERS = (
    "app",
    "avro_schemas/test_command.py",
    "bench",
    "commerce/test_books_agree.py",
    "conformance/test_kafka_log.py",
    "contract_tests",
    "determinism",
    "docs/test_followed_guides.py",
    "doctor",
    "estate_loading/test_commands.py",
    "gate/test_ci_files.py",
    "gate/test_gate.py",
    "gate/test_notice.py",
    "generated/test_clients.py",
    "generated/test_odd_contracts.py",
    "jetstream_log",
    "kafka_log",
    "main_job",
    "migrate",
    "mock/test_mock_server.py",
    "observability/test_log.py",
    "operate/test_command_line.py",
    "postgres_store",
    "registry",
    "simulation/test_determinism.py",
    "split_log/test_at_rest.py",
    "split_log/test_members_apart.py",
    "user_tables",
    "versions/test_deprecation_headers.py",
    "workers",
)
# They search for counterexamples at length, or wait for real time to pass.
PATIENT = (
    "avro_schemas/test_soundness.py",
    "commerce/test_mapping_rules.py",
    "conformance/test_next_file.py",
    "delivery/test_bounded_memory.py",
    "delivery/test_stalled_target.py",
    "edge/test_http_protocol.py",
    "edge/test_http_stream.py",
    "estate_loading/test_hostile_estates.py",
    "flows/test_crew.py",
    "flows/test_fan_out.py",
    "json_schema/test_bounds.py",
    "json_schema/test_corpus.py",
    "json_schema/test_soundness.py",
    "lint/test_bad_input.py",
    "lint/test_spectral_vectors.py",
    "mock/test_api_mock.py",
    "openapi_diff/test_bad_input.py",
    "openapi_diff/test_large_documents.py",
    "openapi_diff/test_soundness.py",
    "simulation/test_planted_bugs.py",
    "simulation/test_simulated_estates.py",
    "templates",
    "versions/test_version_checks.py",
)

# Of two processes that run all tests, one should not be left alone with a test of half a minute: these come first.
LONG = ("faults", "main_job", "migrate", "workers", "docs", "flows/test_fan_out.py", "jetstream_log", "kafka_log")


def among(place: str, rows: tuple[str, ...]) -> bool:
    return any(place == row or place.startswith(f"{row}/") for row in rows)
