"""What goes beside a finished object: the map of what is synthetic as a Segmentation, checked as the object was."""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom import FileDataset

from service import leaks, segmentation
from service.finishing import Finished
from service.gates import GateResult
from service.identifiers import harvest
from service.pixels import Part, read_maps
from service.states import Cause

_CAUSES: Final = {"header": Cause.HEADER_CHECK_FAILED, "output": Cause.OUTPUT_INVALID}
_OTHER: Final = "the map does not read back as it was drawn"


def with_segmentation(finished: Finished, source: FileDataset) -> Finished:
    """The same with its Segmentation, where it has one.

    An identifier in that, or anything that has no place in a map, closes the gate of the header; masks that are not
    those of the map close the gate of the output.
    """
    parts, version = read_maps(finished.map), finished.model_version
    data = segmentation.segment(finished.data, parts, version)
    if data is None:
        return finished
    found = leaks.search(data, harvest(source, own_words=(version, *segmentation.TEXTS)))
    found += segmentation.review(data, finished.data, version)
    gates = finished.gates
    if found:
        gates = _closed(gates, "header", "; ".join(f"the map: {place}" for place in found[:3]))
    if not _shows(data, parts):
        gates = _closed(gates, "output", _OTHER)
    return replace(finished, segmentation=data, gates=gates)


def _shows(data: bytes, parts: NDArray[np.uint8]) -> bool:
    """Whether its masks, read from the bytes, are those of the map."""
    try:
        masks = segmentation.segmented(data)
    except (ValueError, AttributeError):
        return False
    nothing = np.zeros(parts.shape, np.bool_)
    made = np.isin(parts, (Part.SYNTHETIC, Part.COVERED))
    return np.array_equal(masks.get("synthetic", nothing), made) and np.array_equal(
        masks.get("preserved", nothing), parts == Part.PRESERVED
    )


def _closed(gates: list[GateResult], name: str, detail: str) -> list[GateResult]:
    """With this gate closed, whatever else it said."""
    return [
        GateResult(name, False, detail if gate.passed else f"{gate.detail}; {detail}", _CAUSES[name])
        if gate.name == name
        else gate
        for gate in gates
    ]
