"""Which part of an engine a process runs."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import Literal

RoleName = Literal["all", "edge", "worker"]
ROLES: tuple[RoleName, ...] = ("all", "edge", "worker")


@dataclass(frozen=True, slots=True)
class Role:
    """edge: requests and their handlers. worker: flows, schedules and calls. all: both.

    member       what people see of it among several; empty: host and process id
    health_port  where a worker answers /health/live, /health/ready and /metrics; 0: nowhere
    """

    name: RoleName = "all"
    member: str = ""
    health_port: int = 0

    @property
    def serves(self) -> bool:
        return self.name != "worker"

    @property
    def runs_flows(self) -> bool:
        return self.name != "edge"

    @property
    def full_name(self) -> str:
        return f"{socket.gethostname()}/{self.member or os.getpid()}"


EVERYTHING = Role()
