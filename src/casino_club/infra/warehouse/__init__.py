"""The warehouse as infrastructure: blocks of rows, generations of tables, typed reads with their watermark."""
