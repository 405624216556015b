"""Housekeeping after crashes: used-up attempts, part files, originals and cleaned objects that no row names."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from service.blobs import shard
from service.gateway import Gateway
from service.settings import VL_PHOTOGRAPHIC
from service.states import Cause, DeliveryState, PhotographState
from service.sweeping import RECOVERED, Sweeper
from service.tables import AuditEntry, Delivery, Photograph, Release, new_id, utc_now
from tests.support import photographs
from tests.support.gateways import open_gateway, rows, settings_for


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    settings = settings_for(tmp_path)
    settings.spool.mkdir(parents=True)
    return open_gateway(settings)


def _row(gateway: Gateway, **values: object) -> Photograph:
    photograph = Photograph(
        id=new_id(), sop_class_uid=VL_PHOTOGRAPHIC, sop_instance_uid="1.2.3", transfer_syntax_uid="1.2.840.10008.1.2.1",
        calling_ae="CAMERA", called_ae="VERAGATE", peer="127.0.0.1", blob=shard(new_id()), digest=new_id(), size=1,
    )  # fmt: skip
    for name, value in values.items():
        setattr(photograph, name, value)
    with gateway.database.transaction() as session:
        session.add(photograph)
    return photograph


def _age(path: Path, hours: float = 2) -> None:
    then = time.time() - hours * 3600
    os.utime(path, (then, then))


def _original(gateway: Gateway, seed: int = 0) -> str:
    """A photograph's file in the store of originals, two hours old, that no row names."""
    key = shard(new_id())
    ds = photographs.photograph(photographs.teeth(seed), "IV07")
    gateway.originals.adopt(photographs.save(ds, gateway.settings.data_folder / "new.dcm"), key)
    _age(gateway.settings.originals / key)
    return key


def test_used_up_attempts_move_on(gateway: Gateway) -> None:
    """A photograph whose worker died at each attempt fails, a delivery is parked, both on record."""
    used_up = {"attempts": 5, "lease_until": utc_now() - timedelta(seconds=1), "lease_token": "t"}
    photograph = _row(gateway, **used_up)
    done = _row(gateway, sop_instance_uid="1.2.4", state=PhotographState.DEIDENTIFIED)
    with gateway.database.transaction() as session:
        release = Release(
            id=new_id(), photograph_id=done.id, blob="b", digest="d", size=1, sop_class_uid="c", sop_instance_uid="u",
            transfer_syntax_uid="t", profile="p", model_version="m", report={}, released_by="gates",
        )  # fmt: skip
        session.add(release)
        session.flush()
        session.add(Delivery(release_id=release.id, destination="nowhere", **used_up))

    assert Sweeper(gateway).sweep() == 2

    by_id = {row.id: row.state for row in rows(gateway.database, Photograph)}
    assert by_id == {photograph.id: PhotographState.FAILED, done.id: PhotographState.DEIDENTIFIED}
    assert rows(gateway.database, Delivery)[0].state == DeliveryState.PARKED
    assert [e.action for e in rows(gateway.database, AuditEntry)] == ["photograph.failed", "delivery.parked"]


def test_attempts_that_are_left_and_leases_that_run_are_left_alone(gateway: Gateway) -> None:
    """The sweep touches neither a row that may be tried again nor one that a worker holds."""
    _row(gateway, attempts=4)
    _row(gateway, attempts=5, lease_until=utc_now() + timedelta(minutes=1), lease_token="t")

    assert Sweeper(gateway).sweep() == 0


def test_part_files_of_a_killed_listener_are_removed(gateway: Gateway) -> None:
    """What was never acknowledged goes when it is old; what may still be arriving stays."""
    old, fresh = gateway.settings.spool / "old.part", gateway.settings.spool / "fresh.part"
    old.write_bytes(b"x")
    fresh.write_bytes(b"x")
    _age(old)

    Sweeper(gateway).tidy()

    assert not old.exists()
    assert fresh.exists()


def test_an_original_without_a_row_is_put_on_record(gateway: Gateway) -> None:
    """A file whose row was lost becomes a photograph again, from a sender that no narrow route knows."""
    _original(gateway)

    Sweeper(gateway).tidy()

    (photograph,) = rows(gateway.database, Photograph)
    assert (photograph.calling_ae, photograph.state) == (RECOVERED, PhotographState.RECEIVED)
    assert gateway.originals.digest(photograph.blob) == photograph.digest
    assert len(list(gateway.settings.originals.rglob("*.dcm"))) == 1
    assert list(gateway.settings.spool.iterdir()) == []


def test_a_copy_of_what_is_on_record_is_removed(gateway: Gateway) -> None:
    """The file of a store that was never acknowledged goes when the sender's second try is on record."""
    key = _original(gateway)
    Sweeper(gateway).tidy()
    (photograph,) = rows(gateway.database, Photograph)
    gateway.originals.put(gateway.originals.read(photograph.blob), key)
    _age(gateway.settings.originals / key)

    Sweeper(gateway).tidy()

    assert len(rows(gateway.database, Photograph)) == 1
    assert not gateway.originals.exists(key)
    assert gateway.originals.exists(photograph.blob)


def test_an_original_that_is_no_dicom_file_is_left_for_a_person(gateway: Gateway) -> None:
    """What cannot be put on record is not thrown away either."""
    key = shard(new_id())
    gateway.originals.put(b"not a DICOM file", key)
    _age(gateway.settings.originals / key)

    Sweeper(gateway).tidy()

    assert gateway.originals.exists(key)
    assert rows(gateway.database, Photograph) == []


def test_cleaned_objects_that_no_row_names_are_removed(gateway: Gateway) -> None:
    """What a worker left that died before its commit goes; what is fresh or named stays."""
    for store, folder in ((gateway.releases, gateway.settings.releases), (gateway.held, gateway.settings.held)):
        old, fresh = shard(new_id()), shard(new_id())
        store.put(b"x", old)
        store.put(b"x", fresh)
        _age(folder / old)

        Sweeper(gateway).tidy()

        assert not store.exists(old)
        assert store.exists(fresh)


def test_files_that_rows_name_stay_however_old(gateway: Gateway) -> None:
    """Age alone removes nothing."""
    key = _original(gateway)
    _row(gateway, blob=key, cause=Cause.NO_ROUTE, state=PhotographState.QUARANTINED)

    Sweeper(gateway).tidy()

    assert gateway.originals.exists(key)
    assert len(rows(gateway.database, Photograph)) == 1


def test_maps_go_with_their_objects(gateway: Gateway) -> None:
    """An old map without a cleaned object on record is removed; one whose object is on record stays."""
    photograph = _row(gateway, state=PhotographState.DEIDENTIFIED)
    kept, lost = shard(new_id(), ".png"), shard(new_id(), ".png")
    for key in (kept, lost):
        gateway.maps.put(b"png", key)
        _age(gateway.settings.maps / key)
    with gateway.database.transaction() as session:
        release = Release(
            id=new_id(), photograph_id=photograph.id, blob=kept.replace(".png", ".dcm"), digest="d", size=1,
            sop_class_uid="c", sop_instance_uid="u", transfer_syntax_uid="t", profile="p", model_version="m",
            report={}, released_by="gates",
        )  # fmt: skip
        session.add(release)

    Sweeper(gateway).tidy()

    assert gateway.maps.exists(kept)
    assert not gateway.maps.exists(lost)
