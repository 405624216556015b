"""The promise about the preserved region, kept in a decoder that is not ours."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import encapsulate

from service.finishing import finish
from service.headers import Cleaner
from service.pixels import decode, write
from service.pseudonyms import Pseudonyms
from service.secrets import Keys
from service.settings import Limits
from service.tables import Patient
from service.views import classify
from tests.support import dcmtk
from tests.support.fakefaces import BOX, FakeFaces
from tests.support.photographs import jpeg, photograph, save, teeth

pytestmark = [pytest.mark.integration, pytest.mark.needs("dcmtk")]
CLEANER = Cleaner(Pseudonyms(Keys(b"k" * 32), "test"), Patient(key="k", pseudonym="0ABCDEFGHJKM", date_offset_days=-9))


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_dcmtk_decodes_the_preserved_region_to_the_sources_pixels(subsampling: str, tmp_path: Path) -> None:
    """DCMTK decompresses source and result to the same values in the preserved region, and only there."""
    picture = np.asarray(Image.fromarray(teeth()).resize((320, 240)))
    source = photograph(picture, "EV19")
    source.PixelData = encapsulate([jpeg(picture, subsampling=subsampling)])
    source["PixelData"].is_undefined_length = True
    decoded = decode(source, Limits())
    faces = FakeFaces(tuple(2 * side for side in BOX))  # type: ignore[arg-type]
    replaced = faces.replace(decoded, np.zeros(4, np.float32), {"mouth"})
    exact = write(CLEANER.clean(source), [decoded], [replaced]).frames[0].exact
    finished = finish(source, CLEANER.clean(source), [decoded], [replaced], classify(source), faces, 0.6)
    assert exact is not None
    assert exact.sum() > 3000
    before, after = (_plain(tmp_path / name, data) for name, data in (("a", source), ("b", finished.data)))
    assert np.array_equal(before[exact], after[exact])
    assert not np.array_equal(before[replaced.changed], after[replaced.changed])


def _plain(folder: Path, content: object) -> np.ndarray:
    folder.mkdir()
    path = folder / "compressed.dcm"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        save(content, path)  # type: ignore[arg-type]
    ds = dcmread(dcmtk.decode(path, folder))
    return np.frombuffer(ds.PixelData, np.uint8)[: ds.Rows * ds.Columns * 3].reshape(ds.Rows, ds.Columns, 3)
