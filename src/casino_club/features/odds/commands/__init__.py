"""Use cases of odds, in files by topic."""
