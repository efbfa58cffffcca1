import os

import plan
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.utils import Secret
from haystack import Pipeline


def ask(behaviour: str, streams: bool = False, retries: int = 0):
    generator = OpenAIChatGenerator(
        api_key=Secret.from_token("none"),
        model=plan.CHAT_MODEL,
        api_base_url=os.environ["OPENAI_BASE_URL"],
        timeout=plan.TIMEOUT_S,
        max_retries=retries,
        streaming_callback=(lambda _piece: None) if streams else None,
    )
    pipeline = Pipeline()
    pipeline.add_component("llm", generator)
    pipeline.run({"llm": {"messages": [ChatMessage.from_user(plan.prompt(behaviour))]}})


def run() -> None:
    for behaviour in ["ok", "ok", "truncated", "tool", *plan.REFUSALS]:
        plan.attempt(lambda: ask(behaviour))
    plan.attempt(lambda: ask("flaky", retries=2))
    for behaviour in ["ok", "cut", "event", "429"]:
        plan.attempt(lambda: ask(behaviour, streams=True))
    for behaviour in ["ok", "529"]:
        with plan.served():
            plan.attempt(lambda: ask(behaviour))
