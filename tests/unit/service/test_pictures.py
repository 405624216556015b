"""Pictures for people's eyes: sizes that fit over one another, bounded work, and sentences where there is none."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from PIL import Image
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit

from service.gateway import Gateway
from service.icc import ADOBE_RGB, written
from service.pictures import NoPicture, Size, original, outline, overlay, result, size_of, size_of_map
from service.pixels import Part, Replaced, Written, WrittenFrame, draw_map
from service.tables import Photograph, Release
from tests.support import photographs
from tests.support.catalogued import add_photograph, add_release
from tests.support.colours import CANARY, embedded
from tests.support.gateways import open_gateway, settings_for

WIDTH, HEIGHT = 400, 300


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    return open_gateway(settings_for(tmp_path))


def _stored(
    gateway: Gateway, syntax: UID = JPEGBaseline8Bit, frames: int = 1, profile: bytes | None = None
) -> tuple[Photograph, Release]:
    """A photograph whose original and whose release hold the same drawing in each frame, with a map of it."""
    ds = photographs.photograph(photographs.teeth(width=WIDTH, height=HEIGHT), "EV19", syntax=syntax)
    if profile is not None:
        ds.ICCProfile = profile
    if frames > 1:
        ds.NumberOfFrames, ds.PixelData = frames, ds.PixelData * frames
    with gateway.database.transaction() as session:
        photograph = add_photograph(session)
        release = add_release(session, photograph)
    for store, blob in ((gateway.originals, photograph.blob), (gateway.releases, release.blob)):
        store.put(photographs.save(ds, gateway.settings.data_folder / "one.dcm"), blob)
    made, kept = np.zeros((HEIGHT, WIDTH), bool), np.zeros((HEIGHT, WIDTH), bool)
    made[50:250, 100:300], kept[180:230, 160:240] = True, True
    replaced = Replaced(np.zeros((HEIGHT, WIDTH, 3), np.uint8), made, covered=((0, 0, 40, 20),))
    drawn = draw_map([replaced] * frames, Written(syntax, (WrittenFrame(~made, kept),) * frames))
    gateway.maps.put(drawn, release.blob.replace(".dcm", ".png"))
    return photograph, release


def _opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, ExplicitVRLittleEndian])
@pytest.mark.parametrize("fit", [None, 160])
def test_a_browser_is_told_what_the_colours_are(gateway: Gateway, syntax: UID, fit: int | None) -> None:
    """Original and result carry the clean profile of a wide colour space, and nothing of the one that was sent."""
    photograph, release = _stored(gateway, syntax, profile=embedded("adobe"))
    for shown in (original(gateway, photograph, fit), result(gateway, release, fit)):
        assert _opened(shown.data).info["icc_profile"] == written(ADOBE_RGB)
        assert CANARY not in shown.data


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, ExplicitVRLittleEndian, JPEG2000Lossless])
@pytest.mark.parametrize("fit", [None, 160, 1600])
def test_every_layer_has_the_same_size(gateway: Gateway, syntax: UID, fit: int | None) -> None:
    """Original, result, overlay and outline lie over one another to the pixel, whatever size was asked for."""
    photograph, release = _stored(gateway, syntax)
    layers = [
        original(gateway, photograph, fit), result(gateway, release, fit),
        overlay(gateway, release, fit), outline(gateway, release, fit),
    ]  # fmt: skip
    assert {_opened(layer.data).size for layer in layers} == {(160, 120) if fit == 160 else (WIDTH, HEIGHT)}
    assert [layer.media_type for layer in layers] == ["image/jpeg", "image/jpeg", "image/png", "image/png"]


def test_each_frame_is_shown_by_itself(gateway: Gateway) -> None:
    """Of a photograph with several frames each has its layers in one size, and one that does not exist is said."""
    photograph, release = _stored(gateway, ExplicitVRLittleEndian, frames=3)
    assert size_of(gateway, photograph) == size_of_map(gateway, release) == Size(WIDTH, HEIGHT, 3)
    layers = [
        original(gateway, photograph, 160, 2), result(gateway, release, 160, 2),
        overlay(gateway, release, 160, 2), outline(gateway, release, 160, 2),
    ]  # fmt: skip
    assert {_opened(layer.data).size for layer in layers} == {(160, 120)}
    for frame in (3, -1):
        with pytest.raises(NoPicture):
            original(gateway, photograph, 160, frame)
    with pytest.raises(NoPicture):
        overlay(gateway, release, 160, 3)


def test_a_jpeg_in_full_is_the_file_s_own_stream_without_anything_else(gateway: Gateway) -> None:
    """What is shown in full decodes to exactly what the object holds, and carries no metadata."""
    photograph, _ = _stored(gateway)
    data = original(gateway, photograph).data
    ds = photographs.photograph(photographs.teeth(width=WIDTH, height=HEIGHT), "EV19")
    assert (simplejpeg.decode_jpeg(data) == ds.pixel_array).all()
    assert b"Exif" not in data


def test_the_overlay_colours_what_the_map_says(gateway: Gateway) -> None:
    """Untouched pixels are clear, made, preserved and covered ones have a colour each."""
    _, release = _stored(gateway)
    pixels = np.asarray(_opened(overlay(gateway, release).data))
    assert pixels[280, 50, 3] == 0
    colours = {tuple(pixels[y, x]) for y, x in ((60, 150), (200, 200), (5, 5))}
    assert len(colours) == 3
    assert all(colour[3] for colour in colours)


def test_the_outline_runs_along_the_preserved_region(gateway: Gateway) -> None:
    """The line is drawn at the region's border, and its inside stays clear to look through."""
    _, release = _stored(gateway)
    pixels = np.asarray(_opened(outline(gateway, release).data))
    assert pixels[180, 200, 3]
    assert pixels[205, 200, 3] == pixels[100, 50, 3] == 0
    assert Part.PRESERVED == 2


def test_what_cannot_be_shown_is_said(gateway: Gateway) -> None:
    """A file that is gone, no DICOM, or of no picture, and a missing map, are sentences and no crash."""
    photograph, release = _stored(gateway)
    gateway.maps.delete(release.blob.replace(".dcm", ".png"))
    with pytest.raises(NoPicture, match="no map"):
        overlay(gateway, release)
    gateway.originals.put(b"nothing of the kind", photograph.blob)
    with pytest.raises(NoPicture, match="truncated"):
        original(gateway, photograph)
    with pytest.raises(NoPicture, match="truncated"):
        size_of(gateway, photograph)
    gateway.originals.delete(photograph.blob)
    with pytest.raises(NoPicture, match="not there"):
        original(gateway, photograph)


@pytest.mark.parametrize(("fit", "expected"), [(None, (4000, 3000)), (1600, (1600, 1200)), (9000, (4000, 3000))])
def test_pictures_are_never_enlarged(fit: int | None, expected: tuple[int, int]) -> None:
    """A size to fit into only ever makes a picture smaller, in its own shape."""
    assert Size(4000, 3000).within(fit) == Size(*expected)
    assert Size(5000, 1).within(1600) == Size(1600, 1)
