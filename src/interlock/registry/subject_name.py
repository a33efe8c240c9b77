"""Names of subjects and contexts: `orders-value` in the default context, `:.ctx:orders-value` in another one."""

from __future__ import annotations

import re

from interlock.registry.refusal import INVALID_SUBJECT

DEFAULT_CONTEXT = "."
EVERYWHERE = ":*:"
# Settings of this scope count where neither the subject nor its context says anything.
GLOBAL_SCOPE = ":.__GLOBAL:"
MAX_LENGTH = 1024
_QUALIFIED = re.compile(r":(\.[^:]*):(.*)", re.DOTALL)


def context_of(subject: str) -> str:
    match = _QUALIFIED.fullmatch(subject)
    return match[1] if match else DEFAULT_CONTEXT


def qualified(subject: str, context: str = DEFAULT_CONTEXT) -> str:
    """One spelling for each subject; `context` is meant where the name itself says none."""
    match = _QUALIFIED.fullmatch(subject)
    if match is not None:
        context, subject = match[1], match[2]
    return subject if context == DEFAULT_CONTEXT else f":{context}:{subject}"


def checked(subject: str) -> str:
    """Raises Refusal for what no schema may be registered under."""
    bare = subject[len(scope_of(subject)) :]
    if not bare or len(subject) > MAX_LENGTH or not subject.isprintable() or bare in ("__GLOBAL", "__EMPTY"):
        raise INVALID_SUBJECT(subject[:100])
    return subject


def scope_of(subject: str) -> str:
    """The scope of a subject's context: `:.ctx:`, or "" for the default one."""
    context = context_of(subject)
    return "" if context == DEFAULT_CONTEXT else f":{context}:"


def scopes(subject: str) -> list[str]:
    """Where settings of a subject may stand, nearest first."""
    return list(dict.fromkeys([subject, scope_of(subject), GLOBAL_SCOPE]))


def lies_in(subject: str, prefix: str) -> bool:
    """Whether a listing by this prefix shows the subject. Without a context it speaks of the default one."""
    if prefix.startswith(EVERYWHERE):
        return subject.startswith(prefix[len(EVERYWHERE) :])
    wanted = qualified(prefix)
    return context_of(subject) == context_of(wanted) and subject.startswith(wanted)
