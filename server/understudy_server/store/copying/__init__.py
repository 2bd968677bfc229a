"""Moves everything from one store to another, of whatever kinds they are."""
