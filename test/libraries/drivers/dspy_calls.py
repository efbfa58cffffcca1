import os

import dspy
import plan


def ask(behaviour: str):
    lm = dspy.LM(
        f"openai/{plan.CHAT_MODEL}",
        api_base=os.environ["OPENAI_BASE_URL"],
        api_key="none",
        timeout=plan.TIMEOUT_S,
        num_retries=0,
        cache=False,
    )
    lm(messages=[{"role": "user", "content": plan.prompt(behaviour)}])


def run() -> None:
    for behaviour in ["ok", "ok", "truncated", *plan.REFUSALS]:
        plan.attempt(lambda: ask(behaviour))
    for behaviour in ["ok", "529"]:
        with plan.served():
            plan.attempt(lambda: ask(behaviour))
