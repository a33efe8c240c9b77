"""Every promise of a port with a suite has a check that names it, and every method is exercised."""

from __future__ import annotations

import inspect

import pytest

from interlock.ports.event_log import EventLog
from interlock.ports.log_index import LogIndex
from interlock.ports.membership import Membership
from interlock.ports.outbox import Outbox
from interlock.ports.record_reader import RecordReader
from interlock.ports.state_store import StateStore
from interlock.testing import (
    keeping_conformance,
    log_conformance,
    membership_conformance,
    outbox_conformance,
    record_conformance,
    samples,
    state_conformance,
)
from interlock.testing.conformance import methods, promised

SUITES = {
    EventLog: [*log_conformance.LOG_CHECKS],
    StateStore: [*state_conformance.STATE_CHECKS, *keeping_conformance.KEEPING_CHECKS],
    Membership: [*membership_conformance.MEMBERSHIP_CHECKS],
    RecordReader: [*record_conformance.RECORD_CHECKS],
    Outbox: [*outbox_conformance.OUTBOX_CHECKS],
    LogIndex: [*outbox_conformance.INDEX_CHECKS],
}
MODULES = (
    keeping_conformance,
    log_conformance,
    membership_conformance,
    outbox_conformance,
    record_conformance,
    samples,
    state_conformance,
)
PORTS = pytest.mark.parametrize("port", SUITES, ids=lambda port: port.__name__)


@PORTS
def test_every_promise_has_a_check(port):
    proven = {check.promise for check in SUITES[port]}
    assert set(promised(port)) - proven == set()
    assert proven - {*promised(port), *methods(port)} == set(), "a check proves what the port does not promise"


@PORTS
def test_every_method_is_exercised(port):
    text = "\n".join(inspect.getsource(module) for module in MODULES)
    assert [name for name in methods(port) if f".{name}" not in text] == []


def test_the_ports_promise_something():
    assert len(promised(EventLog)) >= 6
    assert len(promised(StateStore)) >= 8
    assert len(promised(Membership)) >= 4


def test_check_names_are_unique_and_belong_to_their_port():
    checks = [check for suite in SUITES.values() for check in suite]
    assert len({check.name for check in checks}) == len(checks)
    assert all(check.port == port.__name__ for port, suite in SUITES.items() for check in suite)
