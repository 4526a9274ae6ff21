"""Statements of this slice, one file per topic."""
