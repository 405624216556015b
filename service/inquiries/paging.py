"""Pages of an answer, each as fast in a log of ten million entries as in a short one.

On PostgreSQL that needs care: asked for the newest few entries of a rare combination, it would read millions of the
common part. So the combinations of actor, action and outcome that exist are walked first, in the index and by one
probe each, and then each of them gives its newest entries from the same index. On SQLite, which holds a practice and
not a hospital, one plain query does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, select, true, tuple_
from sqlalchemy.orm import Session

from service.cursors import cursor, parse_cursor
from service.inquiries.asking import Inquiry
from service.inquiries.conditions import Condition, Key, Source, about, beside_photographs, equal, sources, span
from service.tables import AuditEntry

Keys = Select[*tuple[Any, ...]]  # occurred_at, id
MOST: Final = 1000


@dataclass(frozen=True)
class Page:
    """The newest entries that answer an inquiry; `after` asks for those before them, None when these were the last."""

    entries: Sequence[AuditEntry]
    after: str | None


def search(session: Session, inquiry: Inquiry, after: str | None = None, limit: int = 50) -> Page:
    """One page of the answer, the newest first. Raises VeraGateError for a cursor that no page gave out."""
    limit = min(max(limit, 1), MOST)
    before = None if after is None else parse_cursor(after)
    queries = _queries(session, inquiry, before, limit + 1)
    found = {(row[0], row[1]) for query in queries for row in session.execute(query)}
    keys = sorted(found, reverse=True)
    query = select(AuditEntry).where(AuditEntry.id.in_([entry_id for _, entry_id in keys[:limit]]))
    entries = sorted(session.scalars(query), key=lambda entry: (entry.occurred_at, entry.id), reverse=True)
    return Page(entries, cursor(keys[limit - 1]) if len(keys) > limit else None)


def _queries(session: Session, inquiry: Inquiry, before: Key | None, limit: int) -> list[Keys]:
    """Queries whose newest keys together are the newest keys of the answer."""
    if alternatives := about(inquiry):
        return [_few([condition, *beside_photographs(inquiry, before)], limit) for condition in alternatives]
    if session.get_bind().dialect.name == "postgresql":
        return [_merged(source, inquiry, before, limit) for source in sources(inquiry)]
    conditions = [*equal(inquiry), *span(inquiry, before)]
    return [_newest(limit).where(*source.fixed, *conditions) for source in sources(inquiry)]


def _few(conditions: list[Condition], limit: int) -> Keys:
    """All keys first and the newest of them then; PostgreSQL would walk through time until it has met enough."""
    keys = select(AuditEntry.occurred_at, AuditEntry.id).where(*conditions).cte("found")
    found = keys.prefix_with("MATERIALIZED", dialect="postgresql")
    return select(found).order_by(found.c.occurred_at.desc(), found.c.id.desc()).limit(limit)


def _newest(limit: int) -> Keys:
    query = select(AuditEntry.occurred_at, AuditEntry.id)
    return query.order_by(AuditEntry.occurred_at.desc(), AuditEntry.id.desc()).limit(limit)


def _merged(source: Source, inquiry: Inquiry, before: Key | None, limit: int) -> Keys:
    """The newest keys of each combination that exists, merged.

    What is fixed stands in no row comparison: PostgreSQL would begin its walk at the fixed value, not after the row.
    """
    fixed, columns = source
    if not fixed and not equal(inquiry):
        return _newest(limit).where(*span(inquiry, before))
    first = select(*columns).where(*fixed).order_by(*columns).limit(1).cte("seen", recursive=True)
    beyond = tuple_(*columns) > tuple_(*(first.c[column.key] for column in columns))
    following = select(*columns).where(*fixed, beyond).order_by(*columns).limit(1).lateral("following")
    seen = first.union_all(select(following).select_from(first.join(following, true())))
    same = [column == seen.c[column.key] for column in columns]
    newest = _newest(limit).where(*fixed, *same, *span(inquiry, before)).lateral("newest")
    asked = [(name, getattr(inquiry, name)) for name in ("action", "outcome")]
    wanted = [seen.c[name] == value for name, value in asked if value is not None]
    merged = select(newest).select_from(seen.join(newest, true())).where(*wanted)
    return merged.order_by(newest.c.occurred_at.desc(), newest.c.id.desc()).limit(limit)
