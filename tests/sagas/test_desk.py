"""People pause, resume and cancel runs; a version that has open runs cannot be taken away."""

from __future__ import annotations

import pytest

from flows.shop import OrderPlaced
from interlock import Flow, SagaContext
from interlock.model.problems import BusinessConflict, NotFound, SettingInvalid
from interlock.model.saga import RunState
from interlock.operate.story import FactKind, StoryState
from interlock.operate.why import tell

from .test_saga import flow, note, story, unnote
from .trial import Trial


def sleepy(*, version: int = 1, start_paused: bool = False, into: Flow | None = None) -> Flow:
    own = into or flow()

    @own.saga(OrderPlaced, version=version, name="pay", start_paused=start_paused)
    async def pay(order: OrderPlaced, ctx: SagaContext) -> None:
        await ctx.step(note, "A" if version == 1 else "X", undo=unnote)
        await ctx.sleep(10)
        await ctx.step(note, "B" if version == 1 else "Y")

    return own


async def test_a_paused_run_stands_and_keeps_what_arrives() -> None:
    async with Trial(sleepy()) as trial:
        await trial.place("a")
        await trial.engine.runs.tell(trial.run.id, "pause")
        await trial.settle(20)
        assert (trial.state, story(trial)) == (RunState.PAUSED, "A")
        with pytest.raises(BusinessConflict, match="nothing to pause"):
            await trial.engine.runs.tell(trial.run.id, "pause")
        await trial.engine.runs.tell(trial.run.id, "resume")
        await trial.settle(0.1)
        assert (trial.state, story(trial)) == (RunState.COMPLETED, "AB")


async def test_a_run_may_begin_paused() -> None:
    async with Trial(sleepy(start_paused=True)) as trial:
        await trial.place("a")
        assert (trial.state, trial.journal(), trial.open_runs()) == (RunState.PAUSED, [], 1)
        await trial.engine.runs.tell(trial.run.id, "resume")
        await trial.settle(11)
        assert (trial.state, story(trial), trial.open_runs()) == (RunState.COMPLETED, "AB", 0)


async def test_a_cancelled_run_is_undone() -> None:
    async with Trial(sleepy()) as trial:
        await trial.place("a")
        await trial.engine.runs.tell(trial.run.id, "cancel", "customer_asked")
        await trial.settle(0.1)
        assert (trial.state, story(trial)) == (RunState.CANCELLED, "Aa")
        with pytest.raises(BusinessConflict, match="is over"):
            await trial.engine.runs.tell(trial.run.id, "cancel")
        with pytest.raises(NotFound):
            await trial.engine.runs.tell("nobody", "cancel")
        await trial.settle(20)
        assert (trial.state, story(trial)) == (RunState.CANCELLED, "Aa")


async def test_a_run_ends_on_the_version_that_it_began_with() -> None:
    async with Trial(sleepy()) as trial:
        await trial.place("a")
        await trial.restart(sleepy(version=2, into=sleepy()))
        await trial.place("b")
        await trial.settle(11)
        assert [run.state for run in trial.runs()] == [RunState.COMPLETED] * 2
        stories = sorted(trial.value(table, key) for table, key in trial.values if table == "story")
        assert stories == ["AB", "XY"]
        await trial.restart(sleepy(version=2))  # nobody has version 1 any more


async def test_a_version_with_open_runs_cannot_be_taken_away() -> None:
    async with Trial(sleepy()) as trial:
        await trial.place("a")
        with pytest.raises(SettingInvalid, match="1 of fulfil pay version 1"):
            await trial.restart(sleepy(version=2))
        with pytest.raises(SettingInvalid, match="1 of fulfil pay version 1"):
            await trial.restart(Flow("fulfil", owner="team"))
        await trial.restart(sleepy())
        await trial.settle(11)
        assert trial.state is RunState.COMPLETED


async def test_a_redrive_of_the_first_event_does_not_begin_it_again() -> None:
    async with Trial(sleepy()) as trial:
        await trial.place("a")
        await trial.settle(11)
        assert story(trial) == "AB"
        event = trial.tables.log[trial.run.partition][0].event
        assert event.type == "orders.OrderPlaced"


async def test_why_says_whether_a_run_is_still_under_way() -> None:
    """What was open when a run was ended is not to come any more."""
    async with Trial(sleepy()) as trial:
        await trial.place("a")
        begun = trial.run.start.id
        assert (await tell(trial.store, begun)).state is StoryState.WAITING
        await trial.engine.runs.tell(trial.run.id, "cancel", "customer_asked")
        await trial.settle(0.1)
        story_of_it = await tell(trial.store, begun)
        assert story_of_it.state is StoryState.DONE
        steps = [fact.handler for fact in story_of_it.facts if fact.kind is FactKind.STEP]
        assert steps == ["note", "sleep", "cancel", "undo note"]
