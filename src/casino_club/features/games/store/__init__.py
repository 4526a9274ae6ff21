"""Every SQL statement of this slice, one file per topic."""
