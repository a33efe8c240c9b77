"""Names of new parts: what a template is filled with, or why a name will not do."""

from __future__ import annotations

import keyword
import re

from interlock.contracts.past_tense import objection, words
from interlock.contracts.python_text import pascal, singular
from interlock.contracts.rule import BY_ID
from interlock.estate.template import TemplateKind

_EVENT = re.compile(r"(?P<domain>[^./]*)\.(?P<event>[^./]*)")
_WEBHOOK = re.compile(r"(?:webhooks/)?(?P<source>[^./]*)/(?P<event>[^./]*)")
_DOMAIN, _SNAKE, _DASHED = r"[a-z][a-z0-9_]*", r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*", r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
_LONGEST = 63

Values = dict[str, str]


class NameRefused(Exception):
    """`step` is what to do about it."""

    def __init__(self, detail: str, step: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.step = step


def values_of(kind: TemplateKind, template: str, name: str) -> Values:
    """What the name gives a template to be filled with. Raises NameRefused."""
    if kind == "event":
        return _event(name)
    if kind == "api":
        return _api(name)
    if kind == "webhook" and template == "inbound":
        return _webhook(name)
    return _plain(name, "a flow" if kind == "flow" else "a subscriber")


def _event(name: str) -> Values:
    match = _EVENT.fullmatch(name)
    if match is None:
        raise NameRefused(f"{name or 'It'} is no name of an event.", "Give domain and fact: orders.OrderCancelled")
    domain, given = match["domain"], match["event"]
    _need(re.fullmatch(_DOMAIN, domain), f"{domain or 'An empty text'} is no domain.", "Such as: orders")
    _importable(domain, f"contracts/{domain}.py")
    event = "_".join(word.lower() for word in words(given))
    _need(re.fullmatch(_SNAKE, event), f"{given or 'An empty text'} is no name of an event.", "Such as: OrderCancelled")
    class_ = "".join(word.capitalize() for word in event.split("_"))
    if class_ != given and event != given:
        raise NameRefused(f"{given} is not how events are written.", f"Write {domain}.{class_}")
    reason = objection(class_)
    if reason:
        raise NameRefused(f"EVENT_NAMED_AS_COMMAND: {reason}", BY_ID["EVENT_NAMED_AS_COMMAND"].fix)
    subject = event.split("_")[:-1] or [singular(domain)]
    return {
        "domain": domain, "event": event, "event_dashed": event.replace("_", "-"), "class": class_,
        "entity": "_".join(subject), "entity_words": " ".join(subject), "entity_short": subject[-1][:3].upper(),
        "sentence": f"{' '.join(event.split('_')).capitalize()}.",
    }  # fmt: skip


def _api(name: str) -> Values:
    name = name.removeprefix("apis/")
    _need(re.fullmatch(_DASHED, name), f"{name or 'An empty text'} is no name of an API.", "Such as: returns")
    parts = name.split("-")
    one, many = [*parts[:-1], singular(parts[-1])], parts
    if one == many:
        many = [*parts[:-1], parts[-1] + "s"]
    return {
        "name": name, "module": name.replace("-", "_"), "path": "-".join(many), "title": " ".join(parts).capitalize(),
        "entity": "_".join(one), "entity_words": " ".join(one), "Class": pascal(" ".join(one)),
        "plural": "_".join(many), "plural_words": " ".join(many), "Plural": pascal(" ".join(many)),
    }  # fmt: skip


def _webhook(name: str) -> Values:
    match = _WEBHOOK.fullmatch(name)
    if match is None:
        raise NameRefused(f"{name or 'It'} is no name of a webhook.", "Give who sends it, and what: github/push")
    source, event = match["source"], match["event"]
    _need(re.fullmatch(_DASHED, source), f"{source or 'An empty text'} is no name of a sender.", "Such as: github")
    _need(re.fullmatch(_SNAKE, event), f"{event or 'An empty text'} is no name of a webhook.", "Such as: order_shipped")
    return {
        "source": source, "event": event, "class": "".join(word.capitalize() for word in event.split("_")),
        "ENV": source.replace("-", "_").upper(),
    }  # fmt: skip


def _plain(name: str, what: str) -> Values:
    step = "Use lower-case letters, digits and dashes, such as: fulfil-order"
    _need(
        re.fullmatch(_DASHED, name) and len(name) <= _LONGEST, f"{name or 'An empty text'} is no name of {what}.", step
    )
    module = name.replace("-", "_")
    _importable(module, f"flows/{module}.py")
    return {"name": name, "module": module, "ENV": module.upper()}


def _need(holds: object, detail: str, step: str) -> None:
    if not holds:
        raise NameRefused(detail, step)


def _importable(name: str, what: str) -> None:
    if keyword.iskeyword(name):
        raise NameRefused(f"{name} is a word of Python: {what} could not be imported.", "Choose another name.")
