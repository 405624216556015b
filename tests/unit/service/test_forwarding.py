"""Couriers against real storage SCPs: what is sent, what each answer leads to, and what never moves."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit, generate_uid
from sqlalchemy import update

from service.blobs import segmentation_key, shard
from service.database import Database
from service.destinations import Verdict, judge
from service.forwarding import Courier
from service.gateway import Gateway
from service.settings import VL_PHOTOGRAPHIC
from service.states import DeliveryState, Item, PhotographState
from service.storage_classes import SEGMENTATION
from service.tables import AuditEntry, Delivery, Photograph, Release, new_id, utc_now
from tests.support import photographs
from tests.support.gateways import Archive, archive, open_gateway, rows, settings_for


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def place() -> Iterator[Archive]:
    with archive() as running:
        yield running


def _released(gateway: Gateway, syntax: str = JPEGBaseline8Bit, seed: int = 0) -> str:
    """A photograph that is ready to leave to every destination; its id."""
    ds = photographs.photograph(photographs.teeth(seed), "IV07", syntax=syntax)
    file = photographs.save(ds, gateway.settings.data_folder / f"{new_id()}.dcm")
    photograph = Photograph(
        id=new_id(), state=PhotographState.DEIDENTIFIED, sop_class_uid=VL_PHOTOGRAPHIC, sop_instance_uid=generate_uid(),
        transfer_syntax_uid=syntax, calling_ae="CAMERA", called_ae="VERAGATE", peer="127.0.0.1", blob="none",
        digest=new_id(), size=1,
    )  # fmt: skip
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    release = Release(
        id=new_id(), photograph_id=photograph.id, blob=shard(new_id()), digest=digest,
        size=file.stat().st_size, sop_class_uid=VL_PHOTOGRAPHIC, sop_instance_uid=ds.SOPInstanceUID,
        transfer_syntax_uid=syntax, profile="p", model_version="m", report={}, released_by="gates",
    )  # fmt: skip
    gateway.releases.adopt(file, release.blob)
    with gateway.database.transaction() as session:
        session.add(photograph)
        session.flush()
        session.add(release)
        session.flush()
        for destination in gateway.settings.destinations:
            session.add(Delivery(release_id=release.id, destination=destination.name))
    return photograph.id


def _with_map(gateway: Gateway) -> None:
    """A map beside the one release there is, on its way to every destination after the photograph."""
    (release,) = rows(gateway.database, Release)
    ds = photographs.photograph(photographs.teeth(9), None, syntax=ExplicitVRLittleEndian, sop_class=SEGMENTATION)
    file = photographs.save(ds, gateway.settings.data_folder / f"{new_id()}.dcm")
    data = file.read_bytes()
    gateway.releases.adopt(file, segmentation_key(release.blob))
    with gateway.database.transaction() as session:
        session.get_one(Release, release.id).segmentation = hashlib.sha256(data).hexdigest()
        for destination in gateway.settings.destinations:
            session.add(Delivery(release_id=release.id, destination=destination.name, item=Item.SEGMENTATION))


def _courier(gateway: Gateway, clock: Clock | None = None) -> Courier:
    destination = gateway.settings.destinations[0]
    return Courier(gateway.settings, destination, gateway.database, gateway.releases, clock or Clock())


def _deliveries(database: Database) -> list[Delivery]:
    return rows(database, Delivery)


def _make_due(gateway: Gateway) -> None:
    with gateway.database.transaction() as session:
        session.execute(update(Delivery).values(not_before=utc_now()))


def test_what_was_released_arrives_byte_for_byte_in_its_own_syntax(tmp_path: Path, place: Archive) -> None:
    """Data sets arrive exactly as stored, several syntaxes over one association, and the photographs move on."""
    gateway = open_gateway(settings_for(tmp_path, place))
    for seed, syntax in enumerate((JPEGBaseline8Bit, ExplicitVRLittleEndian, JPEGBaseline8Bit)):
        _released(gateway, syntax, seed)
    courier = _courier(gateway)

    assert courier.send_due(10) == 3

    arrived = {hashlib.sha256(data).hexdigest() for data in place.received}
    assert len(arrived) == 3
    sent = {bytes(ds.PixelData) for ds in place.datasets()}
    for release in rows(gateway.database, Release):
        assert any(pixels in gateway.releases.read(release.blob) for pixels in sent)
    assert place.associations == 1
    assert {delivery.state for delivery in _deliveries(gateway.database)} == {DeliveryState.DELIVERED}
    assert {photograph.state for photograph in rows(gateway.database, Photograph)} == {PhotographState.FORWARDED}
    actions = [entry.action for entry in rows(gateway.database, AuditEntry)]
    assert sorted(actions) == ["delivery.sent"] * 3 + ["photograph.forwarded"] * 3
    courier.close()


def test_a_photograph_is_forwarded_only_when_every_destination_has_it(tmp_path: Path, place: Archive) -> None:
    """One of two destinations is not everywhere; a destination that is down does not hold up the other."""
    down = Archive("down", "DOWN")
    gateway = open_gateway(settings_for(tmp_path, place, down))
    _released(gateway)
    couriers = [
        Courier(gateway.settings, destination, gateway.database, gateway.releases)
        for destination in gateway.settings.destinations
    ]

    assert [courier.send_due() for courier in couriers] == [1, 0]
    assert rows(gateway.database, Photograph)[0].state == PhotographState.DEIDENTIFIED

    down.start()
    _make_due(gateway)
    later = Courier(gateway.settings, gateway.settings.destinations[1], gateway.database, gateway.releases)
    assert later.send_due() == 1
    assert rows(gateway.database, Photograph)[0].state == PhotographState.FORWARDED
    for courier in (*couriers, later):
        courier.close()
    down.stop()


def test_a_destination_that_is_down_uses_up_no_attempts(tmp_path: Path) -> None:
    """While nobody answers nothing is counted or parked, the reason is shown, and each look waits longer."""
    gateway = open_gateway(settings_for(tmp_path, Archive()))
    _released(gateway)
    clock = Clock()
    courier = _courier(gateway, clock)

    for _ in range(8):
        assert courier.send_due() == 0
        clock.now += 1000

    (delivery,) = _deliveries(gateway.database)
    assert (delivery.state, delivery.attempts) == (DeliveryState.PENDING, 0)
    assert "does not answer" in str(delivery.last_error)
    assert [entry.action for entry in rows(gateway.database, AuditEntry)] == ["delivery.retried"]


def test_an_open_circuit_leaves_the_destination_alone_for_a_while(tmp_path: Path) -> None:
    """After a failure there is a pause in which no association is tried, even when the peer is back."""
    place = Archive()
    gateway = open_gateway(settings_for(tmp_path, place))
    _released(gateway)
    clock = Clock()
    courier = _courier(gateway, clock)
    assert courier.send_due() == 0
    place.start()

    assert courier.send_due() == 0
    assert place.associations == 0
    clock.now += 1000
    assert courier.send_due() == 1
    courier.close()
    place.stop()


def test_a_shortage_at_the_destination_is_tried_again(tmp_path: Path, place: Archive) -> None:
    """Out of resources keeps the delivery pending with the status on record, and a later attempt delivers it."""
    gateway = open_gateway(settings_for(tmp_path, place))
    _released(gateway)
    clock = Clock()
    courier = _courier(gateway, clock)
    place.status = 0xA700

    assert courier.send_due() == 1
    (delivery,) = _deliveries(gateway.database)
    assert (delivery.state, delivery.dimse_status, delivery.attempts) == (DeliveryState.PENDING, 0xA700, 1)

    place.status = 0x0000
    clock.now += 1000
    _make_due(gateway)
    assert courier.send_due() == 1
    assert _deliveries(gateway.database)[0].state == DeliveryState.DELIVERED
    courier.close()


def test_the_last_attempt_goes_to_the_desk(tmp_path: Path, place: Archive) -> None:
    """A delivery that fails as often as the settings allow is parked with its reason."""
    gateway = open_gateway(settings_for(tmp_path, place, work={"max_attempts": 2}))
    _released(gateway)
    clock = Clock()
    courier = _courier(gateway, clock)
    place.status = 0x0110

    for _ in range(3):
        courier.send_due()
        clock.now += 1000
        _make_due(gateway)

    (delivery,) = _deliveries(gateway.database)
    assert (delivery.state, delivery.attempts) == (DeliveryState.PARKED, 2)
    assert "0x0110" in str(delivery.last_error)
    courier.close()


def test_a_refusal_for_good_is_parked_and_the_next_object_is_sent(tmp_path: Path, place: Archive) -> None:
    """A status that means never is not tried again, and does not stop the objects behind it."""
    gateway = open_gateway(settings_for(tmp_path, place))
    _released(gateway, seed=1)
    courier = _courier(gateway)
    place.status = 0xC123
    assert courier.send_due(1) == 1
    place.status = 0x0000
    _released(gateway, seed=2)

    assert courier.send_due() == 1

    states = sorted(delivery.state for delivery in _deliveries(gateway.database))
    assert states == [DeliveryState.DELIVERED, DeliveryState.PARKED]
    courier.close()


def test_an_association_refused_for_good_is_parked(tmp_path: Path) -> None:
    """A destination that does not know us will not know us later: the desk gets it at once."""
    with archive(calling=["SOMEBODY"]) as place:
        gateway = open_gateway(settings_for(tmp_path, place))
        _released(gateway)

        assert _courier(gateway).send_due() == 1

    (delivery,) = _deliveries(gateway.database)
    assert delivery.state == DeliveryState.PARKED
    assert "calling ae title not recognised" in str(delivery.last_error)


def test_a_syntax_that_the_destination_does_not_take_is_parked(tmp_path: Path) -> None:
    """Nothing is transcoded behind anyone's back: an unwanted syntax goes to the desk, others are sent."""
    with archive(syntaxes=[ExplicitVRLittleEndian]) as place:
        gateway = open_gateway(settings_for(tmp_path, place))
        _released(gateway, JPEGBaseline8Bit, 1)
        _released(gateway, ExplicitVRLittleEndian, 2)
        courier = _courier(gateway)

        assert courier.send_due() == 2
        courier.close()

    by_state = {delivery.state: delivery for delivery in _deliveries(gateway.database)}
    assert set(by_state) == {DeliveryState.DELIVERED, DeliveryState.PARKED}
    assert "syntax" in str(by_state[DeliveryState.PARKED].last_error)


