"""Tests of the tests: a store with a planted bug fails at the checks that are there for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from interlock.adapters.memory import MemoryStore
from interlock.adapters.memory_dedupe import DedupeWindow
from interlock.adapters.memory_members import Members
from interlock.adapters.memory_tables import Tables
from interlock.model.problems import AlreadyHandled, Problem
from interlock.model.step import Commit, Step
from interlock.ports.event_log import EventLog, LogCapabilities
from interlock.ports.membership import Membership
from interlock.ports.state_store import StateStore
from interlock.testing.conformance import Check, promised
from interlock.testing.membership_conformance import MEMBERSHIP_CHECKS

from .harnesses import MemoryHarness
from .test_conformance import CHECKS


class SkipsReads(Tables):
    def check_reads(self, reads: Any) -> None:
        pass


class IgnoresBatchReads(Tables):
    """Checks all steps first, then applies: an earlier step of the batch goes unseen."""

    def apply(self, commit: Commit) -> Any:
        versions = dict(self.values)
        self.check_reads = lambda reads: check_against(versions, self, reads)  # type: ignore[method-assign]
        return super().apply(commit)


def check_against(versions: dict[Any, Any], tables: Tables, reads: Any) -> None:
    live, tables.values = tables.values, versions
    try:
        Tables.check_reads(tables, reads)
    finally:
        tables.values = live


class IgnoresEpoch(Tables):
    def check_epoch(self, epoch: int, partitions: Any) -> None:
        pass

    def check_cursors(self, commit: Commit) -> None:
        pass


class GivesToEverybody(Members):
    """What one claims is taken from who has it."""

    def claim(self, epoch: int, partitions: Any) -> list[int]:
        self.leases = {one: owner for one, owner in self.leases.items() if one not in partitions}
        return super().claim(epoch, partitions)


class FencesByLeaseOnly(Members):
    """A member that is gone may still commit what belongs to no partition."""

    def check(self, epoch: int, partitions: Any) -> None:
        if partitions:
            super().check(epoch, partitions)


class FencesByLifeOnly(Members):
    def check(self, epoch: int, partitions: Any) -> None:
        self.one(epoch)


class LivesForEver(Members):
    def end_late(self, now_us: int) -> None:
        pass


class ComesBack(Members):
    """Whoever was gone beats on, and lives again."""

    def __init__(self, partitions: int) -> None:
        super().__init__(partitions)
        self.gone: dict[int, Any] = {}

    def end(self, epoch: int) -> None:
        self.gone.update({epoch: self.living[epoch]} if epoch in self.living else {})
        super().end(epoch)

    def beat(self, epoch: int, now_us: int) -> Any:
        self.living |= {epoch: self.gone.pop(epoch)} if epoch in self.gone else {}
        return super().beat(epoch, now_us)


class KeepsLeasesOfTheGone(Members):
    def end(self, epoch: int) -> None:
        self.living.pop(epoch, None)


class GivesBackAnybodys(Members):
    def free(self, epoch: int, partitions: Any) -> None:
        self.leases = {one: owner for one, owner in self.leases.items() if one not in partitions}


class MixesLeaseTimes(Members):
    def join(self, member: Any, flows: Any, lease_seconds: float, now_us: int) -> None:
        super().join(member, flows, 60.0, now_us)


class KeepsTheOwner(Members):
    """A member beside an exclusive owner that goes on."""

    def end(self, epoch: int) -> None:
        if epoch in self.living and self.living[epoch].until_us is None:
            return
        super().end(epoch)


def with_members(kind: type[Members]) -> type[Tables]:
    class Planted(Tables):
        def __init__(self, *sizes: int) -> None:
            super().__init__(*sizes)
            self.members = kind(sizes[0])

    Planted.__name__ = kind.__name__
    return Planted


class CommitsLate(MemoryStore):
    """What was submitted before a release is applied after it, whoever has the partition by then."""

    def _apply_now(self, commit: Commit, done: Any) -> Any:
        self._tables.check_epoch = lambda epoch, partitions: None  # type: ignore[method-assign]
        self._tables.check_cursors = lambda commit: None  # type: ignore[method-assign]
        return super()._apply_now(commit, done)


class ForgetsCursors(Tables):
    """Whoever joins begins at the head, whatever was handled before."""

    def join(self, start: Any, flows: Any, member: Any, seconds: float, now: int) -> int:
        for flow in flows:
            self.cursors.pop(flow, None)
        return super().join(start, flows, member, seconds, now)


class ForgetsMarks(Tables):
    def check_mark(self, mark: Any) -> None:
        pass


class UnboundedCounters(Tables):
    def check_adds(self, adds: Any) -> None:
        pass


class ChecksAddsOneByOne(Tables):
    """Each add of a step against the committed value, not against what the step's earlier adds leave."""

    def check_adds(self, adds: Any) -> None:
        for add in adds:
            super().check_adds([add])


