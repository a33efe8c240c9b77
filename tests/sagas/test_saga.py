"""Sagas on the memory adapters: steps, answers, waits, timers, branches, children, undoing."""

from __future__ import annotations

from typing import Any

from flows.shop import OrderPlaced, StockReserved
from interlock import Context, Flow, Reply, SagaContext, StepFailed, TimedOut
from interlock.model.saga import EntryState, RunState
from interlock.ports.http_client import HttpAnswer

from .trial import RETRY, Trial


def flow() -> Flow:
    return Flow("fulfil", owner="team", retry=RETRY)


async def note(name: str, ctx: Context) -> str:
    """Append a letter to the order's story, which shows what ran, in which order, and how often."""
    story = await ctx.get("story", ctx.event.id, str) or ""
    ctx.put("story", ctx.event.id, story + name)
    return name


async def unnote(name: str, ctx: Context) -> None:
    await note(name.lower(), ctx)


async def charge(amount: int, ctx: Context) -> Any:
    return ctx.call("payments.charge", amount=amount)


async def refund(reply: Reply, ctx: Context) -> Any:
    return ctx.call("payments.refund", did=reply.answer["did"])


def story(trial: Trial) -> str:
    (found,) = [key for table, key in trial.values if table == "story"]
    return str(trial.value("story", found))


async def test_steps_run_in_order_and_the_run_is_over() -> None:
    own = flow()

    @own.saga(OrderPlaced)
    async def order_to_cash(order: OrderPlaced, ctx: SagaContext) -> None:
        first = await ctx.step(note, "A")
        await ctx.step(note, first + "B")
        for name in "CD":
            await ctx.step(note, name)

    async with Trial(own) as trial:
        await trial.place("o1")
        assert trial.state is RunState.COMPLETED
        assert story(trial) == "AABCD"
        assert [entry.state for entry in trial.journal()] == [EntryState.DONE] * 4
        assert trial.open_runs() == 0


async def test_an_answer_is_waited_for_and_told() -> None:
    own = flow()
    heard: list[Any] = []

    @own.saga(OrderPlaced)
    async def pay(order: OrderPlaced, ctx: SagaContext) -> None:
        reply = await ctx.step(charge, order.n)
        heard.append((reply.status, reply.answer))
        await ctx.step(note, "A")

    async with Trial(own) as trial:
        await trial.place("o1", 7)
        await trial.settle(1)
        assert trial.target.asked == [("charge", {"amount": 7})]
        assert heard == [(200, {"did": "charge"})]
        assert trial.state is RunState.COMPLETED


async def test_a_refusal_undoes_what_was_done_the_last_first() -> None:
    own = flow()

    @own.saga(OrderPlaced)
    async def pay(order: OrderPlaced, ctx: SagaContext) -> None:
        await ctx.step(note, "A", undo=unnote)
        await ctx.step(note, "B", undo=unnote)
        await ctx.step(note, "C")
        await ctx.step(charge, order.n, undo=refund)

    async with Trial(own) as trial:
        trial.target.answers["charge"] = lambda: HttpAnswer(402, {}, b"{}")
        await trial.place("o1")
        await trial.settle(1)
        assert story(trial) == "ABCba"
        assert trial.target.operations == ["charge"]
        assert (trial.state, trial.run.reason) == (RunState.UNDONE, "refused")
        assert trial.open_runs() == 0


async def test_a_step_that_fails_for_good_is_told_and_may_be_caught() -> None:
    own = flow()
    told: list[str] = []

    async def broken(ctx: Context) -> None:
        raise ConnectionError("down")

    @own.saga(OrderPlaced)
    async def pay(order: OrderPlaced, ctx: SagaContext) -> None:
        try:
            await ctx.step(broken)
        except StepFailed as failed:
            told.append(failed.code)
        await ctx.step(note, "A")

    async with Trial(own) as trial:
        await trial.place("o1")
        assert trial.state is RunState.RUNNING if trial.runs() else True
        await trial.settle(30)
        assert trial.state is RunState.COMPLETED
        assert told[-1] == "handler_failed:ConnectionError"
        assert story(trial) == "A"
        assert len(trial.tables.failures[trial.run.partition, trial.run.start.position]) == 2


