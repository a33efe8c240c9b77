"""Alternatives: oneOf and anyOf. Each alternative of the giver has to be one that the taker knows.

Alternatives mean each other by name (reference, title, a constant, an only type) or else by what they share. oneOf is
read as 'one of these', as authors mean it; whether two alternatives overlap is not asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import Any

from interlock.contracts.comparison import Effect
from interlock.contracts.openapi.api_document import dumped
from interlock.contracts.openapi.checks.discriminator import mapping
from interlock.contracts.openapi.meeting import Meeting, Note, Pair
from interlock.contracts.openapi.place import read
from interlock.contracts.openapi.schema_node import Node
from interlock.contracts.openapi.schema_view import Choice, SchemaView
from interlock.contracts.openapi.value_check import admits
from interlock.contracts.pointer import ABSENT

MAX_ALTERNATIVES = 64
MAX_TRIES = 40
_ALIKE = 0.3


def check(meeting: Meeting) -> Iterator[Note | Pair]:
    olds, news = alternatives(meeting.old), alternatives(meeting.new)
    if len(olds) == 1 and len(news) == 1:
        yield Pair(olds[0], news[0])
        return
    pairs, gone, come = _matched(meeting, olds, news)
    yield from _overlapping(meeting, pairs)
    for old, new, sure in pairs:
        if sure or not _absorbed(meeting, old, new, olds, news):
            yield Pair(old, new)
    for node in gone:
        yield from _alone(meeting, node, news, "removed")
    for node in come:
        yield from _alone(meeting, node, olds, "added")


def alternatives(view: SchemaView) -> list[Node]:
    """The nodes whose union the schema is: itself where there is no choice."""
    if not view.choices:
        return [view.node]
    choices = view.choices
    while len(choices) > 1 and _count(choices) > MAX_ALTERNATIVES:
        choices = choices[:-1]
    own = [(bare, place) for schema, place in view.parts if (bare := _bare(view, schema, choices)) is not None]
    return [
        Node((*own, *(part for branch in branches for part in view.schemas.node(*branch).parts)))
        for branches in product(*(choice.branches for choice in choices))
    ]


def _count(choices: Sequence[Choice]) -> int:
    count = 1
    for choice in choices:
        count *= len(choice.branches)
    return count


def _bare(view: SchemaView, schema: Any, opened: Sequence[Choice]) -> Any:
    """Without what was opened already; choices beyond the limit stay closed."""
    kept = frozenset(one.keyword for one in view.choices if one.holder is schema and one not in opened)
    return view.schemas.bare(schema, kept)


def _matched(
    meeting: Meeting, olds: list[Node], news: list[Node]
) -> tuple[list[tuple[Node, Node, bool]], list[Node], list[Node]]:
    signs = [_plain_sign(node) for node in olds]
    if None not in signs and len(set(signs)) == len(signs) and signs == [_plain_sign(node) for node in news]:
        return [(old, new, True) for old, new in zip(olds, news, strict=True)], [], []
    pairs: list[tuple[Node, Node, bool]] = []
    left, right = list(olds), list(news)
    for sign in (_value, _reference, _text, _title, _constant, _only_type):
        before, after = _by(sign, meeting.old, left), _by(sign, meeting.new, right)
        for key in before.keys() & after.keys():
            pairs.append((before[key], after[key], True))
        taken = {id(one) for old, new, _ in pairs for one in (old, new)}
        left = [one for one in left if id(one) not in taken]
        right = [one for one in right if id(one) not in taken]
    if len(left) * len(right) <= 2500:
        scored = sorted(
            ((_likeness(meeting, old, new), -i, -j) for i, old in enumerate(left) for j, new in enumerate(right)),
            reverse=True,
        )
        used: set[int] = set()
        for score, i, j in scored:
            old, new = left[-i], right[-j]
            if score >= _ALIKE and id(old) not in used and id(new) not in used:
                used.update((id(old), id(new)))
                pairs.append((old, new, False))
        left = [one for one in left if id(one) not in used]
        right = [one for one in right if id(one) not in used]
    return pairs, left, right


def _plain_sign(node: Node) -> Any:
    """What most alternatives are known by: the component, or the only type. None where it takes more than a glance."""
    schema, place = node.parts[-1]
    if len(place) == 2 and len(place[0]) == 2 and place[0][1] == "schemas":
        return place
    kind = schema.get("type") if isinstance(schema, dict) and "$ref" not in schema and "title" not in schema else None
    return kind if isinstance(kind, str) else None


def _by(sign: Any, view: SchemaView, nodes: list[Node]) -> dict[Any, Node]:
    """The nodes by a sign that each has for itself."""
    found: dict[Any, Node] = {}
    twice = set()
    for node in nodes:
        key = sign(view, node)
        if key is not None:
            if key in found:
                twice.add(key)
            found[key] = node
    return {key: node for key, node in found.items() if key not in twice}


def _value(view: SchemaView, node: Node) -> Any:
    """The values by which a discriminator means it."""
    values = mapping(view)
    if not values:
        return None
    own = f"#{read(node.parts[-1][1])}"
    return tuple(sorted(value for value, reference in values.items() if reference == own)) or None


def _reference(view: SchemaView, node: Node) -> Any:
    named = [
        text for _, place in node.parts if (text := read(place)).startswith("/components/") and text.count("/") == 3
    ]
    return named[-1] if named else None


def _text(view: SchemaView, node: Node) -> Any:
    return b"".join(dumped(schema) for schema, _ in node.parts)


def _title(view: SchemaView, node: Node) -> Any:
    title = view.schemas.view(node).first("title")
    return title if isinstance(title, str) else None


def _constant(view: SchemaView, node: Node) -> Any:
    """Properties with one value only: what discriminates."""
    one = view.schemas.view(node)
    fixed = {}
    for name in one.properties:
        values = one.schemas.view(one.at_name(name)).values
        if values is not None and len(values) == 1:
            fixed[name] = values[0]
    return dumped(fixed) if fixed else None


def _only_type(view: SchemaView, node: Node) -> Any:
    types = view.schemas.view(node).stated
    return "".join(sorted(types)) if types else None


def _likeness(meeting: Meeting, old: Node, new: Node) -> float:
    one, other = meeting.old.schemas.view(old), meeting.new.schemas.view(new)
    if not one.types & other.types:
        return 0.0
    words = [set(view.keywords) | set(view.declared) for view in (one, other)]
    return len(words[0] & words[1]) / max(1, len(words[0] | words[1]))


def _absorbed(meeting: Meeting, old: Node, new: Node, olds: list[Node], news: list[Node]) -> bool:
    """Whether the giver's alternative is taken by some other than the one that resembles it most."""
    judge = meeting.judge
    if judge.fits(old, new):
        return False  # the pair itself says all that there is to say
    if meeting.is_request:
        others = [one for one in news[:MAX_TRIES] if one is not new]
        return any(judge.fits(old, one) for one in others) or _by_type(meeting, meeting.old.schemas.view(old), news)
    others = [one for one in olds[:MAX_TRIES] if one is not old]
    return any(judge.fits(one, new) for one in others) or _by_type(meeting, meeting.new.schemas.view(new), olds)


