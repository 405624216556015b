"""Send what was sealed to the audit repositories, entry after entry, each checkpoint behind its last entry.

Only sealed entries go out: their order is final. The position moves when a connection ended in order, so a
repository gets everything at least once; what it got twice bears the same entry's id.
"""

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.checkpoints import line
from service.database import Database
from service.errors import LeaseLost, Retry
from service.logs import get_logger
from service.messages import transmissions, transport
from service.messages.document import render
from service.messages.events import DONE, message
from service.messages.facts import Facts, gather
from service.messages.occasions import Occasion
from service.messages.syslog import AUDIT_MESSAGE, CHECKPOINT, NOTICE, WARNING, frame
from service.messages.transmissions import Turn
from service.settings import AuditRepository, Settings
from service.tables import AuditCheckpoint, AuditEntry, AuditLeaf

BATCH: Final = 500

Placed = tuple[int, AuditEntry]


class Reporter:
    """Sends to one repository. `settings` is asked for each batch, since destinations come and go."""

    def __init__(
        self, settings: Callable[[], Settings], database: Database, repository: AuditRepository, batch: int = BATCH
    ) -> None:
        self._settings = settings
        self._database = database
        self._repository = repository
        self._batch = batch
        self._log = get_logger(process=transmissions.ACTOR, destination=repository.name)

    def send_due(self) -> int:
        """Send one batch of what waits; how many entries it covered, 0 also when it is not our turn or did not work."""
        turn = transmissions.take(self._database, self._repository.name)
        if turn is None:
            return 0
        try:
            return self._send(turn)
        except LeaseLost as lost:
            self._log.warning("messages.overtaken", reason=str(lost))
            return 0

    def _send(self, turn: Turn) -> int:
        entries, frames = self._due(turn.position)
        try:
            if frames:
                transport.send(self._repository, frames)
        except Retry as problem:
            pause = transmissions.fail(self._database, turn, str(problem))
            self._log.warning("messages.failed", reason=str(problem), delay_seconds=round(pause.total_seconds(), 1))
            return 0
        transmissions.succeed(self._database, turn, turn.position + len(entries), spoken=bool(frames))
        return len(entries)

    def _due(self, position: int) -> tuple[list[Placed], list[bytes]]:
        """What the next batch covers, and its frames in order, each checkpoint behind its last entry."""
        settings = self._settings()
        with self._database.read() as session:
            entries = _sealed(session, position, self._batch)
            facts = gather(session, (entry.photograph_id for _, entry in entries))
            end = position + len(entries)
            checkpoints = _checkpoints(session, position, end) if self._repository.checkpoints else []
        frames = [(at + 1, _frame(at, entry, facts, settings)) for at, entry in entries]
        frames += [(checkpoint.size, _checkpoint_frame(checkpoint, settings)) for checkpoint in checkpoints]
        frames.sort(key=lambda numbered: numbered[0])  # stable: entry n before the checkpoint that ends with it
        return entries, [data for _, data in frames if data]


def _frame(position: int, entry: AuditEntry, facts: dict[str, Facts], settings: Settings) -> bytes:
    """The entry's frame; nothing for one that no message tells of."""
    known = facts.get(entry.photograph_id or "", Facts())
    destinations = {destination.name: destination for destination in settings.destinations}
    found = message(Occasion(entry, position, settings.audit, settings.listener.ae_title, known, destinations))
    if found is None:
        return b""
    severity = NOTICE if found.outcome == DONE else WARNING
    return frame(render(found), entry.occurred_at, settings.audit.source, AUDIT_MESSAGE, severity)


def _checkpoint_frame(checkpoint: AuditCheckpoint, settings: Settings) -> bytes:
    return frame(line(checkpoint).rstrip(b"\n"), checkpoint.sealed_at, settings.audit.source, CHECKPOINT)


def _sealed(session: Session, position: int, limit: int) -> list[Placed]:
    query = (
        select(AuditLeaf.position, AuditEntry)
        .join(AuditEntry, AuditEntry.id == AuditLeaf.entry_id)
        .where(AuditLeaf.position >= position)
        .order_by(AuditLeaf.position)
        .limit(limit)
    )
    return [(at, entry) for at, entry in session.execute(query)]


def _checkpoints(session: Session, first: int, end: int) -> Sequence[AuditCheckpoint]:
    """The checkpoints of batches that end with an entry of [first, end)."""
    ending = select(AuditCheckpoint).where(AuditCheckpoint.size > first, AuditCheckpoint.size <= end)
    return session.scalars(ending.order_by(AuditCheckpoint.batch)).all()
