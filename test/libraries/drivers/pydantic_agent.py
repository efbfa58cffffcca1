import asyncio

import plan

plan.start()

from pydantic_ai import Agent, ModelSettings
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

import anthropic
import openai

Agent.instrument_all()
settings = ModelSettings(timeout=plan.TIMEOUT_S)


def models():
    openai_client = openai.AsyncOpenAI(max_retries=0)
    anthropic_client = anthropic.AsyncAnthropic(max_retries=0)
    return [
        OpenAIChatModel(plan.CHAT_MODEL, provider=OpenAIProvider(openai_client=openai_client)),
        AnthropicModel(plan.CLAUDE, provider=AnthropicProvider(anthropic_client=anthropic_client)),
    ]


async def chat(model, behaviour: str):
    agent = Agent(model, retries=0)
    await agent.run(plan.prompt(behaviour), model_settings=settings)


async def stream(model, behaviour: str):
    agent = Agent(model, retries=0)
    async with agent.run_stream(plan.prompt(behaviour), model_settings=settings) as result:
        async for _piece in result.stream_text(delta=True, debounce_by=None):
            if behaviour == "cancel":
                break


async def attempt(work) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001
        print("  ", type(error).__name__, str(error)[:60])


async def main() -> None:
    for model in models():
        for behaviour in ["ok", "ok", "truncated", *plan.REFUSALS]:
            await attempt(chat(model, behaviour))
        for behaviour in ["ok", "cut", "event", "cancel", "429"]:
            await attempt(stream(model, behaviour))
        for behaviour in ["ok", "529"]:
            with plan.served():
                await attempt(chat(model, behaviour))


asyncio.run(main())
plan.finish()
