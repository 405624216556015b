"""A 12-megapixel JPEG Baseline photograph from data set to checked picture, beside the bare decoder in the same run."""

import time
from collections.abc import Callable, Iterator
from io import BytesIO

import cv2
import numpy as np
import simplejpeg
from pydicom import dcmread, dcmwrite
from pydicom.pixels.utils import pixel_array

from benchmarks.figure import Figure
from service.demo.patients import PATIENTS
from service.demo.series import Shot
from service.objects import read
from service.pixels import decode, single_frame
from service.settings import Limits

ROUNDS = 9


def measure() -> Iterator[Figure]:
    patient = PATIENTS[0]
    portrait = np.asarray(cv2.resize(patient.frontal(), (3000, 4000), interpolation=cv2.INTER_CUBIC), np.uint8)
    grain = np.random.default_rng(1).normal(0, 6, portrait.shape)
    noisy = np.clip(portrait + grain, 0, 255).astype(np.uint8)
    buffer = BytesIO()
    dcmwrite(buffer, Shot(patient, "", 1, patient.frontal_view, True, 90, "4:2:0", noisy).to_dicom({}))
    data = buffer.getvalue()
    frame = single_frame(dcmread(BytesIO(data)))
    plain = _seconds(lambda: simplejpeg.decode_jpeg(frame))
    ours = _seconds(lambda: decode(read(data), Limits()))
    theirs = _seconds(lambda: pixel_array(dcmread(BytesIO(data)), decoding_plugin="pillow"))
    yield Figure.of("12 megapixels of JPEG decoded by simplejpeg alone", "ms", [1000 * each for each in plain])
    yield Figure.of("the same read, checked, stripped and decoded here", "ms", [1000 * each for each in ours])
    yield Figure.of("the same by pydicom with Pillow", "ms", [1000 * each for each in theirs])
    ratios = [mine / bare for mine, bare in zip(ours, plain, strict=True)]
    yield Figure.of("what reading and checking cost, decoder alone = 1", "x", ratios)


def _seconds(work: Callable[[], object]) -> list[float]:
    work()
    found = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return found