def _overlapping(meeting: Meeting, pairs: list[tuple[Node, Node, bool]]) -> Iterator[Note]:
    """Two alternatives of a oneOf that could be told apart before and cannot be now: what fits both is refused."""
    if not meeting.is_request or len(pairs) < 2 or len(pairs) > MAX_TRIES or _keywords(meeting.new) != {"oneOf"}:
        return
    olds = [meeting.old.schemas.view(old) for old, _, _ in pairs]
    news = [meeting.new.schemas.view(new) for _, new, _ in pairs]
    for one in range(len(pairs)):
        for other in range(one + 1, len(pairs)):
            if _apart(olds[one], olds[other]) and not _apart(news[one], news[other]):
                yield from _shown_overlap(meeting, (olds[one], olds[other]), (news[one], news[other]))


def _shown_overlap(
    meeting: Meeting, olds: tuple[SchemaView, SchemaView], news: tuple[SchemaView, SchemaView]
) -> Iterator[Note]:
    """Only where a value shows it."""
    from interlock.contracts.openapi.sample import Sampler  # a sample opens alternatives, as we do

    for old in olds:
        for value in islice(Sampler(news).values(old), MAX_TRIES):
            if admits(old, value) and all(admits(new, value) for new in news):
                one, other = (_named(new.node) for new in news)
                yield meeting.note("branches-overlap", "oneOf", one, other, f"{one} and {other}", (value,))
                return


def _keywords(view: SchemaView) -> set[str]:
    return {choice.keyword for choice in view.choices}


def _apart(one: SchemaView, other: SchemaView) -> bool:
    """By their types, or by a property that both ask for and that has other values in each."""
    if not one.types & other.types:
        return True
    for name in one.required & other.required & one.declared.keys() & other.declared.keys():
        pair = [view.schemas.view(view.at_name(name)) for view in (one, other)]
        if not pair[0].types & pair[1].types:
            return True
        values = [view.values for view in pair]
        if values[0] is not None and values[1] is not None and not _shared(values[0], values[1]):
            return True
    return False


def _shared(one: list[Any], other: list[Any]) -> bool:
    return not {dumped(value) for value in one}.isdisjoint({dumped(value) for value in other})


def _alone(meeting: Meeting, node: Node, others: list[Node], action: str) -> Iterator[Note | Pair]:
    """An alternative without a counterpart: harmless where the taker has it, or takes it by another."""
    gives = (action == "removed") == meeting.is_request
    view = (meeting.old if action == "removed" else meeting.new).schemas.view(node)
    if gives:
        judge = meeting.judge
        if any(
            judge.fits(node, other) if meeting.is_request else judge.fits(other, node) for other in others[:MAX_TRIES]
        ) or _by_type(meeting, view, others):
            return
    value = node.parts[-1][0]
    holder = meeting.old if action == "removed" else meeting.new
    keyword = holder.choices[0].keyword if holder.choices else "oneOf"
    told = (value, ABSENT) if action == "removed" else (ABSENT, value)
    effect: Effect | None = "undecided" if gives and meeting.judge.spent else None
    note = meeting.note(f"branch-{action}", keyword, *told, _named(node), effect=effect)
    note.alone = view
    if holder.choices:
        place = node.parts[-1][1]
        note.old_place, note.new_place = (place, note.new_place) if action == "removed" else (note.old_place, place)
    yield note


def _by_type(meeting: Meeting, view: SchemaView, others: list[Node]) -> bool:
    """An alternative of several types may be taken type by type."""
    if view.stated is None or len(view.stated) < 2 or view.choices:
        return False
    for kind in sorted(view.stated):
        part = view.schemas.made({"type": kind}, view.node.place)
        piece = Node((*view.node.parts, part))
        judge = meeting.judge
        if not any(
            judge.fits(piece, other) if meeting.is_request else judge.fits(other, piece) for other in others[:MAX_TRIES]
        ):
            return False
    return True


def _named(node: Node) -> str:
    text = read(node.parts[-1][1])
    return text.rpartition("/")[2] if text.startswith("/components/") else text
