import plan

plan.start()

from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor

import anthropic_calls

AnthropicInstrumentor().instrument()
anthropic_calls.run()
plan.finish()
