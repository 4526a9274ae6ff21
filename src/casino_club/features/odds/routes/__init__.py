"""The ways in over HTTP, in files by who calls."""