class HalfSteps(Tables):
    """Applies the puts before it knows whether the step holds."""

    def check(self, step: Step) -> None:
        self._put(step.result.puts)
        super().check(step)


class OneBadStepSinksTheBatch(Tables):
    def apply(self, commit: Commit) -> Any:
        for step in commit.steps:
            self.check(step)
        return super().apply(commit)


class VersionPerKey(Tables):
    """Counts versions per key from one, so that a rewritten value repeats a version."""

    def _put(self, puts: Any) -> None:
        for put in puts:
            stored = self.values.get((put.table, put.key))
            self.version = stored.version if stored else 0
            super()._put([put])


class RedrivesTwice(Tables):
    def check_superseded(self, mark: Any) -> None:
        pass


class CountsGenerationsTwice(Tables):
    def _mark(self, row: Any) -> None:
        before = self.tallies.copy()
        super()._mark(row)
        self.tallies = before
        self.tallies[row.flow, row.state] += 1


class CursorsBeforeFencing(Tables):
    def apply(self, commit: Commit) -> Any:
        self.move_cursors(move for move in commit.cursors if move.flow in self.cursors)
        return super().apply(commit)


class ForgetsAnswers(Tables):
    def check_answer(self, answer: Any) -> None:
        pass


class DeliversTwice(Tables):
    def check_delivery(self, row: Any) -> None:
        if row.id not in self.deliveries:
            raise AlreadyHandled("unknown")


class LosesEmitted(Tables):
    def emit(self, events: Any) -> Any:
        return []


class NoDedupe(DedupeWindow):
    def find(self, event: Any) -> None:
        return None


class DedupesById(DedupeWindow):
    def find(self, event: Any) -> Any:
        return super().find(event._replace(source=""))

    def claim(self, event: Any, position: int) -> None:
        super().claim(event._replace(source=""), position)


class WithoutDedupe(Tables):
    def __init__(self, *sizes: int) -> None:
        super().__init__(*sizes)
        self.dedupe = NoDedupe(sizes[1])


class WithDedupeById(Tables):
    def __init__(self, *sizes: int) -> None:
        super().__init__(*sizes)
        self.dedupe = DedupesById(sizes[1])


class ShufflesWithinABatch(Tables):
    def append(self, events: Any) -> Any:
        places, fresh = super().append(list(events)[::-1])
        return places[::-1], fresh


class SliceFallsShort(Tables):
    """Claims to reach the head although the page was full."""

    def read(self, partition: int, after: int, limit: int) -> Any:
        return super().read(partition, after, limit)._replace(through=self.head(partition))


class JumpsGaps(Tables):
    """Reads on behind what expired, as if it had never been."""

    def read(self, partition: int, after: int, limit: int) -> Any:
        return super().read(partition, max(after, self.forgotten[partition]), limit)


