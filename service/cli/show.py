"""`show`: what a finished object says about itself, and the map of what is synthetic in it, drawn."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.options import Json, print_json

if TYPE_CHECKING:
    from service.segmentation import Masks

_COLUMNS = 64
_INKS = {"synthetic": "█", "preserved": "▒"}


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Files")(show)


def show(
    file: Annotated[Path, typer.Argument(help="A photograph that left the gateway, or the Segmentation beside it.")],
    png: Annotated[Path | None, typer.Option(help="Draw the map into this PNG file too.")] = None,
    as_json: Json = False,
) -> None:
    """Print what an object says about its de-identification; of a Segmentation, draw what is synthetic."""
    from service.errors import Quarantined, VeraGateError
    from service.storage_classes import SEGMENTATION

    try:
        facts = _facts(file)
    except (OSError, Quarantined) as error:
        raise VeraGateError(f"{file} cannot be read as a DICOM object.") from error
    masks = _masks(file) if facts["sop_class_uid"] == SEGMENTATION else {}
    facts["parts"] = {name: round(float(mask.mean()), 4) for name, mask in masks.items()}
    if png is not None:
        _draw(masks, png)
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        if value:
            typer.echo(f"{name.replace('_', ' '):<24} {_worded(value)}")
    if masks:
        typer.echo(_drawn(masks))


def _facts(file: Path) -> dict[str, Any]:
    """What stands in the object; everything in it is free to be seen, for it left the gateway."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    from service.errors import VeraGateError

    try:
        ds = dcmread(file, stop_before_pixels=True)
    except InvalidDicomError as error:
        raise VeraGateError(f"{file} cannot be read as a DICOM object.") from error
    if ds.get("PatientIdentityRemoved") != "YES":
        raise VeraGateError(f"{file} does not say that it was de-identified; it is not shown.")
    methods = [f"{item.CodeValue} {item.CodeMeaning}" for item in ds.get("DeidentificationMethodCodeSequence", [])]
    return {
        "sop_class_uid": str(ds.SOPClassUID),
        "sop_class": ds.SOPClassUID.name,
        "transfer_syntax": ds.file_meta.TransferSyntaxUID.name,
        "size": f"{ds.Columns} x {ds.Rows}",
        "frames": int(ds.get("NumberOfFrames", 1)),
        "patient": str(ds.PatientID),
        "synthetic_data": str(ds.get("SyntheticData", "")),
        "recognizable": str(ds.get("RecognizableVisualFeatures", "")),
        "burned_in_annotation": str(ds.get("BurnedInAnnotation", "")),
        "derivation": str(ds.get("DerivationDescription", "")),
        "methods": methods,
    }


def _masks(file: Path) -> "dict[str, Masks]":
    from service.errors import VeraGateError
    from service.segmentation import segmented

    try:
        return segmented(file.read_bytes())
    except (ValueError, AttributeError) as error:
        raise VeraGateError(f"{file} is a Segmentation, but no map of what is synthetic.") from error


def _worded(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {100 * share:.1f} %" for name, share in value.items())
    return "; ".join(value) if isinstance(value, list) else str(value)


def _drawn(masks: "dict[str, Masks]") -> str:
    """Each frame as a picture of letters, under its number where there are several."""
    frames = len(next(iter(masks.values())))
    drawn = [_frame({name: mask[number] for name, mask in masks.items()}) for number in range(frames)]
    if frames == 1:
        return drawn[0]
    return "\n".join(f"frame {number} of {frames}\n{picture}" for number, picture in enumerate(drawn, 1))


def _frame(masks: "dict[str, Masks]") -> str:
    """64 letters across: the part that most of a cell belongs to."""
    height, width = next(iter(masks.values())).shape
    cell = max(1, -(-width // _COLUMNS))
    lines = []
    for top in range(0, height, 2 * cell):
        cells = [(slice(top, top + 2 * cell), slice(left, left + cell)) for left in range(0, width, cell)]
        lines.append("".join(_ink({name: float(mask[at].mean()) for name, mask in masks.items()}) for at in cells))
    return "\n".join(lines)


def _ink(shares: dict[str, float]) -> str:
    name = max(shares, key=lambda part: shares[part])
    return _INKS[name] if shares[name] >= 0.5 else "·"


def _draw(masks: "dict[str, Masks]", path: Path) -> None:
    """Frames one below the other."""
    import numpy as np
    from PIL import Image

    from service.errors import VeraGateError

    if not masks:
        raise VeraGateError("Only a Segmentation holds a map that could be drawn.")
    image = np.full((*next(iter(masks.values())).shape, 3), 32, np.uint8)
    for name, colour in (("synthetic", (214, 51, 132)), ("preserved", (25, 135, 84))):
        if name in masks:
            image[masks[name]] = colour
    Image.fromarray(image.reshape(-1, *image.shape[2:])).save(path, "PNG")
