"""Measurements, each with a command of its own; never part of the test suite."""
