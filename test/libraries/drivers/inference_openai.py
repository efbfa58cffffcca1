import plan

plan.start()

from openinference.instrumentation.openai import OpenAIInstrumentor

import openai_calls

OpenAIInstrumentor().instrument()
openai_calls.run(responses=True)
plan.finish()
