"""OpenLLMetry as its own kit sets it up: every instrumentation that it finds, of LangChain and of the clients beneath."""

import os

import plan
from traceloop.sdk import Traceloop

Traceloop.init(
    app_name="run",
    api_endpoint=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"],
    api_key="none",
    telemetry_enabled=False,
)

import langgraph_calls

langgraph_calls.run()
plan.finish()
