"""What leaves for where: one delivery for each object of a release and each destination of its route."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from service.states import Item
from service.tables import Delivery, Release


def dispatch(session: Session, release: Release, destinations: Iterable[str]) -> None:
    """Add the deliveries of a new release, the photograph's before that of the map beside it."""
    items = [Item.PHOTOGRAPH, *([Item.SEGMENTATION] if release.segmentation else [])]
    session.flush()
    session.add_all(
        Delivery(release_id=release.id, destination=name, item=item) for item in items for name in destinations
    )
