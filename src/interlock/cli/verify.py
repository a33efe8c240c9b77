"""`interlock verify`: contract tests. Exit 0 all hold, 1 some do not, 2 unreadable.

Without --pact, every example in the contracts is held to its schema; with --provider, requests made of the examples are
sent to a running provider too. With --pact, consumers' expectations are held to the contracts, or with --provider to
the provider itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from interlock.app.contract_tests import (
    PactOutcome,
    Running,
    git_version,
    record,
    results_file,
    verify_examples,
    verify_pacts,
)
from interlock.cli.finding_text import counted
from interlock.estate.contract_documents import ContractDocument, DocumentRefused, contract_documents


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("contract", nargs="?", default=".", type=Path, help="the provider's estate or contract file (default: here)")
    add("--pact", action="append", default=[], type=Path, metavar="FILE", help="a consumer's Pact file, version 2 to 4")
    add("--provider", metavar="URL", help="a running provider to verify")
    add("--provider-state-url", metavar="URL", help="where states are set up: POST {consumer, state, params, action}")
    add("--message-url", metavar="URL", help="where messages are asked for: POST {description, providerStates}")
    add("--unsafe", action="store_true", help="replay examples of POST, PUT, PATCH and DELETE too")
    add("--strict", action="store_true", help="fail also where the contract allows but does not promise")
    add("--allow-unverified", action="store_true", help="do not fail for what cannot be verified (plugins, XML)")
    add("--record", action="store_true", help="keep the results for: interlock can-i-deploy")
    add("--data", type=Path, metavar="FILE", help="file of the results (default: .interlock/contract-results.db)")
    add("--consumer-version", metavar="V", help="version of the consumer (default: what the Pact file says)")
    add("--provider-version", metavar="V", help="version of the provider (default: the git commit)")
    add("--json", action="store_true", help="print one JSON document")


def run(arguments: argparse.Namespace) -> int:
    running = None
    if arguments.provider:
        states, messages = arguments.provider_state_url, arguments.message_url
        running = Running(arguments.provider, states, messages, arguments.unsafe)
    try:
        documents = contract_documents(arguments.contract)
        if not arguments.pact:
            return _examples(arguments, documents, running)
        outcomes = asyncio.run(verify_pacts(arguments.pact, documents, running))
    except DocumentRefused as refused:
        print(f"{refused}\n   Correct the document at this line.", file=sys.stderr)
        return 2
    except FileNotFoundError as missing:
        print(f"{missing.filename}: there is no such file.\n   See what the path should be.", file=sys.stderr)
        return 2
    return _pacts(arguments, outcomes)


def _examples(arguments: argparse.Namespace, documents: list[ContractDocument], running: Running | None) -> int:
    found = asyncio.run(verify_examples(documents, running))
    failures = found.failures
    lines = {one.file: one.text for one in documents}
    if arguments.json:
        listed = [
            {"file": file, "place": one.place, "verified": one.verified, "reasons": one.reasons}
            for file, one in found.outcomes
        ]
        print(json.dumps({"verified": not failures, "examples": listed}, indent=2))
        return 1 if failures else 0
    for file, one in failures:
        line = lines[file].line(one.place) if one.place.startswith("/") else 1
        print(f"{file}:{line}  {one.place}")
        for reason in one.reasons:
            print(f"   {reason}")
    total = len(found.outcomes)
    print(f"{total - len(failures)} of {counted(total, 'example')} in {counted(len(documents), 'contract')} hold")
    return 1 if failures else 0


def _pacts(arguments: argparse.Namespace, outcomes: list[PactOutcome]) -> int:
    rules = {"strict": arguments.strict, "allow_unverified": arguments.allow_unverified}
    if arguments.record:
        said = _record(arguments, outcomes, rules)
        if said:
            print(said, file=sys.stderr)
            return 2
    failed = any(one.failures(**rules) for one in outcomes)
    if arguments.json:
        print(json.dumps({"verified": not failed, "pacts": [_document(one, rules) for one in outcomes]}, indent=2))
    else:
        for one in outcomes:
            _print(one, rules)
    return 1 if failed else 0


def _record(arguments: argparse.Namespace, outcomes: list[PactOutcome], rules: dict[str, bool]) -> str | None:
    provider = arguments.provider_version or git_version(arguments.contract)
    if provider is None:
        return "The provider's version is not known: this is no git repository.\n   Add --provider-version V."
    for one in outcomes:
        consumer = arguments.consumer_version or one.pact.consumer_version
        if not consumer:
            return f"{one.file} names no version of {one.pact.consumer}.\n   Add --consumer-version V."
        data = results_file(arguments.contract, arguments.data)
        asyncio.run(record(data, one, consumer, provider, one.failures(**rules)))
    return None


def _document(outcome: PactOutcome, rules: dict[str, bool]) -> dict[str, Any]:
    return {
        "file": outcome.file,
        "consumer": outcome.pact.consumer,
        "provider": outcome.pact.provider,
        "against": outcome.how,
        "verified": not outcome.failures(**rules),
        "interactions": [one._asdict() for one in outcome.interactions],
    }


def _print(outcome: PactOutcome, rules: dict[str, bool]) -> None:
    against = "its contract" if outcome.how == "contract" else "the running provider"
    print(f"{outcome.pact.consumer} → {outcome.pact.provider}, against {against}")
    pending = [one for one in outcome.interactions if one.pending and not one.verified]
    failures = [*outcome.failures(**rules), *pending]
    for one in outcome.interactions:
        note = " (pending: may fail)" if one in pending else ""
        print(f"  {'no ' if one in failures else 'yes'}  {one.interaction}{note}")
        for reason in one.reasons:
            print(f"         {reason}")
        for doubt in one.doubts:
            print(f"         not promised: {doubt}")
    total = len(outcome.interactions)
    print(f"  {total - len(failures)} of {counted(total, 'interaction')} hold")
