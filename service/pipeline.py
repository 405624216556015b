"""The journey of one photograph from its original to a release, or to the desk.

    claim → read → whose, which view, which route → new face, clean header → gates → release

Where the patient's identity is chosen again meanwhile, the same claim goes back to the new face.

What happens next when a step fails is decided here and nowhere else: Quarantined holds the photograph for a
person, LeaseLost writes nothing, and everything else is tried again until the attempts are used up. Whatever
the error, nothing reaches the release store but by `_release`, and that only when every gate passed.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit, jobs, tallies
from service.audit import Action, Outcome
from service.blobs import Blobs, map_key, segmentation_key, shard
from service.cases import Case, Cases
from service.deidentification import Deidentifier, Made, account, report
from service.dispatch import dispatch
from service.errors import IdentityReplaced, LeaseLost, Quarantined
from service.finishing import Finished
from service.gates import GateResult, only_recognition_failed
from service.gateway import Gateway
from service.jobs import Claim
from service.logs import bound, get_logger
from service.pixels import Faces
from service.states import Cause, PhotographState
from service.tables import HeldResult, Photograph, Release, new_id
from service.traces import traced
from service.views import describe

ACTOR: Final = "worker"


class Worker:
    """De-identifies photographs one after another."""

    def __init__(self, gateway: Gateway, faces: Faces) -> None:
        self._gateway = gateway
        self._cases = Cases(gateway)
        self._deidentifier = Deidentifier(gateway, faces)
        self._lease = timedelta(seconds=gateway.settings.work.lease_seconds)
        self._log = get_logger(process=ACTOR)

    def work_one(self) -> bool:
        """Take the photograph that waited longest through its journey; False when none is due."""
        claim = self._claim()
        if claim is None:
            return False
        with bound(photograph_id=claim.id, attempt=claim.attempt), traced("deidentify", claim.id):
            try:
                self._deidentify(claim)
            except LeaseLost:
                self._log.warning("lease.lost")
        return True

    def _claim(self) -> Claim | None:
        attempts = self._gateway.settings.work.max_attempts
        with self._gateway.database.transaction() as session:
            claims = jobs.claim(session, Photograph, PhotographState.RECEIVED, 1, self._lease, max_attempts=attempts)
        return claims[0] if claims else None

    def _deidentify(self, claim: Claim) -> None:
        case: Case | None = None
        started = time.perf_counter()
        try:
            case = self._cases.open(claim.id)
            while not self._settle(claim, case, started):
                self._renew(claim)
        except LeaseLost:
            raise
        except Quarantined as held:
            self._hold(claim, case, held)
        except Exception:
            self._log.exception("attempt.failed")
            self._try_again(claim)

    def _settle(self, claim: Claim, case: Case, started: float) -> bool:
        """Make the object and release it or hold it; False where the patient has another identity since.

        That ends: an identity is chosen again twice at most.
        """
        made = self._deidentifier.make(case)
        if only_recognition_failed(made.finished.gates):
            self._renew(claim)  # choosing takes as long as all before
            if self._deidentifier.choose_again(case, made):
                return False
        columns = _columns(claim, case, made.finished, time.perf_counter() - started)
        try:
            if made.finished.failure is None:
                self._release(claim, case, made, columns)
            else:
                self._hold_result(claim, case, made, columns, made.finished.failure)
        except IdentityReplaced:
            return False
        return True

    def _renew(self, claim: Claim) -> None:
        with self._gateway.database.transaction() as session:
            jobs.renew(session, Photograph, claim, self._lease)

    def _release(self, claim: Claim, case: Case, made: Made, columns: dict[str, Any]) -> None:
        """The one way out: a row that names what passed, and a delivery for each destination of the route."""
        finished = made.finished
        with self._stored(self._gateway.releases, finished) as blob, self._gateway.database.transaction() as session:
            _refuse_taken_uid(session, finished)
            self._deidentifier.settle(session, case, made)
            jobs.finish(session, Photograph, claim, state=PhotographState.DEIDENTIFIED, **_facts(case))
            release = Release(id=new_id(), blob=blob, **columns, released_by="gates")
            session.add(release)
            dispatch(session, release, case.route.destinations)
            details = _details(case, finished) | {"released_by": "gates"}
            _record(session, Action.PHOTOGRAPH_DEIDENTIFIED, claim, Outcome.SUCCESS, details)
            tallies.count(session, tallies.RELEASED, case.route.name)
            _tally(session, finished)
        self._log.info("photograph.deidentified", route=case.route.name, faces=finished.pixels.faces)

    def _hold_result(self, claim: Claim, case: Case, made: Made, columns: dict[str, Any], closed: GateResult) -> None:
        """Hold a finished object back; it is kept only where its release is a matter of a person's judgement."""
        finished = made.finished
        keep = self._stored(self._gateway.held, finished) if finished.releasable else nullcontext()
        with keep as blob, self._gateway.database.transaction() as session:
            if blob is not None:
                self._deidentifier.settle(session, case, made)
            self._quarantine(session, claim, case, str(closed.cause), closed.detail, _details(case, finished))
            if blob is not None:
                session.add(HeldResult(blob=blob, **columns))
            _tally(session, finished)

    def _hold(self, claim: Claim, case: Case | None, held: Quarantined) -> None:
        with self._gateway.database.transaction() as session:
            self._quarantine(session, claim, case, held.cause, held.detail, {})

    def _quarantine(
        self, session: Session, claim: Claim, case: Case | None, cause: str, detail: str, details: dict[str, Any]
    ) -> None:
        facts = _facts(case) if case else {}
        values = {"cause": cause, "cause_detail": detail or None, **facts}
        jobs.finish(session, Photograph, claim, state=PhotographState.QUARANTINED, **values)
        details = {**facts, **details, "cause": cause, "detail": detail}
        _record(session, Action.PHOTOGRAPH_QUARANTINED, claim, Outcome.REFUSED, details)
        tallies.count(session, tallies.QUARANTINED, cause)
        self._log.info("photograph.quarantined", cause=cause)

    def _try_again(self, claim: Claim) -> None:
        """Later and after a longer pause each time; the last failure is for the desk."""
        with self._gateway.database.transaction() as session:
            if claim.attempt < self._gateway.settings.work.max_attempts:
                jobs.fail(session, Photograph, claim, jobs.backoff(claim.attempt))
                return
            jobs.finish(session, Photograph, claim, state=PhotographState.FAILED)
            _record(session, Action.PHOTOGRAPH_FAILED, claim, Outcome.FAILURE, {"attempts": claim.attempt})
            tallies.count(session, tallies.FAILED)

    @contextmanager
    def _stored(self, store: Blobs, finished: Finished) -> Iterator[str]:
        """The object and its map as blobs, under a key that no other attempt has; they go when they were not wanted.

        After any other error they stay, because a commit whose answer was lost may have named them; the sweep
        removes what no row names.
        """
        key = shard(new_id())
        self._gateway.maps.put(finished.map, map_key(key))
        store.put(finished.data, key)
        if finished.segmentation is not None:
            store.put(finished.segmentation, segmentation_key(key))
        try:
            yield key
        except (LeaseLost, Quarantined, IdentityReplaced):
            store.delete(key)
            store.delete(segmentation_key(key))
            self._gateway.maps.delete(map_key(key))
            raise


