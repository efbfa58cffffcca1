import os

import plan

plan.start()

from llama_index.core.base.llms.types import ChatMessage
from llama_index.llms.openai import OpenAI
from openinference.instrumentation.llama_index import LlamaIndexInstrumentor

LlamaIndexInstrumentor().instrument()
llm = OpenAI(
    api_base=os.environ["OPENAI_BASE_URL"],
    model=plan.CHAT_MODEL,
    max_retries=0,
    timeout=plan.TIMEOUT_S,
)


def message(behaviour: str):
    return [ChatMessage(role="user", content=plan.prompt(behaviour))]


def stream(behaviour: str):
    made = llm.stream_chat(message(behaviour))
    if behaviour == "cancel":
        plan.first_of(made)
        made.close()
    else:
        for _piece in made:
            pass


for behaviour in ["ok", "ok", "truncated", *plan.REFUSALS]:
    plan.attempt(lambda: llm.chat(message(behaviour)))
for behaviour in ["ok", *plan.STREAM_ENDINGS, "429"]:
    plan.attempt(lambda: stream(behaviour))
for behaviour in ["ok", "529"]:
    with plan.served():
        plan.attempt(lambda: llm.chat(message(behaviour)))
plan.finish()
