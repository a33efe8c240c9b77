"""The deprecation plans that readers were given: those of the last commit, or of the revision to land on."""

from __future__ import annotations

from pathlib import Path

from interlock.app.git_revision import RevisionUnreadable, commit_of, common_ancestor, read_file
from interlock.contracts.deprecation import parse
from interlock.estate.deprecation_file import DEPRECATIONS, Promised


def promised_plans(estate: Path, base: str | None = None) -> Promised:
    """Without a base, an estate that is in no repository, or was never committed, has promised nothing.

    Raises RevisionUnreadable for a base that cannot be read.
    """
    try:
        commit = commit_of(estate, "HEAD") if base is None else common_ancestor(estate, base, "HEAD")
        text = read_file(estate, commit, DEPRECATIONS)
    except RevisionUnreadable:
        if base is None:
            return {}
        raise
    plans, _ = parse(text.decode(errors="replace"))
    return {(plan.contract, plan.major): plan for plan in plans}
