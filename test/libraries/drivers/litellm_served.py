import os

import plan

plan.start()

import litellm
import litellm_calls

litellm.callbacks = ["otel"]
litellm_calls.run(served=True)
plan.finish()
