#!/usr/bin/env python3
"""Follows the topic as another service would, with confluent-kafka alone: plays of each user, counted once.

Usage: example_consumer.py BROKERS [TOPIC] [GROUP]. Prints a line per user and change; Ctrl-C ends it.
"""

import json
import sys

from confluent_kafka import Consumer, KafkaException


def main(brokers: str, topic: str = "user_actions", group: str = "example") -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": group,
            "isolation.level": "read_committed",  # or rows would show that were never sent
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic])
    plays: dict[int, int] = {}
    last_ids: dict[int, int] = {}  # one user's ids rise; a row at or below the last one was counted before
    try:
        while True:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error():
                raise KafkaException(message.error())
            if message.value() is not None:  # else it is a mark of the relay's
                action = json.loads(message.value())
                user, row = action["user_id"], action["id"]
                if row > last_ids.get(user, 0):
                    last_ids[user] = row
                    plays[user] = plays.get(user, 0) + action["is_play"]
                    print(f"user {user}: {plays[user]} plays, last {action['action_type']} (row {row})", flush=True)
            consumer.commit(message)  # keep it with your effect, in one transaction, if you can
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
