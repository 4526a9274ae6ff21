"""Routes of this slice, one file per audience."""
