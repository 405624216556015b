"""DCMTK's programs as peers: storescu sends, storescp receives, dcmdump and dcmdjpeg read."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydicom import dcmread
from pydicom.uid import RLELossless

from service.settings import Settings
from tests.support.gateways import free_port, wait_for


def storescu(settings: Settings, *files: Path, syntax: str = "-xy", calling: str = "CAMERA") -> str:
    """Send files; the program's output. `syntax` is what it proposes: -xy JPEG Baseline, -xe explicit, -xr RLE."""
    command = ["storescu", "-v", syntax, "-aet", calling, "-aec", settings.listener.ae_title]
    command += ["--max-send-pdu", "131072", "127.0.0.1", str(settings.listener.port), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout + done.stderr + f"\nexit {done.returncode}"


@contextmanager
def storescp(folder: Path, title: str = "STORESCP") -> Iterator[tuple[str, int, str]]:
    """A storage SCP that takes every syntax, as (name, port, AE title); what it gets lies in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = ["storescp", "+xa", "-aet", title, "-od", str(folder), "-uf", str(port)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | {"TCP_NODELAY": "1"}
    )
    try:
        wait_for(lambda: _echo(port, title))
        yield "storescp", port, title
    finally:
        process.terminate()
        process.wait(30)


def decode(file: Path, folder: Path) -> Path:
    """Decompress with dcmdjpeg or dcmdrle; the uncompressed file. Raises when DCMTK cannot decode it."""
    plain = folder / "plain.dcm"
    program = "dcmdrle" if dcmread(file).file_meta.TransferSyntaxUID == RLELossless else "dcmdjpeg"
    subprocess.run([program, str(file), str(plain)], check=True, capture_output=True, timeout=60)
    return plain


def _echo(port: int, title: str) -> bool:
    command = ["echoscu", "-aec", title, "127.0.0.1", str(port)]
    return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0
