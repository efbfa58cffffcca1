import os
import time

traces = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces"
os.environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = traces
os.environ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] = "http/protobuf"
import mlflow

mlflow.openai.autolog()
mlflow.anthropic.autolog()

import openai_calls

import anthropic_calls

openai_calls.run(responses=True)
anthropic_calls.run()
mlflow.flush_trace_async_logging()
time.sleep(3)
