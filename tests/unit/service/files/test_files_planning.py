"""Names are settled before any work begins, so that nothing is overwritten and nothing is mixed up."""

from pathlib import Path

import pytest

from service.errors import VeraGateError
from service.files.planning import plan


def _touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"anything")


def test_folders_keep_their_structure(tmp_path: Path) -> None:
    """Pictures and DICOM objects are found at every depth, DICOM also without a suffix; other files are passed over."""
    source, out = tmp_path / "in", tmp_path / "out"
    _touch(source / "a.JPG", source / "deep" / "b.tif", source / "c.dcm", source / "notes.txt")
    (source / "IM0001").write_bytes(bytes(128) + b"DICM")

    jobs = plan([source], out)

    assert {(job.source.name, job.target.relative_to(out).as_posix(), job.is_dicom) for job in jobs} == {
        ("a.JPG", "a.png", False),
        ("b.tif", "deep/b.png", False),
        ("c.dcm", "c.dcm", True),
        ("IM0001", "IM0001.dcm", True),
    }


def test_two_results_of_one_name_are_refused(tmp_path: Path) -> None:
    """A photograph that is there as JPEG and as PNG is named, instead of one result replacing the other."""
    _touch(tmp_path / "in" / "a.jpg", tmp_path / "in" / "a.png")

    with pytest.raises(VeraGateError, match=r"a\.jpg and .*a\.png would both become"):
        plan([tmp_path / "in"], tmp_path / "out")


def test_a_result_that_exists_stays(tmp_path: Path) -> None:
    """An earlier result is not replaced unless the call says so."""
    _touch(tmp_path / "in" / "a.jpg", tmp_path / "out" / "a.png")

    with pytest.raises(VeraGateError, match="exists"):
        plan([tmp_path / "in"], tmp_path / "out")
    assert len(plan([tmp_path / "in"], tmp_path / "out", overwrite=True)) == 1


def test_an_original_is_never_a_target(tmp_path: Path) -> None:
    """Results cannot go over their originals, even with --overwrite."""
    _touch(tmp_path / "a.png")

    with pytest.raises(VeraGateError, match="one of the originals"):
        plan([tmp_path / "a.png"], tmp_path, overwrite=True)


def test_results_are_not_taken_for_originals(tmp_path: Path) -> None:
    """A folder of results inside the folder of originals is left out."""
    _touch(tmp_path / "a.jpg", tmp_path / "results" / "b.png")

    assert [job.source.name for job in plan([tmp_path], tmp_path / "results")] == ["a.jpg"]


@pytest.mark.parametrize("name", ["absent.jpg", "empty"])
def test_nothing_to_do_is_said(tmp_path: Path, name: str) -> None:
    """A path that does not exist and a folder without pictures are errors."""
    (tmp_path / "empty").mkdir()

    with pytest.raises(VeraGateError):
        plan([tmp_path / name], tmp_path / "out")
