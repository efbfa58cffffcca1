import plan

plan.start()

import litellm
import litellm_calls
from openinference.instrumentation.openai import OpenAIInstrumentor

OpenAIInstrumentor().instrument()
litellm.callbacks = ["otel"]
litellm_calls.run(served=True)
plan.finish()
