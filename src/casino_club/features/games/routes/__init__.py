"""The ways in over HTTP, one file per topic."""