class AnswersEarly(MemoryStore):
    """Answers an append before its events are in the log."""

    def append(self, events: Any, done: Any) -> None:
        asyncio.get_running_loop().call_soon(done, [], None)
        asyncio.get_running_loop().call_later(0.001, super().append, events, lambda appended, problem: None)


class AnswersStepsEarly(MemoryStore):
    def submit(self, commit: Commit, done: Any) -> None:
        asyncio.get_running_loop().call_soon(done, [None] * len(commit.steps), None)
        asyncio.get_running_loop().call_later(0.001, super().submit, commit, lambda outcomes, problem: None)


class AnswersAtOnce(MemoryStore):
    """Calls back before append or submit returned."""

    def _answer(self, done: Callable[[Any, Any], None], result: Any, problem: Problem | None) -> None:
        done(result, problem)

    def _enqueue(self, work: Any) -> None:
        super()._enqueue(work)
        self._flush()


class Unbounded(MemoryStore):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"limit_pending": 10**9})


class AppendsWhatFits(MemoryStore):
    """Beyond the limit, the part of the call that still fits is appended."""

    def append(self, events: Any, done: Any) -> None:
        room = self._limit_pending - self._events_pending
        if len(events) > room:
            super().append(events[:room], lambda appended, problem: None)
        super().append(events, done)


class SaysThatItDoesNotDedupe(MemoryStore):
    @property
    def log_capabilities(self) -> LogCapabilities:
        return LogCapabilities("memory", dedupes=False)


class HeadLagsBehind(MemoryStore):
    def head(self, partition: int) -> int:
        return max(0, super().head(partition) - 1)


class FollowsAll(MemoryStore):
    async def follow(self, partitions: Any) -> None:
        pass


class DeafListeners(MemoryStore):
    def listen(self, listener: Any) -> None:
        pass


class TellsOneByOne(MemoryStore):
    def listen(self, listener: Callable[[Sequence[Any]], None]) -> None:
        super().listen(lambda fresh: [listener([stored]) for stored in fresh])  # type: ignore[arg-type, return-value]


class WorksAfterClose(MemoryStore):
    async def close(self) -> None:
        self._flush()
        await asyncio.sleep(0)


class DropsOnClose(MemoryStore):
    async def close(self) -> None:
        self._closed = True
        self._queue.clear()


