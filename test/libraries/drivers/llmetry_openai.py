import plan

plan.start()

from opentelemetry.instrumentation.openai import OpenAIInstrumentor

import openai_calls

OpenAIInstrumentor().instrument()
openai_calls.run(responses=True)
plan.finish()
