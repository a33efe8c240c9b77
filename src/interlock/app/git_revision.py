"""The files of an estate as a git revision has them, read with git's plumbing commands, without a checkout."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_SECONDS = 120
_REGULAR = frozenset({"100644", "100755"})
_QUIET = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}


class RevisionUnreadable(Exception):
    """No git, no repository or no such revision. `step` is what to do about it."""

    def __init__(self, detail: str, step: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.step = step


class Revision(NamedTuple):
    """`files` by path relative to the estate; empty when the revision has no estate there."""

    commit: str
    files: dict[str, bytes]


def read_revision(estate: Path, name: str) -> Revision:
    """Every regular file of the estate's folder at that revision. Raises RevisionUnreadable."""
    commit = commit_of(estate, name)
    return Revision(commit, dict(_contents(estate, _entries(estate, commit))))


def read_file(estate: Path, commit: str, path: str) -> bytes:
    """One file of the estate's folder; nothing where that commit has none there."""
    _, listed = _git(estate, "ls-tree", "-z", commit, "--", path)
    if not listed:
        return b""
    return _git(estate, "cat-file", "blob", listed.split(b"\t")[0].split(b" ")[2].decode())[1]


def common_ancestor(estate: Path, base: str, head: str) -> str:
    """Where the branch left its base: what others have landed there since is none of the branch's changes."""
    ours, theirs = commit_of(estate, head), commit_of(estate, base)
    code, out = _git(estate, "merge-base", theirs, ours, may_fail=True)
    if code != 0 or not out.strip():
        raise RevisionUnreadable(
            f"{base} and {head} have no common ancestor here.",
            "In CI, clone the whole history (fetch-depth: 0, or GIT_DEPTH: 0).",
        )
    return out.decode().split()[0]


def commit_of(estate: Path, name: str) -> str:
    """The commit's full id. A name cannot be taken for an option of git."""
    if not name or name.startswith("-") or not name.isprintable():
        raise RevisionUnreadable(f"{name!r} is no name of a revision.", "Give a branch, a tag or a commit.")
    _git(estate, "rev-parse", "--show-prefix")  # says that there is no repository, before a name is doubted
    code, out = _git(
        estate, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", may_fail=True
    )
    if code != 0:
        raise RevisionUnreadable(
            f"git knows no revision {name} here.",
            "Give a branch, a tag or a commit that this clone has; fetch it first: git fetch origin BRANCH",
        )
    return out.decode().strip()


def _entries(estate: Path, commit: str) -> Iterator[tuple[str, str]]:
    """(object id, path); the paths are relative to the folder in which git is run."""
    _, out = _git(estate, "ls-tree", "-r", "-z", commit, "--", ".")
    for entry in out.split(b"\0"):
        if entry:
            head, _, path = entry.partition(b"\t")
            mode, _, object_id = head.decode().split(" ")
            if mode in _REGULAR:  # no symbolic links, no submodules: the estate's reader takes none either
                yield object_id, path.decode(errors="surrogateescape")


def _contents(estate: Path, entries: Iterator[tuple[str, str]]) -> Iterator[tuple[str, bytes]]:
    """One process for all: `<id> blob <size>`, a line break, the bytes, a line break."""
    wanted = list(entries)
    _, out = _git(estate, "cat-file", "--batch", given="".join(f"{one}\n" for one, _ in wanted).encode())
    at = 0
    for _, path in wanted:
        end = out.index(b"\n", at)
        words = out[at:end].split(b" ")
        if words[-1] == b"missing":
            raise RevisionUnreadable(f"git does not have the content of {path}.", "Fetch it: git fetch --refetch")
        size = int(words[2])
        yield path, out[end + 1 : end + 1 + size]
        at = end + 1 + size + 1


def _git(estate: Path, *words: str, given: bytes | None = None, may_fail: bool = False) -> tuple[int, bytes]:
    """Exit code and output. No shell: each word is one argument."""
    try:
        done = subprocess.run(  # noqa: S603 - a list of words, and names of revisions are checked
            ["git", "-C", str(estate), *words],  # noqa: S607 - the reader's own git
            input=given,
            stdin=None if given is not None else subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={**os.environ, **_QUIET},
        )
    except FileNotFoundError:
        raise RevisionUnreadable("There is no git on this machine.", "Install git.") from None
    except subprocess.TimeoutExpired:
        raise RevisionUnreadable(f"git {words[0]} took more than {_SECONDS} s.", "Try again.") from None
    if done.returncode != 0 and not may_fail:
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise RevisionUnreadable(f"git {words[0]} failed: {said}.", "Run it in a clone of the estate's repository.")
    return done.returncode, done.stdout
