import os

import cohere
import plan

MODEL = "command-a-03-2025"
# Cohere has no 529.
REFUSALS = [name for name in plan.REFUSALS if name != "529"]
client = cohere.ClientV2(
    api_key="none", base_url=f"{os.environ['PROVIDER_URL']}/cohere", timeout=plan.TIMEOUT_S
)
options = {"max_retries": 0}


def asked(behaviour: str) -> dict:
    return {"model": MODEL, "messages": [{"role": "user", "content": plan.prompt(behaviour)}]}


def chat(behaviour: str):
    client.chat(**asked(behaviour), request_options=options)


def stream(behaviour: str):
    made = client.chat_stream(**asked(behaviour), request_options=options)
    if behaviour == "cancel":
        plan.first_of(made)
        made.close()
    else:
        for _piece in made:
            pass


def run() -> None:
    for behaviour in ["ok", "ok", "truncated", "tool", *REFUSALS]:
        plan.attempt(lambda: chat(behaviour))
    for behaviour in ["ok", "cut", "cancel", "429"]:
        plan.attempt(lambda: stream(behaviour))
    for behaviour in ["ok", "503"]:
        with plan.served():
            plan.attempt(lambda: chat(behaviour))
