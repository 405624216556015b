"""Bad input through the whole gateway, all of it at once: each ends under its own cause, and the good goes on.

One embedded gateway serves the module, with three destinations: one that takes everything, one that refuses
everything, one that is down. What needs a broken disk or database is in tests/unit/service/test_listener.py and
tests/integration/test_database_down.py.
"""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from service.database import Database
from service.settings import Settings
from service.states import Cause, DeliveryState, PhotographState
from service.tables import Delivery, Photograph, Release
from tests.support import photographs
from tests.support.gateways import Archive, free_port, rows, settings_for, store, wait_for
from tests.support.processes import Running, veragate
from tests.support.raw import RawSender

pytestmark = pytest.mark.journey

STUDY, TWIN = generate_uid(), generate_uid()


def _teeth(seed: int, view: str | None = photographs.INTRAORAL, **options: Any) -> FileDataset:
    return photographs.photograph(photographs.teeth(seed), view, **options)


def _changed(ds: FileDataset, **values: Any) -> FileDataset:
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


BAD: dict[str, tuple[Cause, Callable[[], FileDataset]]] = {
    "undecodable pixels": (
        Cause.UNDECODABLE_PIXELS,
        lambda: _changed(_teeth(1), PixelData=encapsulate([b"\xff\xd8no"])),
    ),
    "decompression bomb": (Cause.TOO_MANY_PIXELS, lambda: _changed(_teeth(2), Rows=50000, Columns=50000)),
    "no patient": (Cause.PATIENT_ID_MISSING, lambda: _teeth(3, patient_id=None)),
    "first of two patients": (Cause.PATIENT_ID_MIXED, lambda: _teeth(4, study=STUDY, patient_id="PID-1-CANARY")),
    "second of two patients": (Cause.PATIENT_ID_MIXED, lambda: _teeth(5, study=STUDY, patient_id="PID-2-CANARY")),
    "no face": (Cause.NO_FACE_FOUND, lambda: _teeth(6, photographs.FACE)),
    "face in a mouth": (
        Cause.FACE_IN_INTRAORAL,
        lambda: photographs.photograph(photographs.face(), photographs.INTRAORAL),
    ),
    "text in the picture": (Cause.BURNED_IN_TEXT, lambda: _changed(_teeth(7), BurnedInAnnotation="YES")),
    "no route": (Cause.NO_ROUTE, lambda: _teeth(8, sop_class="1.2.840.10008.5.1.4.1.1.7")),
}


class Journey:
    def __init__(self, settings: Settings, gateway: Running, good: Archive, scratch: Path) -> None:
        self.settings, self.gateway, self.good, self.scratch = settings, gateway, good, scratch
        self.sent: dict[str, FileDataset] = {}

    def photographs(self) -> dict[str, list[Photograph]]:
        found: dict[str, list[Photograph]] = {}
        for photograph in rows(Database(self.settings.url), Photograph):
            found.setdefault(photograph.sop_instance_uid, []).append(photograph)
        return found

    def of(self, name: str) -> Photograph:
        (photograph,) = self.photographs()[str(self.sent[name].SOPInstanceUID)]
        return photograph

    def settled(self) -> bool:
        self.gateway.check()
        return all(p.state != PhotographState.RECEIVED for found in self.photographs().values() for p in found)

    def deliveries(self, name: str) -> dict[str, Delivery]:
        database = Database(self.settings.url)
        release = next(r for r in rows(database, Release) if r.photograph_id == self.of(name).id)
        return {d.destination: d for d in rows(database, Delivery) if d.release_id == release.id}


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    """A gateway that was sent everything at once, and has decided about all of it."""
    folder = tmp_path_factory.mktemp("journey")
    good, refusing = Archive("good", "GOOD").start(), Archive("refusing", "REFUSING").start()
    refusing.status = 0xC123
    destinations = [good, refusing, ("down", free_port(), "DOWN")]
    photographic = {"name": "all", "sop_classes": ["1.2.840.10008.5.1.4.1.1.77.1.4"]}
    route = {**photographic, "destinations": ["good", "refusing", "down"]}
    settings = settings_for(
        folder / "data", *destinations, limits={"max_object_megabytes": 1, "min_free_disk_megabytes": 0}, routes=[route]
    )  # fmt: skip
    scratch = folder / "scratch"
    scratch.mkdir()
    with Running(settings, folder, environment={"TMPDIR": str(scratch)}) as gateway:
        journey = Journey(settings, gateway, good, scratch)
        worker = gateway.pause_child("work")  # so that all of a study is there before any of it is worked
        _send_everything(journey)
        os.kill(worker, signal.SIGCONT)
        wait_for(journey.settled, 120)
        yield journey
    good.stop()
    refusing.stop()


