"""The demonstration itself: what a newcomer runs first."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]


@pytest.mark.journey
def test_the_demonstration_keeps_every_promise(tmp_path: Path) -> None:
    """`veragate demo` ends with 0, shows all ten photographs, and leaves a contact sheet and ten received objects."""
    done = subprocess.run(
        [sys.executable, "-m", "service", "demo", "--out", str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout
    assert done.stdout.count("FORWARDED") == 10
    assert "Audit: OK" in done.stdout
    with Image.open(tmp_path / "contact-sheet.png") as sheet:
        sheet.load()
    assert len(list((tmp_path / "received").glob("*.dcm"))) == 10
    assert f"veragate console --config {tmp_path / 'gateway' / 'veragate.toml'}" in done.stdout
    assert (tmp_path / "gateway" / "veragate.toml").exists()
