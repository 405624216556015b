"""The couriers of all destinations, which come and go with the configuration while the process runs.

couriers = Couriers(live, database)
couriers.named("archive")            # scaled out: a task asks for the one that it was rung for
rounds = Rounds(couriers, interval)  # embedded: a thread for each
rounds.follow()
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from service.blobs import Blobs
from service.configuration import Live
from service.database import Database
from service.forwarding import Courier
from service.settings import Destination

Repeat = Callable[[threading.Event, Callable[[], int]], None]


class Couriers:
    """Makes couriers, with the release store and nothing else in hand, and keeps those that tasks share."""

    def __init__(self, live: Live, database: Database) -> None:
        self._live = live
        self._database = database
        self._releases = Blobs(live.file.releases)
        self._kept: dict[str, tuple[Destination, Courier]] = {}

    def destinations(self) -> tuple[Destination, ...]:
        return self._live.current().destinations

    def make(self, destination: Destination) -> Courier:
        return Courier(self._live.file, destination, self._database, self._releases)

    def named(self, name: str) -> Courier | None:
        """The courier to the destination as it is configured now; None when it is not configured any more."""
        wanted = next((d for d in self.destinations() if d.name == name), None)
        kept = self._kept.get(name)
        if kept is not None and kept[0] == wanted:
            return kept[1]
        if kept is not None:
            del self._kept[name]
            kept[1].close()
        if wanted is None:
            return None
        self._kept[name] = wanted, self.make(wanted)
        return self._kept[name][1]


@dataclass
class _Round:
    """One courier on its way again and again in a thread of its own."""

    destination: Destination
    courier: Courier
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def run(self, repeat: Repeat) -> None:
        try:
            repeat(self.stop, self.courier.send_due)
        finally:
            self.courier.close()


class Rounds:
    """A thread for each destination; one whose destination changed ends before its successor begins."""

    def __init__(self, couriers: Couriers, repeat: Repeat) -> None:
        self._couriers = couriers
        self._repeat = repeat
        self._running: dict[str, _Round] = {}

    def follow(self) -> None:
        """End the rounds to destinations that are gone or changed, begin those that are new."""
        wanted = {destination.name: destination for destination in self._couriers.destinations()}
        for name, round_ in list(self._running.items()):
            if wanted.get(name) != round_.destination:
                round_.stop.set()
            if round_.thread is not None and not round_.thread.is_alive():
                del self._running[name]
        for name in wanted.keys() - self._running.keys():
            self._begin(wanted[name])

    def end(self) -> None:
        """Let every courier finish what it is sending."""
        for round_ in self._running.values():
            round_.stop.set()
        for round_ in self._running.values():
            if round_.thread is not None:
                round_.thread.join()
        self._running.clear()

    def _begin(self, destination: Destination) -> None:
        round_ = _Round(destination, self._couriers.make(destination))
        round_.thread = threading.Thread(target=round_.run, args=(self._repeat,), name=f"to {destination.name}")
        self._running[destination.name] = round_
        round_.thread.start()
