"""LangSmith's OpenTelemetry output alone: of LangGraph, and of a client that it wraps."""

import os

os.environ.update(
    LANGSMITH_OTEL_ENABLED="true",
    LANGSMITH_OTEL_ONLY="true",
    LANGSMITH_TRACING="true",
    LANGSMITH_API_KEY="none",
    # Nothing listens there.
    LANGSMITH_ENDPOINT="http://127.0.0.1:9",
)
import plan

plan.start()

import langgraph_calls
import openai
import openai_calls
from langsmith.run_trees import get_cached_client
from langsmith.wrappers import wrap_openai

langgraph_calls.run()
plain = openai.OpenAI
openai.OpenAI = lambda **more: wrap_openai(plain(**more))
openai_calls.run(responses=True)
get_cached_client().flush()
plan.finish()
