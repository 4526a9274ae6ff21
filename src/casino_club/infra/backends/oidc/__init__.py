"""Identity providers, spoken to over HTTP with bounds on everything that they send."""
