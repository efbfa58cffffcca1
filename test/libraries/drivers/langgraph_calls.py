"""LangGraph agents and chains over LangChain's models, whole and streamed, synchronous and not."""

import asyncio

import plan
from langchain_anthropic import ChatAnthropic
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langgraph.graph import END, START, MessagesState, StateGraph


def models():
    return [
        ChatOpenAI(model=plan.CHAT_MODEL, max_retries=0, timeout=plan.TIMEOUT_S, stream_usage=True),
        ChatOpenAI(
            model=plan.CHAT_MODEL, max_retries=0, timeout=plan.TIMEOUT_S, use_responses_api=True
        ),
        ChatAnthropic(model=plan.CLAUDE, max_retries=0, timeout=plan.TIMEOUT_S, max_tokens=100),
    ]


def graph(model):
    async def answer(state: MessagesState):
        return {"messages": [await model.ainvoke(state["messages"])]}

    made = StateGraph(MessagesState)
    made.add_node("answer", answer)
    made.add_edge(START, "answer")
    made.add_edge("answer", END)
    return made.compile()


def asked(behaviour: str) -> dict:
    return {"messages": [("user", plan.prompt(behaviour))]}


async def chain(model, behaviour: str):
    prompt = ChatPromptTemplate.from_messages([("user", "{text}")])
    await (prompt | model | StrOutputParser()).ainvoke({"text": plan.prompt(behaviour)})


async def stream(model, behaviour: str):
    count = 0
    async for _piece in model.astream(plan.prompt(behaviour)):
        count += 1
        if behaviour == "cancel" and count == 2:
            break


async def graph_stream(model, behaviour: str):
    async for _piece in graph(model).astream(asked(behaviour), stream_mode="messages"):
        pass


async def attempt(work) -> None:
    """Runs a call that may fail: how it ended is the provider's to say."""
    try:
        await work
    except Exception as error:  # noqa: BLE001
        print("  ", type(error).__name__, str(error)[:60])


async def calls() -> None:
    for model in models():
        for behaviour in ["ok", "truncated", *plan.REFUSALS]:
            await attempt(graph(model).ainvoke(asked(behaviour)))
        for behaviour in ["ok", "529"]:
            await attempt(chain(model, behaviour))
            plan.attempt(lambda: model.invoke(plan.prompt(behaviour)))
        await attempt(model.with_retry(stop_after_attempt=3).ainvoke(plan.prompt("flaky")))
        for behaviour in ["ok", *plan.STREAM_ENDINGS, "429"]:
            await attempt(stream(model, behaviour))
        await attempt(graph_stream(model, "ok"))
        with plan.served():
            await asyncio.gather(
                *(attempt(graph(model).ainvoke(asked(each))) for each in ["ok", "529", "ok"])
            )
    for behaviour in ["ok", "429"]:
        embedder = OpenAIEmbeddings(
            model=plan.EMBEDDER, check_embedding_ctx_length=False, max_retries=0
        )
        await attempt(embedder.aembed_query(plan.prompt(behaviour)))


def run() -> None:
    asyncio.run(calls())
