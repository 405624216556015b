"""Traces, against a collector that keeps what it is sent, in a process of their own as the SDK's threads want it."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from service.errors import ConfigurationError
from service.settings import parse_settings
from service.tables import new_id
from service.traces import start, traced

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from contextlib import suppress
from service.settings import parse_settings
from service.traces import start, traced

settings = parse_settings({"traces": sys.argv[1]} if sys.argv[1] else {})
start(settings, "worker")
start(settings, "worker")
for step in ("receive", "deidentify"):
    with traced(step, sys.argv[2]):
        pass
with suppress(ValueError), traced("forward", sys.argv[2]):
    raise ValueError("Doe^Jane")
print("done")
"""


class _Collector(BaseHTTPRequestHandler):
    bodies: list[bytes] = []

    def do_POST(self) -> None:
        self.bodies.append(self.path.encode() + b" " + self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(name="collector")
def _collector() -> Iterator[str]:
    _Collector.bodies = []
    with ThreadingHTTPServer(("127.0.0.1", 0), _Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/traces"
        server.shutdown()
        thread.join()


def work(endpoint: str, photograph_id: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, endpoint, photograph_id]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_the_steps_of_a_photograph_are_one_trace(collector: str) -> None:
    """Each step is a span with the photograph's id, all under that id; an error is marked, and its text stays here."""
    photograph_id = new_id()
    done = work(collector, photograph_id)

    assert done.stdout == "done\n", done.stderr
    (path, body) = b"".join(_Collector.bodies).split(b" ", 1)
    spans = [
        span for group in json.loads(body)["resourceSpans"] for scope in group["scopeSpans"] for span in scope["spans"]
    ]
    assert path == b"/v1/traces"
    assert [span["name"] for span in spans] == ["receive", "deidentify", "forward"]
    assert {span["traceId"] for span in spans} == {photograph_id}
    for span in spans:
        assert span["attributes"] == [{"key": "photograph_id", "value": {"stringValue": photograph_id}}]
    assert [span.get("status", {}).get("code", 0) for span in spans] == [0, 0, 2]
    assert b"Doe" not in body


def test_a_collector_that_is_down_stops_nothing() -> None:
    """Spans that nobody takes are dropped; the work itself is done as ever."""
    assert work("http://127.0.0.1:1/v1/traces", new_id()).stdout == "done\n"


def test_without_a_collector_nothing_is_traced() -> None:
    """By default steps are just done, and OpenTelemetry is not even imported."""
    assert work("", new_id()).stdout == "done\n"
    start(parse_settings({}), "worker")
    with traced("receive", "no id at all"):
        pass


def test_the_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A collector without the extra is a mistake of the configuration, said in one sentence."""
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.json.http", None)
    with pytest.raises(ConfigurationError, match=r"veragate\[traces\]"):
        start(parse_settings({"traces": "http://127.0.0.1:1/v1/traces"}), "worker")
