"""What goes beside a finished object: the map of what is synthetic as a Segmentation, checked as the object was."""

from dataclasses import replace

from pydicom import FileDataset

from service import leaks, segmentation
from service.finishing import Finished
from service.gates import GateResult
from service.identifiers import harvest
from service.pixels import read_map
from service.states import Cause


def with_segmentation(finished: Finished, source: FileDataset) -> Finished:
    """The same with its Segmentation, where it has one; an identifier in that closes the gate of the header."""
    data = segmentation.segment(finished.data, read_map(finished.map), finished.model_version)
    if data is None:
        return finished
    found = leaks.search(data, harvest(source, own_words=(finished.model_version, *segmentation.TEXTS)))
    gates = [_with_findings(gate, found) for gate in finished.gates] if found else finished.gates
    return replace(finished, segmentation=data, gates=gates)


def _with_findings(gate: GateResult, found: list[str]) -> GateResult:
    if gate.name != "header":
        return gate
    places = "; ".join(f"the map: {place}" for place in found[:3])
    detail = places if gate.passed else f"{gate.detail}; {places}"
    return GateResult(gate.name, False, detail, Cause.HEADER_CHECK_FAILED)
