import json
import logging
import warnings
from collections.abc import Iterator

import pytest
import structlog

from service import logs
from service.errors import Retry


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(False)
    structlog.contextvars.clear_contextvars()
    logs._configure_structlog(json=False)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_only_listed_fields_reach_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Fields that are not on the list are dropped, whether they were bound before or given with the event."""
    logs.configure(json=True)
    logs.get_logger(PatientName="Doe^Jane", photograph_id="p1").info("photograph.received", patient="Doe", size=3)
    (line,) = lines(capsys)
    assert line.pop("timestamp")
    assert line == {"event": "photograph.received", "level": "info", "photograph_id": "p1", "size": 3}


def test_fields_are_dropped_before_anybody_configures(capsys: pytest.CaptureFixture[str]) -> None:
    """A process that logs without `configure` is bound by the list as well."""
    logs.get_logger().info("photograph.received", patient="Doe")
    assert "Doe" not in capsys.readouterr().err


def test_an_exception_is_its_class_and_its_places(capsys: pytest.CaptureFixture[str]) -> None:
    """A foreign exception's text, which may quote a data set, stays out; where it came from is told."""
    logs.configure(json=True)
    try:
        raise ValueError("PatientName Doe^Jane is too long")
    except ValueError:
        logs.get_logger().exception("photograph.failed")
    (line,) = lines(capsys)
    assert line["error"] == "ValueError"
    assert "test_logs.py" in str(line["where"])
    assert "Doe" not in json.dumps(line)


def test_our_own_errors_say_why(capsys: pytest.CaptureFixture[str]) -> None:
    """The message of a VeraGate error, which never holds patient data, is logged as the reason."""
    logs.configure(json=True)
    logs.get_logger().warning("delivery.retried", exc_info=Retry("The peer is down."))
    assert lines(capsys)[0]["reason"] == "The peer is down."


def test_libraries_are_heard_without_their_words(capsys: pytest.CaptureFixture[str]) -> None:
    """What libraries log or warn about becomes their name and line, without the text."""
    logs.configure(json=True)
    logging.getLogger("pydicom").warning("Invalid value for PN: %s", "Doe^Jane")
    warnings.warn("Doe^Jane", stacklevel=1)
    first, second = lines(capsys)
    assert (first["library"], second["library"]) == ("pydicom", "py.warnings")
    assert "Doe" not in json.dumps([first, second])


def test_bound_ids_end_with_the_task(capsys: pytest.CaptureFixture[str]) -> None:
    """Ids bound for a task stand on its lines and on none after it."""
    logs.configure(json=True)
    with logs.bound(photograph_id="p1"):
        logs.get_logger().info("photograph.received")
    logs.get_logger().info("process.stopped")
    first, second = lines(capsys)
    assert first["photograph_id"] == "p1"
    assert "photograph_id" not in second