def _send_everything(journey: Journey) -> None:
    journey.sent = {name: make() for name, (_, make) in BAD.items()}
    journey.sent["good"] = _teeth(20)
    assert store(journey.settings, *journey.sent.values()) == [0x0000] * len(journey.sent)
    assert store(journey.settings, _teeth(21, uid=TWIN), _teeth(22, uid=TWIN)) == [0x0000, 0x0000]
    with RawSender(journey.settings) as sender:
        assert sender.store(b"\x08\x00\x05\x00XY\xff\xff" + b"Zanzibar^Quentin" * 50, generate_uid()) == 0x0000


@pytest.mark.parametrize("name", BAD)
def test_what_is_in_doubt_is_held_under_its_own_cause(journey: Journey, name: str) -> None:
    """Accepted as the sender's evidence, held with the cause, and kept byte for byte."""
    photograph = journey.of(name)

    assert (photograph.state, photograph.cause) == (PhotographState.QUARANTINED, BAD[name][0])
    original = (journey.settings.originals / photograph.blob).read_bytes()
    assert journey.sent[name].PixelData in original


def test_a_corrupt_file_is_held_as_unreadable(journey: Journey) -> None:
    """Bytes that are no data set are kept and held."""
    known = {str(ds.SOPInstanceUID) for ds in journey.sent.values()} | {TWIN}
    (corrupt,) = [found[0] for uid, found in journey.photographs().items() if uid not in known]

    assert (corrupt.state, corrupt.cause) == (PhotographState.QUARANTINED, Cause.UNREADABLE)


def test_of_two_contents_under_one_uid_both_are_kept_and_one_is_held(journey: Journey) -> None:
    """The first goes on, the second waits for a person, and neither file is lost."""
    first, second = sorted(journey.photographs()[TWIN], key=lambda p: p.received_at)

    assert first.state != PhotographState.QUARANTINED
    assert (second.state, second.cause) == (PhotographState.QUARANTINED, Cause.SAME_UID_OTHER_CONTENT)
    assert all((journey.settings.originals / p.blob).is_file() for p in (first, second))


def test_an_object_over_the_cap_is_out_of_resources(journey: Journey) -> None:
    """A700 for what is too large, over the same association as what is welcome."""
    large = photographs.photograph(photographs.teeth(30, 900, 700), "IV07", syntax=ExplicitVRLittleEndian)
    small = photographs.photograph(photographs.teeth(31), "IV07", syntax=ExplicitVRLittleEndian)

    assert store(journey.settings, large, small) == [0xA700, 0x0000]

    assert str(large.SOPInstanceUID) not in journey.photographs()


@pytest.mark.parametrize(("calling", "called"), [("STRANGER", "VERAGATE"), ("CAMERA", "SOMEBODY")])
def test_wrong_titles_are_refused_and_audited(journey: Journey, calling: str, called: str) -> None:
    """An unknown caller and a wrong name end in a rejection with an audit entry."""
    assert store(journey.settings, _teeth(40), calling=calling, called=called) == []

    shown = _show(journey, "--action", "association.refused")
    assert any(e["actor"] == calling and e["details"]["called_ae"] == called for e in shown)


