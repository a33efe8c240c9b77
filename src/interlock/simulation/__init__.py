"""Whole deployments on simulated time: processes, stores, network and outside systems, broken as a seed has it."""
