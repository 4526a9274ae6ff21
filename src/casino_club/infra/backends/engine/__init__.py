"""The private ClickHouse engine: one process that holds a folder and answers ClickHouse's HTTP protocol on loopback."""
