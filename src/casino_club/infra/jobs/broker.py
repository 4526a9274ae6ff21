"""Celery on Redis, as the way a run gets to a worker. Messages say which run to look at, the rows say what is true.

So a message may be lost, doubled or late: no results, no acknowledgements after the work, no retries are asked of it.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

from celery import Celery
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

QUEUE: Final = "jobs"
TASK: Final = "casino_club.run"
PREFIX: Final = "casino_club:"
ANSWER_SECONDS_MAX: Final = 5.0


def celery_app(redis_url: str) -> Celery:
    """Celery as both sides use it."""
    app = Celery("casino_club", broker=broker_url(redis_url), set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        broker_connection_max_retries=None,
        broker_connection_retry_on_startup=True,
        broker_pool_limit=1,
        broker_transport_options={
            "global_keyprefix": PREFIX,
            "socket_timeout": ANSWER_SECONDS_MAX,
            "socket_connect_timeout": ANSWER_SECONDS_MAX,
        },
        enable_utc=True,
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_publish_retry=False,
        timezone="UTC",
        worker_enable_remote_control=False,
        worker_prefetch_multiplier=1,
        worker_redirect_stdouts=False,
    )
    return app


def broker_url(redis_url: str) -> str:
    """The same address in Celery's words: it calls a Unix socket `redis+socket`, and a database a virtual host."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    (number,) = parse_qs(parts.query).get("db", ["0"])
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return f"redis+socket://{user}{quote(parts.path)}?virtual_host={number}"


class Sender:
    """Sends runs to workers. What can't be sent is sent again later, since its row still says that it waits."""

    def __init__(self, redis_url: str) -> None:
        self._app = celery_app(redis_url)

    def send(self, runs: Sequence[tuple[str, datetime]]) -> Sequence[tuple[str, datetime]]:
        """What could not be sent. Blocks for as long as Redis takes, so call it in a thread."""
        for number, (job, due_at) in enumerate(runs):
            try:
                self._app.send_task(TASK, (job, due_at.isoformat()), ignore_result=True, retry=False)
            except (OperationalError, OSError) as away:
                logger.warning("runs wait for Redis", extra={"reason": repr(away)})
                return runs[number:]
        return ()

    def close(self) -> None:
        self._app.close()


def register(app: Celery, run: Any) -> None:
    """Have messages handled by this function of a job's name and a due time."""
    app.task(name=TASK, ignore_result=True, acks_late=False)(run)
