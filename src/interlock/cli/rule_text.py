"""Rules as the command line explains them."""

from __future__ import annotations

from interlock.contracts.check_rule import Rule
from interlock.contracts.lint.repair import REPAIRS
from interlock.contracts.lint.rule import LintRule
from interlock.contracts.rule import RULES


def explanation(rule: Rule) -> str:
    """Purpose, source, next step and both examples."""
    lines = [f"{rule.id}  {rule.severity}", f"   {rule.purpose}"]
    if isinstance(rule, LintRule):
        governed = " Asked of contracts that are ours; a warning elsewhere." if rule.governed else ""
        lines.append(f"   From: {rule.source}.{governed}")
        if rule.spectral:
            lines.append(f"   Spectral: {', '.join(rule.spectral)}")
    lines.append(f"   {rule.fix}")
    if rule.id in REPAIRS:
        lines.append("   interlock lint --fix puts it right.")
    for title, example in (("Bad", rule.bad), ("Good", rule.good)):
        text = shown(example)
        if text:
            lines += ["", f"{title}, in {rule.place}:", text]
    if not rule.waivable:
        lines += ["", "It cannot be waived."]
    return "\n".join(lines)


def shown(example: str) -> str:
    """ "" where the example only says 'without it'; a long one is cut."""
    text = example.removeprefix("=").strip("\n")
    return "" if text in ("", "-", "{}") else text if len(text) < 2_000 else f"{text[:60]} …"


def overview() -> str:
    """A line for each rule."""
    width = max(len(rule.id) for rule in RULES)
    return "\n".join(f"{rule.id:<{width}}  {rule.severity:<7}  {rule.purpose}" for rule in RULES)
