import plan

plan.start()

from openinference.instrumentation.litellm import LiteLLMInstrumentor

import litellm_calls

LiteLLMInstrumentor().instrument()
litellm_calls.run(served=True)
plan.finish()
