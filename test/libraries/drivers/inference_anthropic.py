import plan

plan.start()

from openinference.instrumentation.anthropic import AnthropicInstrumentor

import anthropic_calls

AnthropicInstrumentor().instrument()
anthropic_calls.run()
plan.finish()
