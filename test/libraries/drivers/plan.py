"""What every driver has in common: the SDK's set-up, the prompts, and calls whose failure is expected."""

import os
import time

from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

CANARY = "canary8c41e7"
CHAT_MODEL = "gpt-4o"
CLAUDE = "claude-sonnet-4-5"
EMBEDDER = "text-embedding-3-small"
PROVIDER_URL = os.environ["PROVIDER_URL"]
TIMEOUT_S = 1.0

REFUSALS = ["429", "529", "500", "503", "400", "401", "timeout"]
STREAM_ENDINGS = ["cut", "event", "cancel"]

_next = 0


def prompt(behaviour: str) -> str:
    global _next
    _next += 1
    served = " served" if trace.get_current_span().is_recording() else ""
    return f"{CANARY} behave:{behaviour} call:c{_next}{served} and so on"


def start(traces: bool = True) -> None:
    if traces:
        tracing = TracerProvider()
        tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=500))
        trace.set_tracer_provider(tracing)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(), export_interval_millis=600_000)
    metrics.set_meter_provider(MeterProvider(metric_readers=[reader]))


def finish() -> None:
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        if hasattr(provider, "force_flush"):
            provider.force_flush()
            provider.shutdown()


def attempt(work) -> None:
    """Runs a call that may fail: how it ended is the provider's to say."""
    try:
        work()
    except Exception as error:  # noqa: BLE001
        print("  ", type(error).__name__, str(error)[:60])


async def attempt_async(work) -> None:
    """The same of a coroutine."""
    try:
        await work
    except Exception as error:  # noqa: BLE001
        print("  ", type(error).__name__, str(error)[:60])


def served(name: str = "POST /chat"):
    """The application's own span around a call."""
    method, route = name.split(" ")
    attributes = {"http.request.method": method, "http.route": route}
    return trace.get_tracer("app").start_as_current_span(
        name, kind=SpanKind.SERVER, attributes=attributes
    )


def first_of(stream) -> None:
    """Leaves a stream after its first two pieces."""
    for _, _piece in zip(range(2), stream):
        time.sleep(0.01)
