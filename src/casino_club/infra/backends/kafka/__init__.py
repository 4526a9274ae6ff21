"""Carries the log through a topic of Kafka: the relay's end, which writes, and the consumers' end, which reads."""
