"""Traces for OpenTelemetry, where the `traces` extra is installed and the settings name a collector.

    start(settings, "worker")
    with traced("deidentify", photograph_id): ...

A photograph's id is its trace's id, so what different processes do to it lies in one trace, and a photograph in
the console is found in the traces. Nothing else of it is in a span. Without a collector this costs nothing, and a
collector that is down holds up nobody: spans are sent by a thread of their own and dropped when they cannot be.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from service import __version__
from service.errors import ConfigurationError
from service.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer

_SECONDS: Final = 5.0  # for the collector's answer
_tracers: list["Tracer"] = []


def start(settings: Settings, process: str) -> None:
    """Send the spans of this process to the collector of the settings, if there is one; a second call changes nothing.

    Raises ConfigurationError when the extra is not installed.
    """
    if settings.traces is None or _tracers:
        return
    try:
        from opentelemetry.exporter.otlp.json.http import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ConfigurationError("traces: pip install 'veragate[traces]' first.") from error
    provider = TracerProvider(resource=Resource({"service.name": "veragate", "service.instance.id": process}))
    exporter = OTLPSpanExporter(settings.traces, timeout=_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracers.append(provider.get_tracer("veragate", __version__))


@contextmanager
def traced(step: str, photograph_id: str) -> Iterator[None]:
    """One step of a photograph's journey; what is raised marks the span as failed, without its text."""
    if not _tracers:
        yield
        return
    with _tracers[0].start_as_current_span(
        step,
        _journey(photograph_id),
        attributes={"photograph_id": photograph_id},
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except BaseException:
            from opentelemetry.trace import StatusCode

            span.set_status(StatusCode.ERROR)
            raise


def _journey(photograph_id: str) -> "Context":
    """The trace of the photograph: its id is 32 hexadecimal digits, which is what a trace's id is."""
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    number = int(photograph_id, 16)
    root = SpanContext(number, number >> 64, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return set_span_in_context(NonRecordingSpan(root))
