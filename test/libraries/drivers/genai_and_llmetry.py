import plan

plan.start()

from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.instrumentation.openai import OpenAIInstrumentor as LlmetryInstrumentor

import openai_async_calls

LlmetryInstrumentor().instrument()
OpenAIInstrumentor().instrument()
openai_async_calls.run()
plan.finish()
