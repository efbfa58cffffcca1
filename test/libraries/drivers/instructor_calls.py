import instructor
import openai
import openai_calls
import plan
from openinference.instrumentation.openai import OpenAIInstrumentor
from pydantic import BaseModel


class Weather(BaseModel):
    city: str


def ask(behaviour: str):
    client = instructor.from_openai(openai_calls.client())
    messages = [{"role": "user", "content": plan.prompt(behaviour)}]
    client.chat.completions.create(
        model=plan.CHAT_MODEL, messages=messages, response_model=Weather, max_retries=1
    )


def run() -> None:
    OpenAIInstrumentor().instrument()
    # Answers without the tool that Instructor asks for are asked for again.
    for behaviour in ["tool", "tool", *plan.REFUSALS]:
        plan.attempt(lambda: ask(behaviour))
    for behaviour in ["tool", "529"]:
        with plan.served():
            plan.attempt(lambda: ask(behaviour))
