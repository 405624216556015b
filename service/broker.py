"""The broker's side of the doorbell: queues, settings, and rings that never hold anybody up.

The listener rings with this alone, so that it loads neither models nor couriers.
"""

import threading
from datetime import timedelta
from typing import Any, Final

from celery import Celery

from service.logs import get_logger
from service.settings import Settings

WORK: Final = "veragate.work"
SEND: Final = "veragate.send"
SWEEP: Final = "veragate.sweep"
SEAL: Final = "veragate.seal"
TIDY: Final = "veragate.tidy"
QUEUES: Final = {WORK: "work", SEND: "send", SWEEP: "sweep", SEAL: "sweep", TIDY: "sweep"}
_TIDY_SECONDS: Final = 6 * 3600.0
MOST_RINGS: Final = 8
_VISIBILITY_SECONDS: Final = 600


def make_client(settings: Settings) -> Celery:
    """A Celery application that can send every task of this gateway; `service.tasks` makes one that runs them."""
    app = Celery("veragate", broker=settings.broker_url)
    app.conf.update(_configuration(settings))
    return app


def ring(app: Celery, name: str, *args: str) -> None:
    """Publish one wake-up; a broker that is away is no error, since the sweep rings again."""
    try:
        app.send_task(name, args=args, retry=False)
    except Exception as error:  # every transport brings exceptions of its own
        get_logger(process="doorbell").warning("doorbell.silent", error=type(error).__name__)


class Doorbell:
    """Rings from the listener without ever holding up a store: a thread of its own talks to the broker."""

    def __init__(self, settings: Settings) -> None:
        self._app = make_client(settings)
        self._waiting = 0
        self._changed = threading.Condition()
        threading.Thread(target=self._publish, daemon=True, name="doorbell").start()

    def ring(self) -> None:
        with self._changed:
            self._waiting += 1
            self._changed.notify()

    def _publish(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting > 0)
                rings, self._waiting = min(self._waiting, MOST_RINGS), 0
            for _ in range(rings):
                ring(self._app, WORK)


def _configuration(settings: Settings) -> dict[str, Any]:
    """Measured against lost and repeated tasks; remote control stays on, for without it a worker can go deaf
    for ever when Redis restarts during a task."""
    every = {SWEEP: settings.work.sweep_seconds, SEAL: settings.work.seal_seconds, TIDY: _TIDY_SECONDS}
    return {
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_acks_on_failure_or_timeout": True,
        "task_ignore_result": True,
        "task_routes": {name: {"queue": queue} for name, queue in QUEUES.items()},
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,  # our log writes to stderr: redirected into the log it would wait for itself
        "worker_soft_shutdown_timeout": 30,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            "visibility_timeout": _VISIBILITY_SECONDS,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "global_keyprefix": f"veragate:{settings.project}:",
            "socket_timeout": 30,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
        "beat_scheduler": "celery.beat:Scheduler",
        "beat_schedule": {
            name: {"task": name, "schedule": timedelta(seconds=seconds), "options": {"expires": 10 * seconds}}
            for name, seconds in every.items()
        },
    }
