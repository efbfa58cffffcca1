"""An application with the real OpenTelemetry Python SDK. Arguments: the canary text, grpc or http, the endpoint."""

import logging
import sys

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

canary, protocol, endpoint = sys.argv[1:4]
logging.basicConfig(level=logging.WARNING)

if protocol == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter


def options(path):
    if protocol == "grpc":
        return {"endpoint": endpoint, "insecure": True}
    return {"endpoint": endpoint + path}


resource = Resource.create({"service.name": "chat-app"})
traces = TracerProvider(resource=resource)
traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(**options("/v1/traces"))))
metrics = MeterProvider(
    resource=resource,
    metric_readers=[PeriodicExportingMetricReader(OTLPMetricExporter(**options("/v1/metrics")))],
)
logs = LoggerProvider(resource=resource)
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(**options("/v1/logs"))))

tracer = traces.get_tracer("chat-app")
duration = metrics.get_meter("chat-app").create_histogram("gen_ai.client.operation.duration")
logger = logs.get_logger("chat-app")

for index in range(3):
    with tracer.start_as_current_span("chat gpt-4o", kind=SpanKind.CLIENT) as span:
        span.set_attribute("gen_ai.request.model", "gpt-4o")
        span.set_attribute("gen_ai.input.messages", canary)
        span.set_attribute("gen_ai.prompt.0.content", canary)
        span.set_attribute("gen_ai.response.finish_reasons", ["stop"])
        span.set_attribute("index", index)
        span.add_event("gen_ai.content.prompt", {"gen_ai.prompt": canary, "content": canary})
        try:
            raise ValueError(canary)
        except ValueError as error:
            span.record_exception(error)
        span.set_status(Status(StatusCode.ERROR, "Error code: 429 - {'error': '" + canary + "'}"))
    duration.record(0.25, {"gen_ai.request.model": "gpt-4o", "input.value": canary})
    logger.emit(
        LogRecord(
            event_name="gen_ai.choice",
            severity_number=SeverityNumber.INFO,
            body={"message": {"content": canary}},
            attributes={"gen_ai.system": "openai", "content": canary},
        )
    )

traces.shutdown()
metrics.shutdown()
logs.shutdown()