TABLE_BUGS: list[tuple[type[Tables], str]] = [
    (SkipsReads, "a_value_that_changed_is_a_stale_read"),
    (IgnoresBatchReads, "a_read_is_checked_against_earlier_steps_of_its_batch"),
    (IgnoresEpoch, "an_old_epoch_is_refused_whole"),
    (ForgetsMarks, "a_final_handling_is_never_applied_again"),
    (UnboundedCounters, "a_counter_never_leaves_its_bounds"),
    (ChecksAddsOneByOne, "floors_ceilings_and_several_adds_of_one_step"),
    (HalfSteps, "a_step_that_fails_leaves_nothing"),
    (OneBadStepSinksTheBatch, "one_bad_step_leaves_its_batch_standing"),
    (VersionPerKey, "a_deleted_and_rewritten_value_has_another_version"),
    (RedrivesTwice, "a_redrive_opens_the_next_generation_once"),
    (CountsGenerationsTwice, "the_books_balance_and_tallies_equal_the_rows"),
    (CursorsBeforeFencing, "cursors_move_with_their_batch"),
    (ForgetsAnswers, "an_answer_is_stored_once_per_scope_until_it_expires"),
    (DeliversTwice, "a_delivery_ends_once"),
    (LosesEmitted, "a_step_is_applied_whole"),
    (WithoutDedupe, "a_resent_event_gets_the_place_of_the_first"),
    (WithDedupeById, "another_source_is_another_identity"),
    (ShufflesWithinABatch, "positions_rise_in_the_order_of_the_calls"),
    (SliceFallsShort, "a_slice_says_how_far_it_reaches"),
    (JumpsGaps, "who_reads_from_before_a_gap_is_told"),
    (JumpsGaps, "a_partition_that_expired_whole_is_a_gap_too"),
    (IgnoresEpoch, "a_silent_member_writes_nothing_once_another_noticed"),
    (with_members(GivesToEverybody), "a_partition_is_leased_to_one_member"),
    (with_members(GivesToEverybody), "a_leased_partition_stays_with_its_member"),
    (with_members(FencesByLeaseOnly), "steps_of_no_partition_need_a_living_member_only"),
    (with_members(FencesByLifeOnly), "a_commit_with_a_partition_of_another_is_refused_whole"),
    (with_members(LivesForEver), "a_beat_prolongs_one_and_ends_those_whose_time_is_over"),
    (with_members(ComesBack), "an_epoch_that_is_gone_stays_gone"),
    (with_members(KeepsLeasesOfTheGone), "who_leaves_gives_everything_back"),
    (with_members(GivesBackAnybodys), "only_ones_own_is_given_back"),
    (with_members(MixesLeaseTimes), "mixed_settings_and_another_estate_are_refused"),
    (with_members(KeepsTheOwner), "who_owns_alone_ends_all_members_and_whoever_joins_ends_it"),
    (ForgetsCursors, "a_flow_begins_when_its_first_member_joins"),
]
STORE_BUGS: list[tuple[type[MemoryStore], str]] = [
    (AnswersEarly, "positions_come_after_the_commit"),
    (AnswersStepsEarly, "the_answer_comes_after_the_commit"),
    (AnswersAtOnce, "done_is_called_once_and_never_before_append_returns"),
    (HeadLagsBehind, "done_means_readable"),
    (Unbounded, "beyond_the_limit_of_steps_the_caller_is_told"),
    (Unbounded, "beyond_the_limit_the_caller_is_told_at_once"),
    (AppendsWhatFits, "a_refused_call_appends_none_of_its_events"),
    (DeafListeners, "listeners_hear_each_event_once_in_order_and_readable"),
    (SaysThatItDoesNotDedupe, "a_log_that_does_not_dedupe_says_so"),
    (FollowsAll, "listeners_hear_of_followed_partitions_only"),
    (TellsOneByOne, "the_events_of_a_call_appear_together"),
    (WorksAfterClose, "close_finishes_the_submitted_steps_then_refuses"),
    (DropsOnClose, "close_finishes_what_was_submitted_then_refuses"),
    (CommitsLate, "partitions_go_from_hand_to_hand_under_load"),
]
BY_NAME: dict[str, Check] = {check.name: check for check in [*CHECKS, *MEMBERSHIP_CHECKS]}


@pytest.mark.parametrize(("bug", "check"), TABLE_BUGS)
async def test_a_bug_in_the_tables_is_caught(bug: type[Tables], check: str) -> None:
    await must_fail(BY_NAME[check], MemoryHarness(tables=bug))


@pytest.mark.parametrize(("bug", "check"), STORE_BUGS)
async def test_a_bug_in_the_store_is_caught(bug: type[MemoryStore], check: str) -> None:
    await must_fail(BY_NAME[check], MemoryHarness(store_class=bug))


async def must_fail(check: Check, harness: MemoryHarness) -> None:
    """By the check's own finding, not by a mistake of the planted bug."""
    mine: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: mine.append(context))
    try:
        with pytest.raises((AssertionError, TimeoutError, Problem)):
            await asyncio.wait_for(check.run(harness), 5)
    finally:
        asyncio.get_running_loop().set_exception_handler(None)


@pytest.mark.parametrize("port", [EventLog, StateStore, Membership])
def test_every_promise_has_a_bug_that_it_catches(port: type) -> None:
    """Not every check needs a planted bug; every bullet of the ports' promises does."""
    checks = [BY_NAME[name] for _, name in (*TABLE_BUGS, *STORE_BUGS)]
    assert set(promised(port)) <= {check.promise for check in checks if check.port == port.__name__}
