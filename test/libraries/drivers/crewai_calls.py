import os

os.environ["CREWAI_DISABLE_TELEMETRY"] = "true"
os.environ["CREWAI_TRACING_ENABLED"] = "false"
import plan

plan.start()

from crewai import LLM, Agent, Crew, Task
from openinference.instrumentation.anthropic import AnthropicInstrumentor
from openinference.instrumentation.crewai import CrewAIInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor

for each in [CrewAIInstrumentor, OpenAIInstrumentor, AnthropicInstrumentor]:
    each().instrument()


def run(model: str, behaviour: str):
    llm = LLM(model=model, max_retries=0, timeout=plan.TIMEOUT_S, max_tokens=100)
    agent = Agent(
        role="helper", goal="help", backstory="none", llm=llm, max_retry_limit=0, max_iter=1
    )
    task = Task(description=plan.prompt(behaviour), expected_output="text", agent=agent)
    Crew(agents=[agent], tasks=[task]).kickoff()


for model in [f"openai/{plan.CHAT_MODEL}", f"anthropic/{plan.CLAUDE}"]:
    for behaviour in ["ok", "ok", *plan.REFUSALS]:
        plan.attempt(lambda: run(model, behaviour))
    with plan.served():
        plan.attempt(lambda: run(model, "ok"))
plan.finish()
