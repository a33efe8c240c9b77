"""One MariaDB server for the whole test run, started when the first test asks; without one, tests are skipped."""

from __future__ import annotations

from functools import cache

import pytest

from interlock.testing.mariadb_server import MariadbServer, binary
from interlock.testing.server_process import for_the_run

needed = pytest.mark.skipif(
    binary() is None,
    reason="no MariaDB here and none of Python's registries has it; on Debian, as root: make servers",
)


@cache
def server() -> MariadbServer:
    """Shared: a test that kills a server starts one of its own."""
    return for_the_run(MariadbServer())
