"""The log as infrastructure: room for rows, reading in a safe order, subscriptions, positions, replay."""
