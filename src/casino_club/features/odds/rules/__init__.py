"""What odds are made of: tables and their one text, exact figures, draws and their proofs, the watch over both."""
