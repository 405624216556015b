"""Orthanc with a configuration and a folder of its own on free ports, for as long as a test needs it."""

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

from tests.support.gateways import free_port, wait_for


class Orthanc:
    def __init__(self, folder: Path, title: str = "ORTHANC") -> None:
        self.folder, self.title = folder, title
        self.port, self.http = free_port(), free_port()

    def configure(self, gateway_port: int) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "orthanc.json"
        configuration = {
            "Name": "test",
            "StorageDirectory": str(self.folder / "storage"),
            "IndexDirectory": str(self.folder / "storage"),
            "Plugins": [],
            "DicomAet": self.title,
            "DicomPort": self.port,
            "DicomCheckCalledAet": True,
            "HttpPort": self.http,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomModalities": {"veragate": ["VERAGATE", "127.0.0.1", gateway_port]},
        }
        path.write_text(json.dumps(configuration))
        return path

    def call(self, path: str, data: bytes | None = None) -> bytes:
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", data=data)
        with urllib.request.urlopen(request, timeout=60) as answer:
            content: bytes = answer.read()
            return content

    def json(self, path: str, data: Any = None) -> Any:
        return json.loads(self.call(path, None if data is None else json.dumps(data).encode()))

    def instances(self) -> list[str]:
        return list(self.json("/instances"))

    def upload(self, file: Path) -> str:
        return str(json.loads(self.call("/instances", file.read_bytes()))["ID"])

    def send_to_gateway(self, *instances: str) -> Any:
        """C-STORE instances to the gateway; Orthanc's account of it. Raises HTTPError when the gateway refused."""
        return self.json("/modalities/veragate/store", {"Resources": list(instances), "Synchronous": True})

    def answers(self) -> bool:
        try:
            return bool(self.call("/system"))
        except (URLError, ConnectionError, TimeoutError):
            return False


@contextmanager
def orthanc(server: Orthanc, gateway_port: int) -> Iterator[Orthanc]:
    """Run an Orthanc that knows the gateway at `gateway_port`."""
    program = shutil.which("Orthanc") or "/usr/sbin/Orthanc"
    process = subprocess.Popen(
        [program, str(server.configure(gateway_port))], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(server.answers)
        yield server
    finally:
        process.terminate()
        process.wait(60)
