import os

import groq
import plan

MODEL = "llama-3.3-70b-versatile"


def client(retries: int = 0):
    base_url = f"{os.environ['PROVIDER_URL']}/groq"
    return groq.Groq(
        api_key="none", base_url=base_url, max_retries=retries, timeout=plan.TIMEOUT_S
    )


def asked(behaviour: str) -> dict:
    return {"model": MODEL, "messages": [{"role": "user", "content": plan.prompt(behaviour)}]}


def chat(behaviour: str, retries: int = 0):
    client(retries).chat.completions.create(**asked(behaviour))


def stream(behaviour: str):
    made = client().chat.completions.create(**asked(behaviour), stream=True)
    if behaviour == "cancel":
        plan.first_of(made)
        made.close()
    else:
        for _piece in made:
            pass


def run() -> None:
    for behaviour in ["ok", "ok", "truncated", "tool", *plan.REFUSALS]:
        plan.attempt(lambda: chat(behaviour))
    plan.attempt(lambda: chat("flaky", retries=2))
    for behaviour in ["ok", *plan.STREAM_ENDINGS, "429"]:
        plan.attempt(lambda: stream(behaviour))
    for behaviour in ["ok", "503"]:
        with plan.served():
            plan.attempt(lambda: chat(behaviour))