def _refuse_taken_uid(session: Session, finished: Finished) -> None:
    taken = session.scalar(select(Release.id).where(Release.sop_instance_uid == finished.sop_instance_uid))
    if taken is not None:
        raise Quarantined(Cause.SAME_UID_OTHER_CONTENT)


def _facts(case: Case) -> dict[str, Any]:
    return {"view": describe(case.view), "route": case.route.name}


def _columns(claim: Claim, case: Case, finished: Finished, seconds: float) -> dict[str, Any]:
    """The columns that a release and a held result share, but for the blob."""
    return {
        "photograph_id": claim.id,
        "digest": sha256(finished.data).hexdigest(),
        "size": len(finished.data),
        "segmentation": sha256(finished.segmentation).hexdigest() if finished.segmentation else None,
        "sop_class_uid": finished.sop_class_uid,
        "sop_instance_uid": finished.sop_instance_uid,
        "transfer_syntax_uid": str(finished.transfer_syntax_uid),
        "profile": finished.profile,
        "model_version": finished.model_version,
        "report": report(case, finished, seconds),
    }


def _details(case: Case, finished: Finished) -> dict[str, Any]:
    """What the audit keeps of a finished object."""
    made = {"profile": finished.profile, "model_version": finished.model_version}
    return {**_facts(case), **account(case, finished), **made, "digest": sha256(finished.data).hexdigest()}


def _tally(session: Session, finished: Finished) -> None:
    """How the gates decided, and how long the faces took."""
    for gate in finished.gates:
        tallies.count(session, tallies.GATE_PASSED if gate.passed else tallies.GATE_CLOSED, gate.name)
    if finished.pixels.faces:
        tallies.count(session, tallies.FACE, n=finished.pixels.faces, total=finished.seconds)


def _record(session: Session, action: Action, claim: Claim, outcome: Outcome, details: dict[str, Any]) -> None:
    kept = {key: value for key, value in details.items() if value not in (None, "")}
    audit.record(session, action, actor=ACTOR, outcome=outcome, photograph_id=claim.id, details=kept)
