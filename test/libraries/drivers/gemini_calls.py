"""The calls that every instrumentation of Google's client is run with."""

import os

import plan
from google import genai
from google.genai import types

MODEL = "gemini-2.5-flash"
EMBEDDER = "gemini-embedding-001"
# What Google's interface has no word for is left out.
REFUSALS = ["429", "500", "503", "400", "401", "timeout"]


_clients = {}


def client(retries: int = 1):
    if retries not in _clients:
        _clients[retries] = make(retries)
    return _clients[retries]


def make(retries: int):
    options = types.HttpOptions(
        base_url=os.environ["PROVIDER_URL"],
        timeout=int(plan.TIMEOUT_S * 1000),
        retry_options=types.HttpRetryOptions(attempts=retries, initial_delay=0.2),
    )
    return genai.Client(api_key="none", vertexai=False, http_options=options)


def chat(behaviour: str, retries: int = 1):
    client(retries).models.generate_content(model=MODEL, contents=plan.prompt(behaviour))


def stream(behaviour: str):
    made = client().models.generate_content_stream(model=MODEL, contents=plan.prompt(behaviour))
    if behaviour == "cancel":
        plan.first_of(made)
        made.close()
    else:
        for _piece in made:
            pass


def embed(behaviour: str):
    client().models.embed_content(model=EMBEDDER, contents=plan.prompt(behaviour))


def run() -> None:
    for behaviour in ["ok", "ok", "empty", "truncated", "tool", *REFUSALS]:
        plan.attempt(lambda: chat(behaviour))
    plan.attempt(lambda: chat("flaky", retries=3))
    for behaviour in ["ok", "tool", *plan.STREAM_ENDINGS, "429"]:
        plan.attempt(lambda: stream(behaviour))
    for behaviour in ["ok", "429"]:
        plan.attempt(lambda: embed(behaviour))
    for behaviour in ["ok", "503"]:
        with plan.served():
            plan.attempt(lambda: chat(behaviour))
