"""Calls of OpenAI's asynchronous client in its further ways: several at once, raw and streamed responses, helpers, cancelled tasks."""

import asyncio

import openai
import plan


def client(retries: int = 0):
    return openai.AsyncOpenAI(max_retries=retries, timeout=plan.TIMEOUT_S)


def asked(behaviour: str, model: str = plan.CHAT_MODEL) -> dict:
    return {"model": model, "messages": [{"role": "user", "content": plan.prompt(behaviour)}]}


usage = {"stream_options": {"include_usage": True}}


async def chat(behaviour: str, retries: int = 0):
    await client(retries).chat.completions.create(**asked(behaviour))


async def chat_parse(behaviour: str):
    await client().chat.completions.parse(**asked(behaviour))


async def raw(behaviour: str):
    made = await client().chat.completions.with_raw_response.create(**asked(behaviour))
    made.parse()


async def streaming_response(behaviour: str):
    made = client().chat.completions.with_streaming_response.create(**asked(behaviour))
    async with made as response:
        await response.json()


leaves = True


async def read(made, behaviour: str):
    count = 0
    async for _piece in made:
        count += 1
        if behaviour == "cancel" and count == 2 and leaves:
            await made.close()
            break


async def stream(behaviour: str):
    await read(
        await client().chat.completions.create(stream=True, **usage, **asked(behaviour)), behaviour
    )


async def raw_stream(behaviour: str):
    made = await client().chat.completions.with_raw_response.create(
        stream=True, **usage, **asked(behaviour)
    )
    await read(made.parse(), behaviour)


async def managed_stream(behaviour: str):
    async with client().chat.completions.stream(**usage, **asked(behaviour)) as made:
        await read(made, behaviour)


async def embed(behaviour: str):
    await client().embeddings.create(model=plan.EMBEDDER, input=plan.prompt(behaviour))


def responding(behaviour: str) -> dict:
    return {"model": plan.CHAT_MODEL, "input": plan.prompt(behaviour)}


async def respond(behaviour: str):
    await client().responses.create(**responding(behaviour))


async def respond_stream(behaviour: str):
    await read(await client().responses.create(stream=True, **responding(behaviour)), behaviour)


async def respond_managed(behaviour: str):
    async with client().responses.stream(**responding(behaviour)) as made:
        await read(made, behaviour)


async def attempt(work) -> None:
    """Runs a call that may fail: how it ended is the provider's to say."""
    try:
        await work
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001
        print("  ", type(error).__name__, str(error)[:60])


async def cancelled(work) -> None:
    """A caller that gives the whole task up while it waits for an answer or for its chunks."""
    global leaves
    leaves = False
    task = asyncio.create_task(work)
    await asyncio.sleep(0.5)
    task.cancel()
    leaves = True
    await task


async def calls() -> None:
    for behaviour in ["ok", "tool", *plan.REFUSALS]:
        await attempt(chat(behaviour))
    await attempt(chat("flaky", retries=2))
    for behaviour in ["ok", "529"]:
        await attempt(raw(behaviour))
        await attempt(streaming_response(behaviour))
        await attempt(chat_parse(behaviour))
    for behaviour in ["ok", *plan.STREAM_ENDINGS, "429"]:
        await attempt(stream(behaviour))
    for behaviour in ["ok", "429"]:
        await attempt(raw_stream(behaviour))
        await attempt(managed_stream(behaviour))
    for work in [chat, stream]:
        await attempt(cancelled(work("cancel")))
    for behaviour in ["ok", "429"]:
        await attempt(embed(behaviour))
    for behaviour in ["ok", "529"]:
        await attempt(respond(behaviour))
    for behaviour in ["ok", "cut", "event", "cancel"]:
        await attempt(respond_stream(behaviour))
    for behaviour in ["ok", "429"]:
        await attempt(respond_managed(behaviour))
    with plan.served():
        several = [chat("ok"), chat("500"), stream("ok"), stream("cut"), embed("ok"), chat("ok")]
        await asyncio.gather(*(attempt(work) for work in several))


def run() -> None:
    asyncio.run(calls())
