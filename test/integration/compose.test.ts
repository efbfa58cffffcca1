import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stageNames } from "../../services/pipeline.ts";
import { loadConfig } from "../../services/runtime/config-load.ts";
import { type ComposeProject, needsCompose, readCompose } from "../support/compose.ts";
import { needs } from "../support/needs.ts";

const root = resolve(import.meta.dirname, "../..");
const deploy = (name: string) => join(root, "services/deploy", name);
const folder = mkdtempSync(join(tmpdir(), "foreshock-compose-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Program's answer, both channels together. */
function run(program: string, args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  return { status, said: `${stdout}${stderr}` };
}

const withoutCompose = needsCompose();
describe.skipIf(withoutCompose !== undefined)(
  `docker-compose.yml${withoutCompose ? ` (skipped: ${withoutCompose})` : ""}`,
  () => {
    let project: ComposeProject;
    beforeAll(() => {
      project = readCompose(join(root, "docker-compose.yml"), ["demo", "ingest"]);
    }, 300_000);
    const services = () => Object.entries(project.services);

    it("has a service for every stage, and the parts around them", () => {
      const commands = services().map(([, { command }]) => command?.join(" "));
      for (const stage of stageNames) expect(commands).toContain(`run ${stage}`);
      expect(Object.keys(project.services)).toEqual(
        expect.arrayContaining(["kafka", "clickhouse", "collector", "grafana", "prometheus"]),
      );
      expect(project.services["fleet"]?.command).toContain("http://collector:4318");
    });

    it("publishes on loopback only", () => {
      const published = services().flatMap(([name, { ports = [] }]) =>
        ports.map(({ host_ip: address, published: port }) => `${name} ${address}:${port}`),
      );
      expect(published.length).toBeGreaterThan(5);
      expect(published.filter((place) => !place.includes(" 127.0.0.1:"))).toEqual([]);
    });

    it("pins every image by version", () => {
      const loose = services().filter(([, { image }]) => !/:v?\d+(\.\d+)+$/.test(image));
      expect(loose.map(([name, { image }]) => `${name} ${image}`)).toEqual([]);
    });

    it("mounts files that are there, for reading", () => {
      const mounts = services().flatMap(([name, { volumes = [] }]) =>
        volumes.filter(({ type }) => type === "bind").map((volume) => ({ name, ...volume })),
      );
      expect(mounts.length).toBeGreaterThan(8);
      const wrong = mounts.filter((mount) => !existsSync(mount.source) || !mount.read_only);
      expect(wrong).toEqual([]);
    });

    it("holds no password", () => {
      const given = services().flatMap(([name, { environment = {} }]) =>
        Object.entries(environment)
          .filter(([key]) => /PASSWORD|SECRET|TOKEN/.test(key))
          .filter(([, value]) => !value?.startsWith("/run/secrets/"))
          .map(([key]) => `${name} ${key}`),
      );
      expect(given).toEqual([]);
    });

    it("asks every service how it is, but those that have nothing to ask with", () => {
      const unasked = services()
        .filter(([, { healthcheck, image }]) => {
          const hasOwn = image.startsWith("foreshock:") && healthcheck === undefined;
          return !hasOwn && (healthcheck?.test === undefined || healthcheck.disable === true);
        })
        .map(([name]) => name);
      expect(unasked.sort()).toEqual(["collector", "fleet", "topics"]);
    });

    it("builds Foreshock from a Dockerfile whose sources are there", () => {
      const build = project.services["detect"]?.build;
      const dockerfile = readFileSync(join(build?.context ?? "", build?.dockerfile ?? ""), "utf8");
      const copied = [...dockerfile.matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, paths = ""]) =>
        paths.split(" "),
      );
      expect(copied).toContain("services");
      for (const path of copied) expect(existsSync(join(build?.context ?? "", path))).toBe(true);
    });
  },
);

describe("what the services are mounted", () => {
  it("is valid for Foreshock, without a warning but that it listens", () => {
    const { config, warnings } = loadConfig(deploy("foreshock.yaml"), {});
    expect(warnings).toEqual([expect.stringContaining("listens beyond loopback")]);
    expect([config.log.engine, config.history.engine]).toEqual(["kafka", "clickhouse"]);
  });

  const withoutAmtool = needs("amtool");
  it.skipIf(withoutAmtool !== undefined)(
    `is valid for Alertmanager, which sends the Watchdog where it is missed${withoutAmtool ? ` (skipped: ${withoutAmtool})` : ""}`,
    () => {
      const file = deploy("alertmanager.yml");
      const checked = run("amtool", ["check-config", file]);
      expect([checked.status, checked.said]).toEqual([0, expect.stringContaining("SUCCESS")]);
      const receiverOf = (...labels: string[]) =>
        run("amtool", ["config", "routes", "test", `--config.file=${file}`, ...labels])
          .said.split("\n")
          .at(0);
      expect(receiverOf("alertname=Watchdog", "service=foreshock", "severity=none")).toBe(
        "dead-man",
      );
      expect(receiverOf("alertname=ForeshockIncident", "severity=page")).toBe("people");
      expect(receiverOf("alertname=ForeshockIncident", "severity=ticket")).toBe("tickets");
    },
  );

  const withoutPromtool = needs("promtool");
  it.skipIf(withoutPromtool !== undefined)(
    `is valid for Prometheus, with its rules${withoutPromtool ? ` (skipped: ${withoutPromtool})` : ""}`,
    () => {
      const rules = join(root, "dashboards/prometheus/rules.yml");
      const file = join(folder, "prometheus.yml");
      const text = readFileSync(deploy("prometheus.yml"), "utf8");
      writeFileSync(file, text.replace("/etc/prometheus/foreshock-rules.yml", rules));
      const checked = run("promtool", ["check", "config", file]);
      expect([checked.status, checked.said]).toEqual([
        0,
        expect.stringMatching(/SUCCESS: \d+ rules? found/),
      ]);
    },
  );
});
