"""Who looked at which picture, on record before it is shown."""

from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit
from service.audit import Action
from service.database import Database
from service.tables import AuditEntry, utc_now

_ONE_LOOK: Final = timedelta(minutes=10)


def record_original(database: Database, photograph_id: str, person: str) -> None:
    """Each look at an original is an entry of its own."""
    with database.transaction() as session:
        audit.record(session, Action.ORIGINAL_VIEWED, actor=person, photograph_id=photograph_id)


def record_result(database: Database, photograph_id: str, person: str) -> None:
    """A page shows a result in several sizes and layers: what one person sees in ten minutes is one look."""
    with database.read() as session:
        if _looked(session, photograph_id, person):
            return
    with database.transaction() as session:
        audit.record(session, Action.PHOTOGRAPH_VIEWED, actor=person, photograph_id=photograph_id)


def _looked(session: Session, photograph_id: str, person: str) -> bool:
    look = select(AuditEntry.id).where(
        AuditEntry.photograph_id == photograph_id,
        AuditEntry.occurred_at > utc_now() - _ONE_LOOK,
        AuditEntry.action == Action.PHOTOGRAPH_VIEWED,
        AuditEntry.actor == person,
    )
    return session.scalars(look.limit(1)).first() is not None
