"""LiteLLM's calls, to both providers, with and without a span of the application around them."""

import os

import litellm
import plan

litellm.suppress_debug_info = True
MODELS = {"openai": f"openai/{plan.CHAT_MODEL}", "anthropic": f"anthropic/{plan.CLAUDE}"}


def asked(provider: str, behaviour: str, retries: int) -> dict:
    return {
        "model": MODELS[provider],
        "messages": [{"role": "user", "content": plan.prompt(behaviour)}],
        "timeout": plan.TIMEOUT_S,
        "num_retries": 0,
        "max_retries": retries,
    }


def chat(provider: str, behaviour: str, retries: int = 0):
    litellm.completion(**asked(provider, behaviour, retries))


def stream(provider: str, behaviour: str):
    options = {"stream_options": {"include_usage": True}}
    made = litellm.completion(stream=True, **options, **asked(provider, behaviour, 0))
    for _piece in made:
        pass


def embed(behaviour: str):
    litellm.embedding(
        model=f"openai/{plan.EMBEDDER}", input=[plan.prompt(behaviour)], max_retries=0
    )


def run(served: bool) -> None:
    for provider in MODELS:
        for behaviour in ["ok", "ok", "empty", "truncated", "tool", *plan.REFUSALS]:
            plan.attempt(lambda: chat(provider, behaviour))
        for behaviour in ["ok", "cut", "event", "429"]:
            plan.attempt(lambda: stream(provider, behaviour))
    plan.attempt(lambda: chat("openai", "flaky", retries=2))
    for behaviour in ["ok", "429"]:
        plan.attempt(lambda: embed(behaviour))
    if served:
        for provider in MODELS:
            for behaviour in ["ok", "529"]:
                with plan.served():
                    plan.attempt(lambda: chat(provider, behaviour))
    # Callbacks run on a thread of their own.
    import time

    time.sleep(2)
