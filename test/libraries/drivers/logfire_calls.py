import plan

import logfire
import openai_calls

import anthropic_calls

logfire.configure(send_to_logfire=False, console=False)
logfire.instrument_openai()
logfire.instrument_anthropic()
openai_calls.run(responses=False)
anthropic_calls.run()
logfire.force_flush()
logfire.shutdown()
