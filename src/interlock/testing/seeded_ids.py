"""Identifiers and chance that a seed repeats: those of the simulation, for tests."""

from interlock.simulation.seeded_ids import SeededIds as SeededIds
