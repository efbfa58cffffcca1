import os

import plan

plan.start()

from opentelemetry import trace

os.environ["LANGFUSE_HOST"] = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
from langfuse import Langfuse

client = Langfuse(
    public_key="none", secret_key="none", tracer_provider=trace.get_tracer_provider()
)

import openai
import openai_calls
from langfuse.openai import OpenAI

openai.OpenAI = OpenAI
openai_calls.run(responses=False)
client.flush()
plan.finish()
