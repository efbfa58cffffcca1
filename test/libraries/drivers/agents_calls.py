import asyncio

import plan

plan.start()

import openai
from agents import Agent, ModelSettings, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner
from agents import function_tool, set_tracing_export_api_key
from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor

OpenAIAgentsInstrumentor().instrument()


@function_tool
def weather(city: str) -> str:
    """What the weather is."""
    return f"sunny in {city}"


async def run(kind, behaviour: str, streamed: bool = False):
    client = openai.AsyncOpenAI(max_retries=0, timeout=plan.TIMEOUT_S)
    model = kind(model=plan.CHAT_MODEL, openai_client=client)
    agent = Agent(name="helper", model=model, tools=[weather])
    if not streamed:
        await Runner.run(agent, plan.prompt(behaviour))
        return
    result = Runner.run_streamed(agent, plan.prompt(behaviour))
    async for _event in result.stream_events():
        pass


async def attempt(work) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001
        print("  ", type(error).__name__, str(error)[:60])


async def main() -> None:
    for kind in [OpenAIChatCompletionsModel, OpenAIResponsesModel]:
        for behaviour in ["ok", "ok", *plan.REFUSALS]:
            await attempt(run(kind, behaviour))
        for behaviour in ["ok", "cut", "429"]:
            await attempt(run(kind, behaviour, streamed=True))


asyncio.run(main())
plan.finish()
