"""The calls that instrumentations of LangChain are run with."""

import plan
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI


def models():
    return [
        ChatOpenAI(model=plan.CHAT_MODEL, max_retries=0, timeout=plan.TIMEOUT_S),
        ChatAnthropic(model=plan.CLAUDE, max_retries=0, timeout=plan.TIMEOUT_S, max_tokens=100),
    ]


def stream(model, behaviour: str):
    made = model.stream(plan.prompt(behaviour))
    if behaviour == "cancel":
        plan.first_of(made)
        made.close()
    else:
        for _piece in made:
            pass


def run() -> None:
    for model in models():
        for behaviour in ["ok", "ok", "truncated", "tool", *plan.REFUSALS]:
            plan.attempt(lambda: model.invoke(plan.prompt(behaviour)))
        plan.attempt(lambda: model.with_retry(stop_after_attempt=3).invoke(plan.prompt("flaky")))
        for behaviour in ["ok", *plan.STREAM_ENDINGS, "429"]:
            plan.attempt(lambda: stream(model, behaviour))
        for behaviour in ["ok", "529"]:
            with plan.served():
                plan.attempt(lambda: model.invoke(plan.prompt(behaviour)))
