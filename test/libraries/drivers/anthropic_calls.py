"""The calls that every instrumentation of Anthropic's client is run with."""

import anthropic
import plan


def client(retries: int = 0):
    return anthropic.Anthropic(max_retries=retries, timeout=plan.TIMEOUT_S)


def asked(behaviour: str) -> dict:
    messages = [{"role": "user", "content": plan.prompt(behaviour)}]
    return {"model": plan.CLAUDE, "max_tokens": 100, "messages": messages}


def chat(behaviour: str, retries: int = 0):
    client(retries).messages.create(**asked(behaviour))


def stream(behaviour: str):
    made = client().messages.create(stream=True, **asked(behaviour))
    if behaviour == "cancel":
        plan.first_of(made)
        made.close()
    else:
        for _piece in made:
            pass


def managed_stream(behaviour: str):
    with client().messages.stream(**asked(behaviour)) as made:
        if behaviour == "cancel":
            plan.first_of(made.text_stream)
        else:
            for _piece in made.text_stream:
                pass


def run() -> None:
    for behaviour in ["ok", "ok", "empty", "truncated", "tool", *plan.REFUSALS]:
        plan.attempt(lambda: chat(behaviour))
    plan.attempt(lambda: chat("flaky", retries=2))
    for behaviour in ["ok", "tool", *plan.STREAM_ENDINGS, "429"]:
        plan.attempt(lambda: stream(behaviour))
    for behaviour in ["ok", "cut", "529"]:
        plan.attempt(lambda: managed_stream(behaviour))
    for behaviour in ["ok", "529"]:
        with plan.served():
            plan.attempt(lambda: chat(behaviour))
