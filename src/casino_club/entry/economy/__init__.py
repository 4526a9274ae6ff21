"""The economy simulator: the platform's own rules on synthetic users, without a database."""
