"""`interlock dev`: run the estate of this folder, for its author."""

from interlock.cli.up import configure, run

__all__ = ["configure", "run"]
