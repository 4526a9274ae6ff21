"""PostgreSQL: the one MetaData, connections, transactions and migrations."""
