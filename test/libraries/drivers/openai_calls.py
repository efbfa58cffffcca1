"""The calls that every instrumentation of OpenAI's client is run with."""

import openai
import plan


def client(retries: int = 0):
    return openai.OpenAI(max_retries=retries, timeout=plan.TIMEOUT_S)


def chat(behaviour: str, retries: int = 0, model: str = plan.CHAT_MODEL):
    messages = [{"role": "user", "content": plan.prompt(behaviour)}]
    return client(retries).chat.completions.create(model=model, messages=messages)


def stream(behaviour: str, usage: bool = True, retries: int = 0, model: str = plan.CHAT_MODEL):
    messages = [{"role": "user", "content": plan.prompt(behaviour)}]
    options = {"stream_options": {"include_usage": True}} if usage else {}
    made = client(retries).chat.completions.create(
        model=model, messages=messages, stream=True, **options
    )
    if behaviour == "cancel":
        plan.first_of(made)
        made.close()
    else:
        for _piece in made:
            pass


def embed(behaviour: str):
    client().embeddings.create(model=plan.EMBEDDER, input=plan.prompt(behaviour))


def respond(behaviour: str):
    client().responses.create(model=plan.CHAT_MODEL, input=plan.prompt(behaviour))


def respond_stream(behaviour: str):
    made = client().responses.create(
        model=plan.CHAT_MODEL, input=plan.prompt(behaviour), stream=True
    )
    if behaviour == "cancel":
        plan.first_of(made)
        made.close()
    else:
        for _piece in made:
            pass


def run(responses: bool) -> None:
    for behaviour in ["ok", "ok", "empty", "truncated", "tool", *plan.REFUSALS]:
        plan.attempt(lambda: chat(behaviour))
    plan.attempt(lambda: chat("flaky", retries=2))
    for behaviour in ["ok", "tool", *plan.STREAM_ENDINGS, "429"]:
        plan.attempt(lambda: stream(behaviour))
    plan.attempt(lambda: stream("ok", usage=False))
    for behaviour in ["ok", "429"]:
        plan.attempt(lambda: embed(behaviour))
    if responses:
        for behaviour in ["ok", "truncated", "529"]:
            plan.attempt(lambda: respond(behaviour))
        for behaviour in ["ok", "cut", "cancel"]:
            plan.attempt(lambda: respond_stream(behaviour))
    for behaviour in ["ok", "529"]:
        with plan.served():
            plan.attempt(lambda: chat(behaviour))
