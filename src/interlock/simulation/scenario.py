"""What is simulated: an estate with its drills, and how often each kind of fault strikes."""

from __future__ import annotations

import importlib
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interlock.estate.estate import Estate
from interlock.estate.folder import Folder
from interlock.estate.loader import load
from interlock.model.problems import SettingInvalid
from interlock.sdk.drill import ApiCall, Drill, End, Fact
from interlock.simulation.client import sendings_of
from interlock.simulation.life import told

FOLDER = "drills"
# Kinds of faults: how often one strikes where it could (of each request, commit, call …), or how many a schedule has at
# most, for those that are planned. What each one does: docs/guides/simulate-your-estate.md.
RATES: Mapping[str, float] = {
    "unreachable": 0.004,
    "answer lost": 0.012,
    "refused": 0.012,
    "disk full": 0.006,
    "delayed": 0.02,
    "late arrival": 0.6,
    "sent twice": 0.03,
    "system fails": 0.05,
    "request lost": 0.03,
    "request twice": 0.04,
    "request late": 0.04,
    "reply lost": 0.04,
    "post lost": 0.04,
    "posted twice": 0.05,
    "acknowledgement lost": 0.06,
    "handler fails": 0.02,
}
PLANNED: Mapping[str, int] = {
    "crash": 2,
    "crash at commit": 2,
    "pause": 2,
    "restart": 1,
    "replaced": 1,
    "store away": 2,
    "system away": 1,
    "clock stepped": 1,
}
Invariant = Callable[[End], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """`rates` and `planned` as above; `invariants` and `answers` are the users'."""

    estate: Estate
    drills: tuple[Drill, ...] = ()
    rates: Mapping[str, float] = field(default_factory=lambda: dict(RATES))
    planned: Mapping[str, int] = field(default_factory=lambda: dict(PLANNED))
    layouts: tuple[str, ...] = ("alone", "shared", "shared", "apart", "apart alone")

    @property
    def invariants(self) -> dict[str, Invariant]:
        return {one.__name__: one for drill in self.drills for one in drill.invariants}

    @property
    def answers(self) -> dict[str, Callable[..., tuple[int, Any]]]:
        return {name: answer for drill in self.drills for name, answer in drill.answers.items()}


def scenario_of(root: Path, environment: str = "local", faults: Iterable[str] = ()) -> Scenario:
    """The estate of a folder with its drills. `faults`: only these kinds. SettingInvalid for what cannot be used."""
    estate = load(root, environment)
    scenario = limited(Scenario(estate, drills_of(estate)), faults)
    if not any(drill.feeds for drill in scenario.drills):
        raise SettingInvalid(
            f"The estate {estate.name} has no drill that feeds it.",
            next_step=f"Write one in {FOLDER}/: docs/guides/simulate-your-estate.md shows how.",
        )
    refuse_strange_answers(scenario)
    refuse_one_name_twice(scenario)
    try:
        sendings_of(fed(scenario, random.Random(0)), estate)  # noqa: S311 - a trial
    except Exception as error:
        raise SettingInvalid(
            f"A feed of the estate {estate.name} gave nothing that can be sent: {told(error)}.",
            next_step=f"Correct it in {FOLDER}/: yield Facts of the estate's contracts and ApiCalls of its operations.",
        ) from error
    return scenario


def fed(scenario: Scenario, chance: random.Random) -> list[Fact | ApiCall]:
    """All that the drills feed, by one seed."""
    return [item for drill in scenario.drills for feed in drill.feeds for item in feed(chance)]


def drills_of(estate: Estate) -> tuple[Drill, ...]:
    """Those of drills/*.py, in order of their files."""
    found: dict[int, Drill] = {}
    for path in Folder(estate.root).under(FOLDER, ".py"):
        name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        try:
            module = importlib.import_module(f"{estate.package}.{name}")
        except Exception as error:
            raise SettingInvalid(
                f"{path} cannot be read: {told(error)}.", next_step="Correct it; an engine does not need it."
            ) from error
        found.update({id(one): one for one in vars(module).values() if isinstance(one, Drill)})
    return tuple(found.values())


def refuse_strange_answers(scenario: Scenario) -> None:
    for drill in scenario.drills:
        for operation in drill.answers:
            if scenario.estate.operation(operation) is None:
                raise SettingInvalid(
                    f"The drill {drill.name} answers {operation}, which no system of the estate offers.",
                    next_step="Name an operation of systems/*.toml, as <system>.<operation>.",
                )


def refuse_one_name_twice(scenario: Scenario) -> None:
    """The second one would take the place of the first, and nobody would ask that any more."""
    names = Counter(one.__name__ for drill in scenario.drills for one in drill.invariants)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise SettingInvalid(f"Two invariants are named {twice[0]}.", next_step="Give each a name of its own.")


def limited(scenario: Scenario, faults: Iterable[str]) -> Scenario:
    """With these kinds of faults only; all of them when none is named."""
    wanted = list(faults)
    known = {*RATES, *PLANNED}
    for one in wanted:
        if one not in known:
            raise SettingInvalid(f"There is no fault {one}.", next_step=f"Name some of: {', '.join(sorted(known))}.")
    if not wanted:
        return scenario
    rates = {kind: rate for kind, rate in scenario.rates.items() if kind in wanted}
    planned = {kind: most for kind, most in scenario.planned.items() if kind in wanted}
    return Scenario(scenario.estate, scenario.drills, rates, planned, scenario.layouts)
