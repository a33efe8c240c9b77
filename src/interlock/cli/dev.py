"""`interlock dev`: run the estate of this folder, for its author: only warnings and errors are logged."""

from __future__ import annotations

import argparse
import logging

from interlock.cli import up
from interlock.cli.up import configure

__all__ = ["configure", "run"]


def run(arguments: argparse.Namespace) -> int:
    return up.run(arguments, logging.WARNING)
