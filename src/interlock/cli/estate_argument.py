"""The estate as an argument, alike in all commands: by position or as `--estate`, and here when nothing is said."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

ABOUT = "folder of the estate (default: here)"


class _Given(argparse.Action):
    """argparse calls a positional that was left out with its default, also after the option has been read."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        if values is not self.default:
            setattr(namespace, self.dest, values)


def add_estate(parser: argparse.ArgumentParser, default: Path | None = Path(), about: str = ABOUT) -> None:
    """`arguments.estate`. As the last of the positional arguments."""
    parser.add_argument("estate", nargs="?", default=default, type=Path, help=about, action=_Given)
    parser.add_argument("--estate", default=argparse.SUPPRESS, type=Path, metavar="ESTATE", help="the same")
