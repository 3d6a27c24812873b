"""Celery: two queues, so that a bulk send never delays a call, and the beat schedule."""

from __future__ import annotations

import os
import signal
from threading import Timer

from celery import Celery
from celery.signals import setup_logging, worker_process_init, worker_shutting_down
from django.conf import settings

from registrations.long_running import settle_in, take_short_turns

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pushdash.settings")

#: A worker that was told to stop is killed then: without Redis it would ask for it for ever.
LONGEST_SHUTDOWN_SECONDS = 60
#: Seconds between two wake-ups by beat.
PERIODS = {
    "tasks.wake_voip": 1.0,
    "tasks.wake_bulk": 1.0,
    "tasks.settle": 0.25,
    "ring_tasks.ring": 1.0,
    "bulk_tasks.work_off": 1.0,
    "tasks.watch_releases": 30.0,
    "tasks.watch_alarms": 30.0,
    "tasks.watch_certificates": 600.0,
}

app = Celery("pushdash")
app.conf.update(
    broker_url=settings.REDIS_URL.replace("unix://", "redis+socket://").replace(
        "?db=", "?virtual_host="
    ),
    broker_connection_retry_on_startup=True,
    # A worker's own read waits a second; a Redis that hangs is as good as away.
    broker_transport_options={
        "socket_connect_timeout": 2,
        "socket_timeout": 3,
        "max_retries": 3,
    },
    task_ignore_result=True,
    task_default_queue="bulk",
    task_routes={
        "notifications.tasks.wake_voip": {"queue": "voip"},
        "notifications.tasks.wake_bulk": {"queue": "bulk"},
        "notifications.tasks.settle": {"queue": "settle"},
        "notifications.bulk_tasks.work_off": {"queue": "settle"},
        "notifications.ring_tasks.ring": {"queue": "settle"},
    },
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    #: A wake-up nobody took in time is worth nothing: the next one is there. A strike
    #: is on the screen within 2 s of its deadline; a log may show it a second late.
    beat_schedule={
        name: {
            "task": f"notifications.{name}",
            "schedule": seconds,
            "options": {"expires": max(2, seconds / 2)},
        }
        for name, seconds in PERIODS.items()
    },
)
app.autodiscover_tasks()
app.autodiscover_tasks(["notifications"], related_name="bulk_tasks")
app.autodiscover_tasks(["notifications"], related_name="ring_tasks")


@setup_logging.connect
def keep_our_logging(**_) -> None:
    """Django's LOGGING is the only one: tokens are masked there."""


@worker_process_init.connect
def settle_in_worker(**_) -> None:
    """The process that sends, after its fork."""
    settle_in()
    take_short_turns()


@worker_shutting_down.connect
def stop_in_time(**_) -> None:
    """What a killed worker leaves behind is taken up by the next, as after any crash."""
    timer = Timer(LONGEST_SHUTDOWN_SECONDS, leave)
    timer.daemon = True
    timer.start()


def leave() -> None:
    """End this process at once, and its pool where that is a group of its own."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
