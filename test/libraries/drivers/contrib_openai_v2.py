import plan

plan.start()

from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

import openai_calls

OpenAIInstrumentor().instrument()
openai_calls.run(responses=False)
plan.finish()
