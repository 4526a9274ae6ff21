"""Use cases of this slice, one file per topic."""
