import plan

plan.start()

import anthropic_calls

anthropic_calls.run()
plan.finish()
