/** Every kind of sink by its name in the configuration. */
import type { SinkConfig } from "../../contracts/config.ts";
import { ForeshockError } from "../../contracts/errors.ts";
import { alertmanagerSink } from "./alertmanager.ts";
import type { Sink, SinkContext } from "./sink.ts";
import { terminalSink } from "./terminal.ts";
import { webhookSink } from "./webhook.ts";

type SinkKinds = {
  readonly [Kind in SinkConfig["kind"]]: (
    config: Extract<SinkConfig, { kind: Kind }>,
    context: SinkContext,
  ) => Sink;
};

const sinkKinds: SinkKinds = {
  terminal: terminalSink,
  alertmanager: alertmanagerSink,
  webhook: webhookSink,
};

/** Sinks by name, in configured order. Throws `config_invalid` when two share a name, which keys deliveries. */
export function openSinks(
  configs: readonly SinkConfig[],
  context: SinkContext,
): ReadonlyMap<string, Sink> {
  const sinks = new Map<string, Sink>();
  for (const [index, config] of configs.entries()) {
    if (sinks.has(config.name))
      throw new ForeshockError(
        "config_invalid",
        `notify.sinks.${index}.name must be unique, got ${config.name} a second time`,
      );
    const open = sinkKinds[config.kind] as (config: SinkConfig, context: SinkContext) => Sink;
    sinks.set(config.name, open(config, context));
  }
  return sinks;
}
