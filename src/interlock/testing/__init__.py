"""Shipped test tools: conformance suites, fakes, faults. Nothing in Interlock imports this room."""