def test_a_class_that_is_not_offered_is_refused_and_counted(journey: Journey) -> None:
    """A CT image finds no context; the audit says that nothing was in common."""
    assert store(journey.settings, _teeth(41, sop_class="1.2.840.10008.5.1.4.1.1.2")) == []

    reasons = [entry["details"]["reason"] for entry in _show(journey, "--action", "association.refused")]
    assert "no SOP class and transfer syntax in common" in reasons


def test_a_destination_that_is_down_or_refuses_holds_up_nobody(journey: Journey) -> None:
    """The good destination has it, the refusing one is on the desk with its status, the absent one is tried on."""
    wait_for(lambda: journey.deliveries("good")["refusing"].state == DeliveryState.PARKED)
    wait_for(lambda: journey.deliveries("good")["good"].state == DeliveryState.DELIVERED)
    wait_for(lambda: journey.deliveries("good")["down"].last_error)
    deliveries = journey.deliveries("good")

    assert deliveries["refusing"].dimse_status == 0xC123
    assert (deliveries["down"].state, deliveries["down"].attempts) == (DeliveryState.PENDING, 0)
    assert journey.of("good").state == PhotographState.DEIDENTIFIED


def test_the_desk_names_everything_that_waits(journey: Journey) -> None:
    """`quarantine list` has each held photograph with its cause in plain words, and the parked deliveries."""
    listed = json.loads(_run(journey, "quarantine", "list", "--json"))

    causes = {item["photograph_id"]: item["cause"] for item in listed}
    for name, (cause, _) in BAD.items():
        assert causes[journey.of(name).id] == cause
    assert causes[journey.of("good").id] == "delivery-parked"
    assert all(item["advice"].endswith(".") for item in listed)


def test_a_person_rejects_one_of_two_patients_and_retries_the_other(journey: Journey) -> None:
    """A decision needs name and reason; after it the other photograph of the study goes on."""
    wrong, right = journey.of("second of two patients"), journey.of("first of two patients")

    _run(journey, "quarantine", "reject", wrong.id, "--by", "anna", "--reason", "wrong patient on the camera")
    _run(journey, "quarantine", "retry", right.id, "--by", "anna", "--reason", "the other one was rejected")

    wait_for(lambda: journey.of("first of two patients").state == PhotographState.DEIDENTIFIED)
    assert journey.of("second of two patients").state == PhotographState.REJECTED
    actions = [(entry["action"], entry["actor"]) for entry in _show(journey, "--photograph", wrong.id)]
    assert actions[-1] == ("photograph.rejected", "anna")


def test_only_what_was_released_is_on_the_wire(journey: Journey) -> None:
    """Every object that arrived has a release, and nothing that is held has one."""
    releases = {release.sop_instance_uid: release for release in rows(Database(journey.settings.url), Release)}
    held = {p.id for found in journey.photographs().values() for p in found if p.state == PhotographState.QUARANTINED}

    assert {str(ds.SOPInstanceUID) for ds in journey.good.datasets()} <= releases.keys()
    assert not held & {release.photograph_id for release in releases.values()}


def test_no_patient_data_outside_the_originals(journey: Journey) -> None:
    """No log, table, checkpoint, cleaned object or temporary file holds a name, an id or a birth date (I7)."""
    folder = journey.gateway.log.parent
    places = [path for path in folder.rglob("*") if path.is_file() and journey.settings.originals not in path.parents]

    assert any(path.name == "up.log" for path in places)
    assert any(path.suffix == ".sqlite" for path in places)
    for path in places:
        data = path.read_bytes()
        found = [canary for canary in photographs.CANARIES if canary.encode() in data]
        assert not found, f"{found} in {path.relative_to(folder)}"
    assert list(journey.scratch.iterdir()) == []


def test_the_audit_answers_for_all_of_it(journey: Journey) -> None:
    """After everything above the audit is whole."""
    assert "The audit is whole" in _run(journey, "audit", "verify")


def _run(journey: Journey, *arguments: str) -> str:
    done = veragate(*arguments, config=journey.gateway.config)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _show(journey: Journey, *arguments: str) -> list[dict[str, Any]]:
    return list(json.loads(_run(journey, "audit", "query", "--json", "--limit", "500", *arguments)))
