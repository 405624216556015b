"""Housekeeping that keeps promises: used-up attempts are moved on, leftovers found, the audit sealed.

What may lie about after a crash, and what becomes of it:

    an upload that was never sent       given up: removed
    a part file in the spool            never acknowledged: removed
    an original without a row           a copy of one on record: removed; otherwise put on record (held, see `recover`)
    a cleaned object without a row      can be made again from its original: removed
    a map without a cleaned object      as its object: removed
"""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info
from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit, jobs
from service.audit import Action, Outcome
from service.blobs import Blobs, photograph_key
from service.copies import Copier
from service.errors import Rejected
from service.gateway import Gateway
from service.logs import get_logger
from service.reception import Origin, receive
from service.sealing import seal
from service.spool import Received, remove_older
from service.states import DeliveryState, PhotographState
from service.tables import Delivery, HeldResult, Photograph, Release
from service.uploading.staging import remove_old

ACTOR: Final = "sweeper"
GRACE: Final = timedelta(hours=1)  # longer than any association lasts or any attempt takes
TIDY_SECONDS: Final = 6 * 3600.0
RECOVERED: Final = "(recovered)"


class Sweeper:
    def __init__(self, gateway: Gateway, grace: timedelta = GRACE) -> None:
        self._gateway = gateway
        self._grace = grace
        self._log = get_logger(process=ACTOR)
        self._copier = Copier(gateway)

    def sweep(self) -> int:
        """Move rows whose attempts are used up: photographs to FAILED, deliveries to the desk; empty the staging."""
        remove_old(self._gateway.settings.staged, self._grace)
        return self._fail_photographs() + self._park_deliveries()

    def seal(self) -> None:
        try:
            seal(self._gateway.database, self._gateway.keys, self._gateway.settings.checkpoints)
        finally:
            self._copier.copy_when_due()  # a damaged file here is a reason more for a copy there

    def tidy(self) -> None:
        """Find what crashes left behind; cheap enough for start-up and every few hours."""
        remove_older(self._gateway.settings.spool, self._grace)
        for key in self._orphans(self._gateway.originals, Photograph):
            self.recover(key)
        for store, table in ((self._gateway.held, HeldResult), (self._gateway.releases, Release)):
            for key in self._orphans(store, table):
                store.delete(key)
                self._log.info("orphan.removed", where=table.__tablename__)
        for key in self._orphaned_maps():
            self._gateway.maps.delete(key)
            self._log.info("orphan.removed", where="maps")

    def recover(self, key: str) -> None:
        """Put an original that has no row on record again, as from a sender called "(recovered)".

        No route names that sender, so it is held unless a route takes photographs from anybody.
        """
        with self._gateway.originals.path(key) as path:
            copy = self._gateway.settings.spool / f"{Path(key).stem}.part"
            shutil.copyfile(path, copy)
        try:
            meta = read_file_meta_info(copy)
            origin = Origin(
                calling_ae=RECOVERED,
                called_ae=self._gateway.settings.listener.ae_title,
                peer="originals",
                sop_class_uid=str(meta.MediaStorageSOPClassUID),
                sop_instance_uid=str(meta.MediaStorageSOPInstanceUID),
                transfer_syntax_uid=str(meta.TransferSyntaxUID),
            )
            received = Received(copy, copy.stat().st_size, self._gateway.originals.digest(key))
            is_new = receive(self._gateway, received, origin)
        except (Rejected, InvalidDicomError, AttributeError):
            self._log.exception("orphan.unreadable")
            return
        finally:
            copy.unlink(missing_ok=True)
        self._gateway.originals.delete(key)
        self._log.warning("orphan.recovered" if is_new else "orphan.removed", where="originals")

    def _orphans(self, store: Blobs, table: type[Photograph | HeldResult | Release]) -> list[str]:
        keys = list(store.older_than(self._grace))
        with self._gateway.database.read() as session:
            known = (session.scalar(select(table.id).where(table.blob == photograph_key(key))) for key in keys)
            return [key for key, row in zip(keys, known, strict=True) if row is None]

    def _orphaned_maps(self) -> list[str]:
        keys = list(self._gateway.maps.older_than(self._grace))
        with self._gateway.database.read() as session:
            return [key for key in keys if not _is_mapped(session, key)]

    def _fail_photographs(self) -> int:
        attempts = self._gateway.settings.work.max_attempts
        with self._gateway.database.transaction() as session:
            claims = jobs.exhausted(session, Photograph, PhotographState.RECEIVED, attempts)
            for claim in claims:
                jobs.finish(session, Photograph, claim, state=PhotographState.FAILED)
                audit.record(
                    session,
                    Action.PHOTOGRAPH_FAILED,
                    actor=ACTOR,
                    outcome=Outcome.FAILURE,
                    photograph_id=claim.id,
                    details={"attempts": claim.attempt},
                )
        return len(claims)

    def _park_deliveries(self) -> int:
        attempts = self._gateway.settings.work.max_attempts
        with self._gateway.database.transaction() as session:
            claims = jobs.exhausted(session, Delivery, DeliveryState.PENDING, attempts)
            for claim in claims:
                jobs.finish(session, Delivery, claim, state=DeliveryState.PARKED)
                delivery = session.get_one(Delivery, claim.id)
                photograph_id = session.get_one(Release, delivery.release_id).photograph_id
                audit.record(
                    session,
                    Action.DELIVERY_PARKED,
                    actor=ACTOR,
                    outcome=Outcome.FAILURE,
                    photograph_id=photograph_id,
                    details={"destination": delivery.destination, "attempts": claim.attempt},
                )
        return len(claims)


def _is_mapped(session: Session, key: str) -> bool:
    """Whether a cleaned object is on record whose map this is."""
    blob = f"{key.removesuffix('.png')}.dcm"
    rows = (session.scalar(select(table.id).where(table.blob == blob)) for table in (Release, HeldResult))
    return any(row is not None for row in rows)
