"""The checker, fed with lies: each must be named."""

from __future__ import annotations

from pathlib import Path

from interlock.testing.checker import Sent, alike, behind, equal, in_order, once, one_value, sent
from interlock.testing.history import History, Op, Phase

EXPECTED = Sent(frozenset({"a", "b"}), frozenset({"m"}))


def op(phase: Phase, name: str, line: str = "", data: object = None) -> Op:
    return Op(0, "w", phase, "entry", name, line, data)


def posted(*names: str) -> History:
    """All acknowledged, in this order, on one line."""
    return History.of(op(phase, name, "x") for name in names for phase in ("invoke", "ok"))


def test_what_clients_may_rely_on() -> None:
    history = History.of(
        [
            *(op("invoke", name) for name in ("told", "refused", "unknown", "told late", "silent")),
            op("ok", "told"),
            op("fail", "refused"),
            op("info", "unknown"),
            op("info", "told late"),
            op("ok", "told late"),
            Op(0, "w", "invoke", "transfer", "another act"),
        ]
    )
    assert sent(history, "entry") == Sent(frozenset({"told", "told late"}), frozenset({"unknown", "silent"}))


def test_everything_once_is_valid_with_or_without_the_unanswered() -> None:
    assert once("q", EXPECTED, ["a", "b"]).valid
    verdict = once("q", EXPECTED, ["b", "m", "a"])
    assert (verdict.valid, verdict.checked, verdict.recovered) == (True, 3, 1)


def test_lost() -> None:
    verdict = once("q", EXPECTED, ["a", "m"])
    assert (verdict.valid, verdict.lost) == (False, ("b",))
    assert "1 lost: ['b']" in str(verdict)


def test_doubled_also_when_never_answered() -> None:
    assert once("q", EXPECTED, ["a", "b", "b"]).doubled == ("b",)
    assert once("q", EXPECTED, ["a", "b", "m", "m"]).doubled == ("m",)


def test_unexpected() -> None:
    verdict = once("q", EXPECTED, ["a", "b", "z"])
    assert (verdict.valid, verdict.unexpected) == (False, ("z",))


def test_a_refused_operation_that_shows_is_unexpected() -> None:
    history = History.of([op("invoke", "a"), op("fail", "a")])
    assert once("q", sent(history, "entry"), ["a"]).unexpected == ("a",)


def test_in_order_with_gaps_is_valid() -> None:
    history = posted("1", "2", "3")
    assert in_order("q", history, "entry", Sent(frozenset({"1", "3"})), {"x": ["1", "3"]}).valid


def test_reordered() -> None:
    history = posted("1", "2", "3")
    verdict = in_order("q", history, "entry", sent(history, "entry"), {"x": ["1", "3", "2"]})
    assert (verdict.valid, verdict.reordered) == (False, ("2",))


def test_order_counts_from_the_first_sending() -> None:
    history = History.of([op("invoke", "1", "x"), op("invoke", "2", "x"), op("invoke", "1", "x")])
    assert in_order("q", history, "entry", sent(history, "entry"), {"x": ["1", "2"]}).valid


def test_lines_are_lost_doubled_and_mixed_up() -> None:
    history = posted("1", "2")
    expected = sent(history, "entry")
    assert in_order("q", history, "entry", expected, {"x": ["1"]}).lost == ("2",)
    assert in_order("q", history, "entry", expected, {"x": ["1", "2", "2"]}).doubled == ("2",)
    assert in_order("q", history, "entry", expected, {"x": ["1"], "y": ["2"]}).unexpected == ("2",)


def test_behind_names_all_that_were_overtaken() -> None:
    assert behind([1, 5, 2, 3, 6]) == [2, 3]
    assert behind([]) == []


def test_answers_that_differ() -> None:
    history = History.of([op("ok", "a", data={"n": 1}), op("ok", "a", data={"n": 1}), op("ok", "b", data={"n": 2})])
    assert alike("q", history, "entry").valid
    history.add(op("ok", "a", data={"n": 3}))
    assert alike("q", history, "entry").unlike == (("a", {"n": 1}, {"n": 3}),)


def test_sums_that_differ() -> None:
    assert equal("q", {"total": 5}, {"total": 5}).valid
    assert equal("q", {"total": 5}, {"total": 6}).unlike == (("total", 5, 6),)
    assert equal("q", {"total": 5}, {}).unlike == (("total", 5, None),)
    assert equal("q", {}, {"total": 5}).unlike == (("total", None, 5),)


def test_one_value_each_way() -> None:
    assert one_value("q", [("k1", 1), ("k1", 1), ("k2", 2)]).valid
    assert one_value("q", [("k1", 1), ("k1", 2)]).doubled == ("k1",)
    assert one_value("q", [("k1", 1), ("k2", 1)]).unlike == (("1", "k1", "k2"),)


def test_a_history_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with path.open("w") as file:
        history = History(file)
        history.add(op("ok", "a", "x", {"n": 1}))
    assert list(History.read(path)) == list(history)
