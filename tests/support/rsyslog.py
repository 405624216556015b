"""A real rsyslog that takes syslog over mutual TLS and keeps what it got, one message a line, in a file."""

import subprocess
import time
from pathlib import Path

from tests.support.certificates import Pair
from tests.support.gateways import free_port

_CONFIG = """
global(
  workDirectory="{folder}" maxMessageSize="256k"
  DefaultNetstreamDriver="gtls" DefaultNetstreamDriverCAFile="{authority}"
  DefaultNetstreamDriverCertFile="{certificate}" DefaultNetstreamDriverKeyFile="{key}"
  parser.escapeControlCharactersOnReceive="off"
)
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/certvalid")
template(name="whole" type="string" string="%rawmsg%\\n")
input(type="imtcp" address="127.0.0.1" port="{port}" SupportOctetCountedFraming="on")
action(type="omfile" file="{output}" template="whole")
"""


class Rsyslog:
    def __init__(self, folder: Path, authority: Path, pair: Pair, port: int | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self._folder = folder
        self._output = folder / "messages.log"
        self._config = folder / "rsyslog.conf"
        self._process: subprocess.Popen[bytes] | None = None
        self._config.write_text(
            _CONFIG.format(
                folder=folder,
                authority=authority,
                certificate=pair.certificate,
                key=pair.key,
                port=self.port,
                output=self._output,
            )
        )

    def __enter__(self) -> "Rsyslog":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        command = ["/usr/sbin/rsyslogd", "-n", "-f", str(self._config), "-i", str(self._folder / "pid")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while not _listens(self.port):
            assert self._process.poll() is None and time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends in order, so that all it received is in the file."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def messages(self) -> list[str]:
        if not self._output.exists():
            return []
        return self._output.read_text(encoding="utf-8").split("\n")[:-1]

    def wait_for(self, count: int, seconds: float = 20) -> list[str]:
        """The messages, once there are at least `count`; fewer when the time is up."""
        deadline = time.monotonic() + seconds
        while len(found := self.messages()) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        return found

    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")


def _listens(port: int) -> bool:
    """Whether somebody listens, without connecting: rsyslog would take that for a broken session."""
    wanted = f":{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(line.split()[1].endswith(wanted) and line.split()[3] == "0A" for line in lines)
