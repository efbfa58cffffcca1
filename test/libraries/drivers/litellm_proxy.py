"""LiteLLM's proxy between a client without instrumentation and the providers, its models under other names."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import openai
import plan

plan.start()

# Of no worth: the proxy lives for one run, on loopback.
KEY = "sk-loopback-0123456789abcdef0123456789abcdef"
MODELS = {"smart": ("openai", plan.CHAT_MODEL), "careful": ("anthropic", plan.CLAUDE)}


def config() -> str:
    lines = ["model_list:"]
    for alias, (provider, model) in [*MODELS.items(), ("vectors", ("openai", plan.EMBEDDER))]:
        base = os.environ["OPENAI_BASE_URL" if provider == "openai" else "ANTHROPIC_BASE_URL"]
        lines += [
            f"  - model_name: {alias}",
            "    litellm_params:",
            f"      model: {provider}/{model}",
            f"      api_base: {base}",
            "      api_key: none",
            f"      timeout: {plan.TIMEOUT_S}",
            "      max_retries: 0",
        ]
    lines += [
        "litellm_settings:",
        '  callbacks: ["otel"]',
        "  num_retries: 0",
        "router_settings:",
        "  num_retries: 0",
        "  disable_cooldowns: true",
        "  allowed_fails: 1000",
    ]
    path = os.path.join(tempfile.mkdtemp(), "config.yaml")
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")
    return path


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


port = free_port()
program = os.path.join(os.path.dirname(sys.executable), "litellm")
proxy = subprocess.Popen(
    [program, "--config", config(), "--port", str(port), "--host", "127.0.0.1"],
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
    env={
        **os.environ,
        "OTEL_EXPORTER": "otlp_http",
        "OTEL_ENDPOINT": os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces",
        "DISABLE_ADMIN_UI": "True",
        "LITELLM_MASTER_KEY": KEY,
    },
)
for _ in range(200):
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health/liveliness", timeout=1)
        break
    except OSError:
        time.sleep(0.5)
client = openai.OpenAI(base_url=f"http://127.0.0.1:{port}", api_key=KEY, max_retries=0, timeout=30)


def messages(behaviour: str):
    return [{"role": "user", "content": plan.prompt(behaviour)}]


def stream(model: str, behaviour: str):
    options = {"stream_options": {"include_usage": True}}
    for _piece in client.chat.completions.create(
        model=model, messages=messages(behaviour), stream=True, **options
    ):
        pass


try:
    for model in MODELS:
        for behaviour in ["ok", "ok", "truncated", *plan.REFUSALS]:
            plan.attempt(
                lambda: client.chat.completions.create(model=model, messages=messages(behaviour))
            )
        for behaviour in ["ok", "cut", "429"]:
            plan.attempt(lambda: stream(model, behaviour))
    for behaviour in ["ok", "429"]:
        plan.attempt(lambda: client.embeddings.create(model="vectors", input=plan.prompt(behaviour)))
    time.sleep(8)
finally:
    proxy.terminate()
    proxy.wait(30)
plan.finish()
