"""Which files go in, and under which name each comes out; decided before any work is done."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from service.errors import VeraGateError
from service.files.pictures import SUFFIXES

_DICOM_SUFFIXES = frozenset({".dcm", ".dicom", ".ima"})


@dataclass(frozen=True)
class Job:
    """One file: where it lies, and where its result goes."""

    source: Path
    target: Path
    is_dicom: bool


def plan(inputs: Sequence[Path], out: Path, *, overwrite: bool = False) -> list[Job]:
    """One job for each picture or DICOM file, in order; folders are searched, and their structure is kept.

    A result has the stem of its source and the suffix .png, or .dcm for DICOM. Other files in a folder are passed
    over; a file that is named must be one of the two.
    Raises VeraGateError: nothing to do, an input that does not exist, two results of one name, a result that exists.
    """
    jobs = [job for given in inputs for job in _jobs(given, out)]
    if not jobs:
        raise VeraGateError("There is no picture and no DICOM file to anonymize.")
    targets: dict[Path, Path] = {}
    for job in jobs:
        if other := targets.get(job.target):
            raise VeraGateError(f"{other} and {job.source} would both become {job.target}.")
        if job.target.exists() and not overwrite:
            raise VeraGateError(f"{job.target} exists; name another folder, or say --overwrite.")
        targets[job.target] = job.source
    sources = {job.source.resolve() for job in jobs}
    for target in targets:
        if target.resolve() in sources:
            raise VeraGateError(f"{target} is one of the originals; name another folder for the results.")
    return jobs


def _jobs(given: Path, out: Path) -> Iterator[Job]:
    if given.is_file():
        yield _job(given, Path(given.name), out)
    elif given.is_dir():
        for path in sorted(given.rglob("*")):
            if path.is_file() and not path.is_relative_to(out) and (_is_picture(path) or _is_dicom(path)):
                yield _job(path, path.relative_to(given), out)
    else:
        raise VeraGateError(f"{given} does not exist.")


def _job(path: Path, place: Path, out: Path) -> Job:
    is_dicom = not _is_picture(path) and _is_dicom(path)
    return Job(path, out / place.with_suffix(".dcm" if is_dicom else ".png"), is_dicom)


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _is_dicom(path: Path) -> bool:
    """By its name, or by the four letters behind the preamble (PS3.10 7.1)."""
    if path.suffix.lower() in _DICOM_SUFFIXES:
        return True
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"