async def test_each_step_has_its_own_attempts() -> None:
    own = flow()
    tries: dict[str, int] = {}

    async def shaky(name: str, ctx: Context) -> None:
        tries[name] = tries.get(name, 0) + 1
        if tries[name] < 3:
            raise ConnectionError("down")

    @own.saga(OrderPlaced)
    async def pay(order: OrderPlaced, ctx: SagaContext) -> None:
        for name in "ABC":
            await ctx.step(shaky, name)

    async with Trial(own) as trial:
        await trial.place("o1")
        await trial.settle(60)
        assert trial.state is RunState.COMPLETED
        assert tries == {"A": 3, "B": 3, "C": 3}


async def test_undoing_goes_on_behind_what_cannot_be_undone() -> None:
    own = flow()

    async def stuck(name: str, ctx: Context) -> None:
        raise ConnectionError("down")

    @own.saga(OrderPlaced)
    async def pay(order: OrderPlaced, ctx: SagaContext) -> None:
        await ctx.step(note, "A", undo=unnote)
        await ctx.step(note, "B", undo=stuck)
        await ctx.step(note, "C", undo=unnote)
        ctx.fail("changed_mind")

    async with Trial(own) as trial:
        await trial.place("o1")
        await trial.settle(60)
        assert story(trial) == "ABCca"
        assert (trial.state, trial.run.reason) == (RunState.STRANDED, "changed_mind")


async def test_an_event_is_waited_for_whether_it_comes_before_or_after() -> None:
    own = flow()
    got: list[int] = []

    @own.saga(OrderPlaced, waits_for=[StockReserved])
    async def pay(order: OrderPlaced, ctx: SagaContext) -> None:
        await ctx.sleep(10)
        reserved = await ctx.wait_for(StockReserved, key=f"s-{order.order_id}", timeout="1h")
        got.append(reserved.n)

    async with Trial(own) as trial:
        await trial.place("a")
        await trial.reserve("s-a", 5)  # nobody waits yet
        await trial.settle(12)
        assert got == [5]
        await trial.place("b")
        await trial.settle(12)
        waiting = next(run for run in trial.runs() if run.state is not RunState.COMPLETED)
        assert (waiting.state, waiting.waits_for) == (RunState.WAITING, ("orders.StockReserved",))
        await trial.reserve("s-b", 6)
        await trial.settle(1)
        assert got == [5, 6]
        assert not trial.pending_timers()  # that of the second wait was called off
        assert [run.state for run in trial.runs()] == [RunState.COMPLETED] * 2
        assert not [key for table, key in trial.values if table == "interlock.mailbox"]
        assert not trial.pending_timers()


async def test_what_does_not_come_in_time_is_told() -> None:
    own = flow()

    @own.saga(OrderPlaced, waits_for=[StockReserved])
    async def pay(order: OrderPlaced, ctx: SagaContext) -> None:
        try:
            await ctx.wait_for(StockReserved, key=order.order_id, timeout="1h")
        except TimedOut:
            await ctx.step(note, "T")

    async with Trial(own) as trial:
        await trial.place("a")
        await trial.settle(3590)
        assert trial.state is RunState.WAITING
        await trial.settle(20)
        assert story(trial) == "T"
        await trial.reserve("a")
        assert trial.state is RunState.COMPLETED


async def test_branches_run_side_by_side() -> None:
    own = flow()

    @own.saga(OrderPlaced)
    async def pay(order: OrderPlaced, ctx: SagaContext) -> None:
        async def slow() -> str:
            await ctx.sleep(5)
            return await ctx.step(note, "S")

        both, reply = await ctx.gather(slow(), ctx.step(charge, 1))
        await ctx.step(note, f"{both}{reply.status}")

    async with Trial(own) as trial:
        await trial.place("a")
        await trial.settle(1)
        assert set(trial.run.waits_for) == {"sleep"}
        await trial.settle(5)
        assert story(trial) == "SS200"


async def test_a_failing_branch_ends_the_others_and_all_is_undone() -> None:
    own = flow()

    @own.saga(OrderPlaced)
    async def pay(order: OrderPlaced, ctx: SagaContext) -> None:
        async def failing() -> None:
            await ctx.step(note, "A", undo=unnote)
            await ctx.sleep(2)
            ctx.fail("no")

        async def other() -> None:
            await ctx.step(charge, 1, undo=refund)
            await ctx.sleep(60)
            await ctx.step(note, "N")

        await ctx.gather(failing(), other())

    async with Trial(own) as trial:
        await trial.place("a")
        await trial.settle(5)
        assert trial.target.operations == ["charge", "refund"]
        assert story(trial) == "Aa"
        assert trial.state is RunState.UNDONE


