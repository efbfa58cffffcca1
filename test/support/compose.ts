/** The Compose file as Compose's own library reads it, built once for this user with Go. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { needsGo } from "./needs.ts";

const version = "v2.16.2";
const folder = join(homedir(), ".cache", `foreshock-compose-go-${version}`);
const program = join(folder, "cmd");

/** Why Compose's library cannot be had here, undefined when it can. */
export function needsCompose(): string | undefined {
  return existsSync(program) ? undefined : needsGo();
}

interface Port {
  readonly published?: string;
  readonly host_ip?: string;
}

interface Volume {
  readonly type: string;
  readonly source: string;
  readonly target: string;
  readonly read_only?: boolean;
}

export interface ComposeService {
  readonly image: string;
  readonly command: readonly string[] | null;
  readonly ports?: readonly Port[];
  readonly volumes?: readonly Volume[];
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly build?: { readonly context: string; readonly dockerfile: string };
}

export interface ComposeProject {
  readonly services: Readonly<Record<string, ComposeService>>;
}

/** Parses, interpolates, merges and checks; throws with what the library says against it. */
export function readCompose(file: string, profiles: readonly string[]): ComposeProject {
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    const installed = spawnSync(
      "go",
      ["install", `github.com/compose-spec/compose-go/v2/cmd@${version}`],
      { env: { ...process.env, GOBIN: folder }, encoding: "utf8" },
    );
    if (installed.status !== 0) throw new Error(`compose-go was not built: ${installed.stderr}`);
  }
  const run = spawnSync(program, ["-format", "json", file], {
    encoding: "utf8",
    env: { ...process.env, COMPOSE_PROFILES: profiles.join(",") },
  });
  if (run.status !== 0) throw new Error(`${file}: ${run.stdout}${run.stderr}`);
  return JSON.parse(run.stdout) as ComposeProject;
}
