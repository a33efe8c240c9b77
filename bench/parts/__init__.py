"""The parts of the bench, each one question."""
