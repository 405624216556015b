"""On which photographs a patient's identity is chosen, and when it may be chosen again."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from sqlalchemy import update

from service.gateway import Gateway
from service.instructions import Instructions
from service.pipeline import Worker
from service.reception import Origin, receive
from service.spool import Received
from service.states import Cause, PhotographState
from service.tables import AuditEntry, HeldResult, Identity, Photograph, Release
from tests.support import photographs
from tests.support.fakefaces import BOX, FakeFaces
from tests.support.gateways import CALLING, TITLE, open_gateway, rows, settings_for

SMILE, FRONT, ANOMALY, TEETH = "EV19", "EV17", "EV41", "IV07"
NEAR, FAR = 0.5, 0.8


class Seeing(FakeFaces):
    """Fakes whose recogniser finds these distances, one result after another, and does something `meanwhile`."""

    def __init__(self, *distances: float, meanwhile: Callable[[], object] = lambda: None) -> None:
        super().__init__(BOX)
        self._left, self._meanwhile = list(distances), meanwhile

    def distance(self, *_: Any, **__: Any) -> float:
        self._meanwhile()
        return self._left.pop(0)

    @property
    def proposed(self) -> list[list[tuple[NDArray[np.uint8], frozenset[str]]]]:
        return self.anonymizer.proposed  # type: ignore[attr-defined, no-any-return]

    @property
    def shown(self) -> bytes:
        return bytes(self.anonymizer.shown.tobytes())  # type: ignore[attr-defined]


class Clinic:
    """A gateway that preserves the mouth where it smiles, and what one patient's photographs look like."""

    def __init__(self, folder: Path, url: str) -> None:
        routes = [{"name": "all", "preserve_by_view": {SMILE: ["mouth"]}, "destinations": ["nowhere"]}]
        self.gateway: Gateway = open_gateway(settings_for(folder, database_url=url, routes=routes))
        self.gateway.settings.spool.mkdir(exist_ok=True, parents=True)
        self.study = generate_uid()
        self.sent = 0

    def send(self, view: str = FRONT, patient_id: str = photographs.PATIENT_ID, study: str | None = None) -> str:
        """A photograph that is told from the others by its one shade; teeth are drawn."""
        self.sent += 1
        picture = np.full((400, 480, 3), 10 * self.sent, np.uint8)
        shown = photographs.teeth(self.sent) if view == TEETH else picture
        study = study or self.study
        ds = photographs.photograph(shown, view, syntax=ExplicitVRLittleEndian, study=study, patient_id=patient_id)
        path = photographs.save(ds, self.gateway.settings.spool / f"{generate_uid()}.part")
        received = Received(path, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        origin = Origin(CALLING, TITLE, "127.0.0.1", ds.SOPClassUID, ds.SOPInstanceUID, ExplicitVRLittleEndian)
        assert receive(self.gateway, received, origin)
        return next(row.id for row in self.all(Photograph) if row.sop_instance_uid == ds.SOPInstanceUID)

    def work(self, faces: FakeFaces) -> None:
        assert Worker(self.gateway, faces).work_one()

    def set(self, photograph_id: str, **values: Any) -> None:
        with self.gateway.database.transaction() as session:
            session.execute(update(Photograph).where(Photograph.id == photograph_id).values(**values))

    def all(self, table: Any) -> list[Any]:
        return rows(self.gateway.database, table)

    def of(self, photograph_id: str) -> Photograph:
        return next(row for row in self.all(Photograph) if row.id == photograph_id)

    def identity(self) -> bytes:
        (row,) = self.all(Identity)
        with self.gateway.database.read() as session:
            latent = self.gateway.identities.get(session, row.patient_id, row.generator)
        assert latent is not None
        return latent.tobytes()

    def actions(self) -> list[str]:
        return [entry.action for entry in self.all(AuditEntry)]


@pytest.fixture(name="clinic")
def _clinic(tmp_path: Path, database_url: str) -> Iterator[Clinic]:
    clinic = Clinic(tmp_path, database_url)
    yield clinic
    clinic.gateway.close()


def _shades(pictures: list[tuple[NDArray[np.uint8], frozenset[str]]]) -> list[tuple[int, frozenset[str]]]:
    return [(int(picture[0, 0, 0]) // 10, kept) for picture, kept in pictures]


def test_an_identity_is_chosen_on_the_photographs_that_wait(clinic: Clinic) -> None:
    """The photograph at hand leads; of those that are not finished come the same study's first, then the newest, three
    of them, each with what is preserved in its own view; nobody else's and no teeth."""
    clinic.send(SMILE)
    elsewhere = generate_uid()
    clinic.send(FRONT, study=elsewhere)
    clinic.send(TEETH)
    clinic.send(FRONT, patient_id="SOMEBODY-ELSE", study=generate_uid())
    clinic.send(FRONT, study=elsewhere)
    clinic.send(FRONT)
    clinic.send(SMILE)
    faces = Seeing(FAR)

    clinic.work(faces)

    mouth, nothing = frozenset({"mouth"}), frozenset[str]()
    assert _shades(faces.proposed[0]) == [(1, mouth), (7, mouth), (6, nothing), (5, nothing)]


def test_what_gets_no_new_face_has_no_say(clinic: Clinic) -> None:
    """Left out: finished and held photographs, those that a person has covered, and parts that a person has covered."""
    clinic.send()
    finished, held, covered, drawn_on = (clinic.send() for _ in range(4))
    clinic.set(finished, state=PhotographState.DEIDENTIFIED)
    clinic.set(held, state=PhotographState.QUARANTINED)
    clinic.set(covered, instructions=Instructions(cover_faces=True).stored())
    clinic.set(drawn_on, instructions=Instructions(redact=((300, 300, 480, 400),)).stored())
    faces = Seeing(FAR)

    clinic.work(faces)

    _, *others = faces.proposed[0]
    assert _shades(others) == [(5, frozenset())]
    assert (others[0][0][300:, 300:] == 128).all()


def test_a_sibling_that_cannot_be_read_is_passed_over(clinic: Clinic) -> None:
    """Its own turn says why; the photograph at hand is released, and the other's row is as it was."""
    first, lost, cut = (clinic.send() for _ in range(3))
    clinic.gateway.originals.delete(clinic.of(lost).blob)
    with clinic.gateway.originals.path(clinic.of(cut).blob) as path:
        path.write_bytes(path.read_bytes()[:-2000])
    before = [clinic.of(one).changed_at for one in (lost, cut)]
    faces = Seeing(FAR)

    clinic.work(faces)

    assert len(faces.proposed[0]) == 1
    assert clinic.of(first).state == PhotographState.DEIDENTIFIED
    assert [clinic.of(one).changed_at for one in (lost, cut)] == before
    clinic.work(faces)
    assert clinic.of(lost).cause == Cause.UNREADABLE


def test_a_stored_identity_is_not_chosen_by_later_photographs(clinic: Clinic) -> None:
    """The second photograph of a patient gets the face of the first, and draws nothing."""
    clinic.send()
    clinic.send()
    faces = Seeing(FAR, FAR)

    clinic.work(faces)
    first = faces.shown
    clinic.work(faces)

    assert faces.shown == first
    assert len(faces.proposed) == 1


def test_an_identity_that_fails_before_anybody_saw_it_is_chosen_again(clinic: Clinic) -> None:
    """The photograph that stayed too near leads the next choice, leaves with what came of it, and it is on record why;
    nothing is kept of what failed."""
    photograph, sibling = clinic.send(), clinic.send(SMILE)
    faces = Seeing(NEAR, FAR)

    clinic.work(faces)

    assert (clinic.of(photograph).state, clinic.of(photograph).attempts) == (PhotographState.DEIDENTIFIED, 1)
    assert clinic.of(sibling).state == PhotographState.RECEIVED
    assert [[shade for shade, _ in _shades(pictures)] for pictures in faces.proposed] == [[1, 2], [1, 2]]
    assert faces.shown == clinic.identity()
    assert clinic.all(HeldResult) == []
    (entry,) = [entry for entry in clinic.all(AuditEntry) if entry.action == "identity.replaced"]
    assert entry.photograph_id == photograph
    assert entry.details == {"generator": faces.version, "cause": Cause.STILL_RECOGNISED, "distance": NEAR}


def test_the_third_choice_stays(clinic: Clinic) -> None:
    """Where no identity hides the face, two others are tried, and the last result is held for a person."""
    photograph = clinic.send()
    faces = Seeing(NEAR, NEAR, NEAR)

    clinic.work(faces)

    assert clinic.of(photograph).cause == Cause.STILL_RECOGNISED
    assert len(faces.proposed) == 3
    assert len(clinic.all(HeldResult)) == 1
    assert clinic.actions().count("identity.replaced") == 2


@pytest.mark.parametrize(("view", "before"), [(FRONT, Release), (ANOMALY, HeldResult)])
def test_what_left_or_may_leave_keeps_the_identity(clinic: Clinic, view: str, before: Any) -> None:
    """Where another photograph was released, or waits for a person who may release it, the later one is held."""
    clinic.send(view)
    faces = Seeing(FAR, NEAR)
    clinic.work(faces)
    assert len(clinic.all(before)) == 1
    identity = clinic.identity()
    later = clinic.send()

    clinic.work(faces)

    assert clinic.of(later).cause == Cause.STILL_RECOGNISED
    assert clinic.identity() == identity
    assert "identity.replaced" not in clinic.actions()


def test_teeth_that_left_show_nobody(clinic: Clinic) -> None:
    """A released intra-oral photograph keeps no identity from being chosen again."""
    clinic.send(TEETH)
    photograph = clinic.send()
    clinic.work(FakeFaces())

    clinic.work(Seeing(NEAR, FAR))

    assert len(clinic.all(Release)) == 2
    assert clinic.of(photograph).state == PhotographState.DEIDENTIFIED


def test_only_the_recogniser_has_an_identity_chosen_again(clinic: Clinic) -> None:
    """Where another gate is closed too, another face would not help."""
    clinic.send(ANOMALY)
    faces = Seeing(NEAR)

    clinic.work(faces)

    assert len(faces.proposed) == 1
    assert len(clinic.all(HeldResult)) == 1


@pytest.mark.parametrize("view", [FRONT, ANOMALY])
def test_no_sibling_leaves_or_waits_with_the_face_before(clinic: Clinic, view: str) -> None:
    """A photograph that was being worked on with an identity that was replaced meanwhile is made anew with the other,
    whether it is released or kept for a person."""
    clinic.send(view)
    clinic.send()
    late = Seeing(NEAR, FAR)
    turns = iter([lambda: clinic.work(late), lambda: None])
    early = Seeing(FAR, FAR, meanwhile=lambda: next(turns)())

    clinic.work(early)

    assert "identity.replaced" in clinic.actions()
    assert early.shown == late.shown == clinic.identity()
    assert len(clinic.all(Release) + clinic.all(HeldResult)) == 2
    stores = clinic.gateway.settings.releases, clinic.gateway.settings.held
    assert sum(path.is_file() for store in stores for path in store.rglob("*")) == 2


def test_two_that_fail_together_end_with_one_identity(clinic: Clinic) -> None:
    """Two photographs that one identity fails at the same time leave with the same other one."""
    clinic.send()
    clinic.send()
    late = Seeing(NEAR, FAR)
    turns = iter([lambda: clinic.work(late), lambda: None])
    early = Seeing(NEAR, FAR, meanwhile=lambda: next(turns)())

    clinic.work(early)

    assert clinic.actions().count("identity.replaced") == 1
    assert early.shown == late.shown == clinic.identity()
    assert len(clinic.all(Release)) == 2