def test_an_object_that_changed_in_the_store_never_leaves(tmp_path: Path, place: Archive) -> None:
    """Only the bytes that were released leave; anything else under that key stays and goes to the desk."""
    gateway = open_gateway(settings_for(tmp_path, place))
    _released(gateway)
    (release,) = rows(gateway.database, Release)
    gateway.releases.put(gateway.releases.read(release.blob)[:-2] + b"XX", release.blob)

    assert _courier(gateway).send_due() == 1

    assert place.received == []
    assert _deliveries(gateway.database)[0].state == DeliveryState.PARKED


def test_a_lost_association_is_opened_again(tmp_path: Path, place: Archive) -> None:
    """When the destination restarts between two objects the second one is delivered too."""
    gateway = open_gateway(settings_for(tmp_path, place))
    clock = Clock()
    courier = _courier(gateway, clock)
    _released(gateway, seed=1)
    assert courier.send_due() == 1
    place.stop()
    place.start()
    _released(gateway, seed=2)

    for _ in range(4):
        courier.send_due()
        clock.now += 1000
        _make_due(gateway)

    assert {delivery.state for delivery in _deliveries(gateway.database)} == {DeliveryState.DELIVERED}
    courier.close()


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (0x0000, Verdict.DELIVERED),
        (0x0111, Verdict.DELIVERED),
        (0xB000, Verdict.DELIVERED),
        (0xB007, Verdict.DELIVERED),
        (0xA700, Verdict.LATER),
        (0xA702, Verdict.LATER),
        (0x0110, Verdict.LATER),
        (0x0122, Verdict.NEVER),
        (0x0124, Verdict.NEVER),
        (0xA900, Verdict.NEVER),
        (0xC000, Verdict.NEVER),
        (0x1234, Verdict.NEVER),
    ],
)
def test_every_status_has_a_verdict(status: int, verdict: Verdict) -> None:
    """Warnings are deliveries, shortage passes, refusals stay; what is not known is a refusal."""
    assert judge(status).verdict is verdict


