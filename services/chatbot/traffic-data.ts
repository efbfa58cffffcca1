import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { z } from "zod";
import { ForeshockError } from "../contracts/errors.ts";
import { azureConversation, type TokenLengths } from "./token-lengths.ts";

/** Real traffic to drive a run with. */
export interface TrafficData {
  readonly lengths: TokenLengths;
  /** Fleet-wide rate relative to its mean, one value a step, repeated for ever; undefined: the fitted profile. */
  readonly shape: { readonly stepMs: number; readonly values: Float64Array } | undefined;
}

const servegenSchema = z.record(
  z.string(),
  z.object({
    stepSeconds: z.number().positive(),
    topClients: z.array(z.object({ ratePerSecond: z.array(z.number()) })),
    restRatePerSecond: z.array(z.number()),
  }),
);

/**
 * Reads `azure-llm-2023-conversation.csv` and `servegen-traffic.json.gz` of a folder; what is missing there is
 * replaced by the fitted parameters. `model` is ServeGen's (`m-large`, `m-mid`). Throws `scenario_invalid`.
 */
export function loadTrafficData(folder: string, model = "m-large"): TrafficData {
  const csv = join(folder, "azure-llm-2023-conversation.csv");
  const servegen = join(folder, "servegen-traffic.json.gz");
  return {
    lengths: existsSync(csv) ? readLengths(csv) : azureConversation,
    shape: existsSync(servegen) ? readShape(servegen, model) : undefined,
  };
}

function readLengths(file: string): TokenLengths {
  const rows = readFileSync(file, "utf8").trim().split(/\r?\n/).slice(1);
  const column = (index: number) =>
    rows.map((row) => Number(row.split(",")[index])).sort((a, b) => a - b);
  const knots = Array.from({ length: 1001 }, (_, i) => i / 1000);
  const quantiles = (sorted: readonly number[]) =>
    knots.map((p) => sorted[Math.floor(p * (sorted.length - 1))] ?? 1);
  return { probabilities: knots, input: quantiles(column(1)), output: quantiles(column(2)) };
}

function readShape(file: string, model: string): TrafficData["shape"] {
  const parsed = servegenSchema.safeParse(JSON.parse(gunzipSync(readFileSync(file)).toString()));
  const data = parsed.success ? parsed.data[model] : undefined;
  if (data === undefined) {
    throw new ForeshockError("scenario_invalid", `${file}: no traffic of model ${model} in it`);
  }
  const values = Float64Array.from(data.restRatePerSecond, (rest, step) =>
    data.topClients.reduce((sum, client) => sum + (client.ratePerSecond[step] ?? 0), rest),
  );
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { stepMs: data.stepSeconds * 1000, values: values.map((value) => value / mean) };
}
