"""Headers of photographs cleaned in a second, by one core, beside other projects: read, clean, write, in memory.

One data set has the elements of a usual photograph, the other what `tests/support/planted.py` plants, both with a
JPEG of 0.3 MB. Times are CPU seconds of this process. The other projects do not take metadata out of the JPEG, and
this gateway does so elsewhere: none of that is counted.
"""

import time
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from io import BytesIO

import numpy as np
from pydicom import FileDataset, dcmread, dcmwrite
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from benchmarks.figure import Figure
from service import contents, leaks, objects, provenance
from service.headers import Cleaner
from service.identifiers import harvest
from service.pseudonyms import Pseudonyms
from service.secrets import Keys
from service.tables import Patient
from tests.support.photographs import jpeg, photograph, teeth
from tests.support.planted import planted

ROUNDS, PER_ROUND = 5, 60
PIXELS = (
    *("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "BitsAllocated"),
    *("BitsStored", "HighBit", "PixelRepresentation", "PixelData"),
)


def measure() -> Iterator[Figure]:
    warnings.simplefilter("ignore")
    source = _source(photograph(teeth(), "EV19"))
    full = _source(planted(teeth()))
    for name, work in _contenders():
        yield Figure.of(f"headers of a 0.3 MB photograph, {name}", "data sets/s", list(_rates(work, source)))
        yield Figure.of(f"the same, its header full of odd places, {name}", "data sets/s", list(_rates(work, full)))
    yield Figure.of("the independent header check of one of them", "ms", [1000 / rate for rate in _checks(source)])
    for name, module in (("dicom-anonymizer 2.1.0", "dicomanonymizer"), ("dentdeid 0.1.0", "dentdeid")):
        if find_spec(module) is None:
            yield Figure(f"headers of a 0.3 MB photograph, {name}", "data sets/s")


def _source(ds: FileDataset) -> bytes:
    ds.PixelData = encapsulate([jpeg(np.asarray(teeth(width=860, height=640)), quality=95, subsampling="4:4:4")])
    ds["PixelData"].is_undefined_length = True
    stream = BytesIO()
    dcmwrite(stream, ds, enforce_file_format=True)
    return stream.getvalue()


def _contenders() -> Iterator[tuple[str, Callable[[bytes], bytes]]]:
    yield "VeraGate", ours
    if find_spec("dicomanonymizer") is not None:
        yield "dicom-anonymizer 2.1.0", _dicom_anonymizer
    if find_spec("dentdeid") is not None:
        yield "dentdeid 0.1.0", _dentdeid()


def _rates(work: Callable[[bytes], bytes], source: bytes) -> Iterator[float]:
    work(source)
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(PER_ROUND):
            work(source)
        yield PER_ROUND / (time.process_time() - began)


def ours(source: bytes) -> bytes:
    ds = objects.read(source)
    clean = _CLEANER.clean(ds)
    for keyword in PIXELS:
        clean[keyword] = ds[keyword]
    provenance.mark(clean, source=ds, model_version="none", is_synthetic=False)
    return objects.to_bytes(clean, JPEGBaseline8Bit)


_CLEANER = Cleaner(Pseudonyms(Keys(b"k" * 32), "bench"), Patient(pseudonym="0ABCDEFGHJKM", date_offset_days=-100))


def _checks(source: bytes) -> Iterator[float]:
    data = ours(source)

    def check(source: bytes) -> bytes:
        leaks.search(data, harvest(objects.read(source), own_words=("none",)))
        contents.review(data, ("none",))
        return data

    yield from _rates(check, source)


def _dicom_anonymizer(source: bytes) -> bytes:
    from dicomanonymizer import anonymize_dataset

    ds = dcmread(BytesIO(source))
    anonymize_dataset(ds)
    return _written(ds)


def _dentdeid() -> Callable[[bytes], bytes]:
    from dentdeid.dicom.meta import MetaConfig, deidentify_dataset
    from dentdeid.keys import Pseudonymizer

    pseudonymizer, config = Pseudonymizer(b"k" * 32), MetaConfig()

    def work(source: bytes) -> bytes:
        ds = dcmread(BytesIO(source))
        deidentify_dataset(ds, config, pseudonymizer)
        return _written(ds)

    return work


def _written(ds: object) -> bytes:
    stream = BytesIO()
    dcmwrite(stream, ds)  # type: ignore[arg-type]
    return stream.getvalue()
