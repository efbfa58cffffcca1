import openlit
import plan

openlit.init(disable_metrics=True)

import openai_calls

import anthropic_calls

openai_calls.run(responses=True)
anthropic_calls.run()
plan.finish()