def test_the_map_goes_along_and_both_must_arrive(tmp_path: Path) -> None:
    """Photograph and map reach the destination over one association; only then the photograph counts as forwarded."""
    with archive(extra=(SEGMENTATION,)) as place:
        gateway = open_gateway(settings_for(tmp_path, place))
        _released(gateway)
        _with_map(gateway)
        courier = _courier(gateway)

        assert courier.send_due(1) == 1
        assert rows(gateway.database, Photograph)[0].state == PhotographState.DEIDENTIFIED
        assert courier.send_due() == 1

        assert [str(ds.SOPClassUID) for ds in place.datasets()] == [VL_PHOTOGRAPHIC, SEGMENTATION]
        assert place.associations == 1
        assert rows(gateway.database, Photograph)[0].state == PhotographState.FORWARDED
        sent = [entry.details.get("item") for entry in rows(gateway.database, AuditEntry) if "delivery" in entry.action]
        assert sent == [None, "segmentation"]
        courier.close()


def test_a_destination_without_maps_gets_the_photograph_all_the_same(tmp_path: Path, place: Archive) -> None:
    """Where a destination takes no Segmentation the photograph is delivered, and the map waits at the desk with why."""
    gateway = open_gateway(settings_for(tmp_path, place))
    _released(gateway)
    _with_map(gateway)
    courier = _courier(gateway)
    courier.send_due(10)

    states = {delivery.item: delivery.state for delivery in _deliveries(gateway.database)}
    assert states == {Item.PHOTOGRAPH: DeliveryState.DELIVERED, Item.SEGMENTATION: DeliveryState.PARKED}
    (parked,) = [each for each in _deliveries(gateway.database) if each.item == Item.SEGMENTATION]
    assert "does not accept this SOP class" in (parked.last_error or "")
    courier.close()


def test_a_map_that_was_changed_in_the_store_is_not_sent(tmp_path: Path) -> None:
    """The map is held to the digest that the release names, as the photograph is."""
    with archive(extra=(SEGMENTATION,)) as place:
        gateway = open_gateway(settings_for(tmp_path, place))
        _released(gateway)
        _with_map(gateway)
        (release,) = rows(gateway.database, Release)
        gateway.releases.put(b"something else", segmentation_key(release.blob))
        courier = _courier(gateway)
        courier.send_due(10)

        assert len(place.received) == 1
        courier.close()
