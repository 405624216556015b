"""Releases on their way to destinations. Reads the release store and nothing else: no original is in reach.

Each destination has a courier of its own, so that one that is slow or down holds up nobody. A destination
that cannot be reached uses up no delivery's attempts: its circuit opens, and it is tried again after a pause.
"""

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select, update

from service import jobs
from service.blobs import Blobs, segmentation_key
from service.database import Database
from service.deliveries import ACTOR, record, settle
from service.destinations import Answer, Context, Peer, Unreachable, Verdict
from service.errors import LeaseLost
from service.jobs import Claim
from service.logs import bound, get_logger
from service.settings import Destination, Settings
from service.states import DeliveryState, Item
from service.storage_classes import SEGMENTATION
from service.tables import Delivery, Release, utc_now
from service.traces import traced

BATCH = 16
MAP: Final = Context(SEGMENTATION, "1.2.840.10008.1.2.1")
LONGEST_PAUSE = timedelta(seconds=60)


class Courier:
    """Carries what is due to one destination; one thread or task uses it at a time."""

    def __init__(
        self,
        settings: Settings,
        destination: Destination,
        database: Database,
        releases: Blobs,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._name = destination.name
        self._database = database
        self._releases = releases
        self._clock = clock
        self._peer = Peer(settings, destination)
        self._failures = 0
        self._closed_until = 0.0
        self._lease = timedelta(seconds=settings.work.lease_seconds)
        self._log = get_logger(process=ACTOR, destination=destination.name)

    def send_due(self, limit: int = BATCH) -> int:
        """Send up to `limit` due deliveries and return how many were tried."""
        if self._clock() < self._closed_until:
            return 0
        contexts = self._due_contexts()
        if not contexts:
            self._peer.rest()
            return 0
        try:
            self._peer.connect(contexts)
        except Unreachable as problem:
            return self._refused(limit, str(problem)) if problem.forever else self._unreachable(str(problem))
        return self._send_batch(limit)

    def close(self) -> None:
        self._peer.close()

    def _send_batch(self, limit: int) -> int:
        for tried in range(limit):
            claim = self._claim()
            if claim is None:
                return tried
            with bound(delivery_id=claim.id):
                answer = self._send(claim)
                self._settle(claim, answer)
            if answer.verdict is Verdict.LATER:
                self._open_circuit()
                return tried + 1
            self._failures = 0
        return limit

    def _refused(self, limit: int, reason: str) -> int:
        """The peer refuses on principle: what is due goes to the desk, where a person sees why."""
        for tried in range(limit):
            claim = self._claim()
            if claim is None:
                return tried
            self._settle(claim, Answer(Verdict.NEVER, reason=reason))
        return limit

    def _unreachable(self, reason: str) -> int:
        self._log.warning("destination.unreachable", reason=reason)
        with self._database.transaction() as session:
            session.execute(update(Delivery).where(*self._due()).values(last_error=reason))
            if self._failures == 0:
                record(session, self._name, Answer(Verdict.LATER, reason=reason))
        self._open_circuit()
        return 0

    def _open_circuit(self) -> None:
        self._failures += 1
        self._closed_until = self._clock() + min(jobs.backoff(self._failures), LONGEST_PAUSE).total_seconds()

    def _claim(self) -> Claim | None:
        with self._database.transaction() as session:
            where = (Delivery.destination == self._name,)
            attempts = self._settings.work.max_attempts
            claims = jobs.claim(
                session, Delivery, DeliveryState.PENDING, 1, self._lease, where=where, max_attempts=attempts
            )
        return claims[0] if claims else None

    def _due(self) -> tuple[Any, ...]:
        return (
            Delivery.destination == self._name,
            Delivery.state == DeliveryState.PENDING,
            Delivery.not_before <= utc_now(),
        )

    def _due_contexts(self) -> frozenset[Context]:
        columns = select(Release.sop_class_uid, Release.transfer_syntax_uid, Delivery.item).distinct()
        with self._database.read() as session:
            rows = session.execute(columns.join(Delivery, Delivery.release_id == Release.id).where(*self._due()))
            return frozenset(_context(*row) for row in rows)

    def _send(self, claim: Claim) -> Answer:
        with self._database.read() as session:
            parcels = select(Release, Delivery.item).join(Delivery).where(Delivery.id == claim.id)
            release, item = session.execute(parcels).one()._tuple()
        is_map = item == Item.SEGMENTATION
        blob, digest = (
            (segmentation_key(release.blob), release.segmentation) if is_map else (release.blob, release.digest)
        )
        try:
            with traced("forward", release.photograph_id), self._releases.path(blob) as path:
                if _digest(path) != digest:
                    return Answer(Verdict.NEVER, reason="the stored object is not the one that was released")
                self._peer.connect({_context(release.sop_class_uid, release.transfer_syntax_uid, item)})
                return self._peer.send(path)
        except Unreachable as problem:
            return Answer(Verdict.NEVER if problem.forever else Verdict.LATER, reason=str(problem))
        except FileNotFoundError:
            return Answer(Verdict.NEVER, reason="the released object is missing from the release store")

    def _settle(self, claim: Claim, answer: Answer) -> None:
        """Put on record what the peer said; an attempt that was the last one goes to the desk."""
        if answer.verdict is Verdict.LATER and claim.attempt >= self._settings.work.max_attempts:
            answer = answer._replace(verdict=Verdict.NEVER)
        with suppress(LeaseLost), self._database.transaction() as session:
            settle(session, claim, self._name, answer)
        self._log.info("delivery.settled", outcome=answer.verdict, status=answer.status, reason=answer.reason)


def _context(sop_class_uid: str, transfer_syntax_uid: str, item: str) -> Context:
    """What the peer must accept for a release's photograph, or for the map beside it."""
    return MAP if item == Item.SEGMENTATION else Context(sop_class_uid, transfer_syntax_uid)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
