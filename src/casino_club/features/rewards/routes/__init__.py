"""Routes of this slice, one file per kind of caller."""
