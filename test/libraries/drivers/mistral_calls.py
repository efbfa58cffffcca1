import os

import plan

try:
    from mistralai import Mistral
except ImportError:
    from mistralai.client import Mistral

MODEL = "mistral-large-latest"


def client():
    return Mistral(
        api_key="none",
        server_url=f"{os.environ['PROVIDER_URL']}/mistral",
        timeout_ms=int(plan.TIMEOUT_S * 1000),
    )


def asked(behaviour: str) -> dict:
    return {"model": MODEL, "messages": [{"role": "user", "content": plan.prompt(behaviour)}]}


def chat(behaviour: str):
    client().chat.complete(**asked(behaviour))


def stream(behaviour: str):
    made = client().chat.stream(**asked(behaviour))
    if behaviour == "cancel":
        plan.first_of(made)
        if hasattr(made, "response"):
            made.response.close()
    else:
        for _piece in made:
            pass


def run() -> None:
    for behaviour in ["ok", "ok", "truncated", "tool", *plan.REFUSALS]:
        plan.attempt(lambda: chat(behaviour))
    for behaviour in ["ok", "cut", "cancel", "429"]:
        plan.attempt(lambda: stream(behaviour))
    for behaviour in ["ok", "503"]:
        with plan.served():
            plan.attempt(lambda: chat(behaviour))
