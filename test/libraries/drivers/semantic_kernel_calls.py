import asyncio
import os

import plan

plan.start()
os.environ["SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS"] = "true"

import openai
from semantic_kernel.connectors.ai.open_ai import (
    OpenAIChatCompletion,
    OpenAIChatPromptExecutionSettings,
)
from semantic_kernel.contents import ChatHistory

settings = OpenAIChatPromptExecutionSettings()


def service(retries: int = 0):
    client = openai.AsyncOpenAI(max_retries=retries, timeout=plan.TIMEOUT_S)
    return OpenAIChatCompletion(ai_model_id=plan.CHAT_MODEL, async_client=client)


def history(behaviour: str):
    made = ChatHistory()
    made.add_user_message(plan.prompt(behaviour))
    return made


async def chat(behaviour: str, retries: int = 0):
    await service(retries).get_chat_message_contents(history(behaviour), settings)


async def stream(behaviour: str):
    made = service().get_streaming_chat_message_contents(history(behaviour), settings)
    count = 0
    async for _piece in made:
        count += 1
        if behaviour == "cancel" and count == 2:
            break
    await made.aclose()


async def main() -> None:
    for behaviour in ["ok", "ok", "truncated", *plan.REFUSALS]:
        await plan.attempt_async(chat(behaviour))
    await plan.attempt_async(chat("flaky", retries=2))
    for behaviour in ["ok", *plan.STREAM_ENDINGS, "429"]:
        await plan.attempt_async(stream(behaviour))
    for behaviour in ["ok", "529"]:
        with plan.served():
            await plan.attempt_async(chat(behaviour))


asyncio.run(main())
plan.finish()
