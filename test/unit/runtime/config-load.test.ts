import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { environmentNames, loadConfig } from "../../../services/runtime/config-load.ts";

const folder = mkdtempSync(join(tmpdir(), "foreshock-config-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (text: string) => {
  const path = join(folder, `${Math.floor(performance.now() * 1000)}.yaml`);
  writeFileSync(path, text);
  return path;
};

describe("configuration", () => {
  it("needs no file: every key has a default, all on loopback", () => {
    const { config, warnings } = loadConfig(undefined, {});
    expect(warnings).toEqual([]);
    expect([
      config.ingest.grpcPort,
      config.ingest.httpPort,
      config.history.httpPort,
      config.console.port,
      config.metrics.port,
    ]).toEqual([4317, 4318, 8123, 8080, 9464]);
    expect([
      config.ingest.host,
      config.history.host,
      config.console.host,
      config.metrics.host,
    ]).toEqual(Array(4).fill("127.0.0.1"));
  });

  it("takes each key from the environment, which wins over the file", () => {
    const path = file("console: { port: 1000 }\njudgement: { window: { latenessMs: 7000 } }\n");
    const { config } = loadConfig(path, {
      FORESHOCK_CONSOLE_PORT: "2000",
      FORESHOCK_DATA_DIR: "/var/lib/foreshock",
      FORESHOCK_INGEST_KEEP_CONTENT: "true",
      FORESHOCK_LOG_BROKERS: "[a:9092, b:9092]",
    });
    expect(config.console.port).toBe(2000);
    expect(config.judgement.window.latenessMs).toBe(7000);
    expect(config.dataDir).toBe("/var/lib/foreshock");
    expect(config.ingest.keepContent).toBe(true);
    expect(config.log.brokers).toEqual(["a:9092", "b:9092"]);
  });

  it("names every mistake at once, by path, value and what is allowed", () => {
    const path = file(
      "ingest: { grpcPort: 70000, htpPort: 1 }\nlogLevel: loud\njudgement: { window: { lengthMs: 10 } }\n",
    );
    expect(() => loadConfig(path, { FORESHOCK_CONSOLE_PROT: "1" })).toThrow(
      /^5 mistakes[\s\S]*FORESHOCK_CONSOLE_PROT: no such setting; did you mean FORESHOCK_CONSOLE_PORT\?[\s\S]*logLevel: "loud": [\s\S]*ingest\.grpcPort: 70000: .*65535[\s\S]*ingest\.htpPort: no such key; did you mean httpPort\?[\s\S]*judgement\.window\.lengthMs: 10: .*1000/,
    );
  });

  it("refuses a file that is missing or is not a mapping", () => {
    expect(() => loadConfig("/nowhere.yaml", {})).toThrow("/nowhere.yaml: no such file");
    expect(() => loadConfig(file("- 1\n"), {})).toThrow(
      "must be a mapping of keys to values, got a list",
    );
  });

  it("explains settings that are allowed but rarely meant", () => {
    const { warnings } = loadConfig(undefined, {
      FORESHOCK_CONSOLE_HOST: "0.0.0.0",
      FORESHOCK_INGEST_KEEP_CONTENT: "true",
      FORESHOCK_JUDGEMENT_WINDOW_LATENESS_MS: "1000",
    });
    expect(warnings.map((warning) => warning.split(":")[0])).toEqual([
      "console.host",
      "ingest.keepContent",
      "judgement.window.latenessMs",
    ]);
  });

  it("says so when nobody would notice that it died", () => {
    const sinks = "sinks: [{ kind: webhook, url: 'http://127.0.0.1:9/' }]";
    const warned = (notify: string) =>
      loadConfig(file(`notify: { ${notify} }\n`), {}).warnings.map((text) => text.split(":")[0]);
    expect(warned(sinks)).toEqual(["notify.heartbeat"]);
    expect(warned(`${sinks}, heartbeat: { url: 'http://127.0.0.1:9/ping' }`)).toEqual([]);
    expect(warned(`${sinks}, heartbeat: { watchdog: true }`)).toEqual([
      "notify.heartbeat.watchdog",
    ]);
  });

  it("gives every leaf one environment variable", () => {
    const names = [...environmentNames().keys()];
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain("FORESHOCK_JUDGEMENT_INCIDENT_PAGE_FAILURE_RATIO");
  });
});
