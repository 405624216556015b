"""How often one address may ask, and how often anybody may guess: token buckets in bounded memory.

Each process counts for itself. IPv6 addresses count by their network of 64 bits, of which one machine has as many
addresses as it likes.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Final

_MOST: Final = 10_000  # addresses or names that are remembered; the one not seen for longest is forgotten


class TooOften(Exception):
    """Wait for so many seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Buckets:
    """`burst` requests at once, then `rate` a second, for each key."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> None:
        """Raises TooOften when nothing is left."""
        with self._lock:
            now = self._clock()
            left, since = self._left.pop(key, (float(self._burst), now))
            left = min(left + (now - since) * self._rate, float(self._burst))
            self._left[key] = (left - 1 if left >= 1 else left, now)
            if len(self._left) > _MOST:
                self._left.popitem(last=False)
        if left < 1:
            raise TooOften(max(ceil((1 - left) / self._rate), 1))

    def put_back(self, key: str) -> None:
        with self._lock:
            left, since = self._left.get(key, (float(self._burst), self._clock()))
            self._left[key] = (min(left + 1, float(self._burst)), since)

    def __len__(self) -> int:
        return len(self._left)


class Throttle:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._requests = Buckets(40, 600, clock)
        self._guesses = Buckets(1 / 3, 30, clock)
        self._names = Buckets(1 / 6, 15, clock)

    def request(self, address: str) -> None:
        """One request of any kind. Raises TooOften."""
        self._requests.take(network_of(address))

    def guess(self, address: str, name: str) -> None:
        """One attempt to be somebody: a password, a code, a token, a link. Raises TooOften."""
        self._guesses.take(network_of(address))
        if name:
            self._names.take(name)

    def forgive(self, address: str) -> None:
        """It was no guess: they are who they said."""
        self._guesses.put_back(network_of(address))


def network_of(address: str) -> str:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped) if parsed.ipv4_mapped else parsed.exploded[:19]