async def test_a_call_under_way_is_waited_for_before_it_is_undone() -> None:
    own = flow()

    @own.saga(OrderPlaced)
    async def pay(order: OrderPlaced, ctx: SagaContext) -> None:
        async def failing() -> None:
            await ctx.sleep(2)
            ctx.fail("no")

        await ctx.gather(failing(), ctx.step(charge, 1, undo=refund))

    async with Trial(own) as trial:
        trial.target.answers["charge"] = lambda: HttpAnswer(503, {}, b"")
        await trial.place("a")
        await trial.settle(3)
        assert (trial.state, trial.run.waits_for) == (RunState.UNDOING, ("charge",))
        del trial.target.answers["charge"]
        await trial.settle(10)
        assert trial.target.operations[-2:] == ["charge", "refund"]
        assert trial.state is RunState.UNDONE


async def test_a_child_undoes_its_own_and_its_failure_may_be_caught() -> None:
    own = flow()

    async def part(name: str, ctx: SagaContext) -> str:
        await ctx.step(note, name, undo=unnote)
        if name == "B":
            ctx.fail("no")
        return name

    @own.saga(OrderPlaced)
    async def pay(order: OrderPlaced, ctx: SagaContext) -> None:
        await ctx.child(part, "A")
        try:
            await ctx.child(part, "B")
        except Exception:
            await ctx.step(note, "X", undo=unnote)
        ctx.fail("after_all")

    async with Trial(own) as trial:
        await trial.place("a")
        await trial.settle(1)
        assert story(trial) == "ABbXxa"
        assert trial.state is RunState.UNDONE


async def test_a_deadline_undoes() -> None:
    own = flow()

    @own.saga(OrderPlaced, deadline="1h")
    async def pay(order: OrderPlaced, ctx: SagaContext) -> None:
        await ctx.step(note, "A", undo=unnote)
        await ctx.sleep("2h")
        await ctx.step(note, "B")

    async with Trial(own) as trial:
        await trial.place("a")
        await trial.settle(3605)
        assert story(trial) == "Aa"
        assert (trial.state, trial.run.reason) == (RunState.UNDONE, "deadline")
        await trial.settle(7200)
        assert story(trial) == "Aa"


async def test_a_long_run_lets_others_in_between() -> None:
    """Its steps are spread over several events, forward and back."""
    own = flow()

    async def count(n: int, ctx: Context) -> int:
        ctx.counter("steps", "all").add(1)
        return n

    async def uncount(n: int, ctx: Context) -> None:
        ctx.counter("steps", "all").take(1)

    @own.saga(OrderPlaced)
    async def pay(order: OrderPlaced, ctx: SagaContext) -> None:
        for n in range(600):
            await ctx.step(count, n, undo=uncount)
        ctx.fail("enough")

    async with Trial(own) as trial:
        await trial.place("a")
        await trial.settle(60)
        assert trial.state is RunState.UNDONE
        assert len(trial.journal()) == 1200
        assert trial.tables.counters["steps", "all"] == 0
        own_events = [one for rows in trial.tables.log for one in rows if one.event.type == "run:fulfil"]
        assert len(own_events) == 4


async def test_code_that_diverges_at_once_is_seen_as_such() -> None:
    own = flow()

    @own.saga(OrderPlaced)
    async def pay(order: OrderPlaced, ctx: SagaContext) -> None:
        await ctx.gather(ctx.step(note, "A", key="same"), ctx.step(note, "B", key="same"))

    async with Trial(own) as trial:
        await trial.place("a")
        await trial.settle(1)
        assert (trial.state, trial.run.reason) == (RunState.DIVERGED, "diverged")


async def test_nothing_of_a_run_that_is_over_is_left() -> None:
    """No timer of a branch that was ended or of a deadline, no waiter in a mailbox."""
    own = flow()

    @own.saga(OrderPlaced, waits_for=[StockReserved], deadline="30d")
    async def pay(order: OrderPlaced, ctx: SagaContext) -> None:
        async def failing() -> None:
            await ctx.sleep(2)
            ctx.fail("no")

        waiting = ctx.wait_for(StockReserved, key=order.order_id, timeout="5d")
        await ctx.gather(failing(), waiting, ctx.sleep("1d", name="nap"))

    async with Trial(own) as trial:
        await trial.place("a")
        await trial.settle(1)
        assert len(trial.pending_timers()) == 4
        await trial.settle(5)
        assert trial.state is RunState.UNDONE
        assert trial.pending_timers() == []
        assert not [key for table, key in trial.values if table == "interlock.mailbox"]
