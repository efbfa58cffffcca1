import os

import plan

plan.start()
os.environ.setdefault("OTEL_EXPORTER", "otlp_http")

import litellm
import litellm_calls

litellm.callbacks = ["otel"]
litellm_calls.run(served=False)
plan.finish()
