/**
 * The page's files, read once at start. Its modules are TypeScript; the types are taken out when first asked for, so there is no
 * build step and nobody waits for it at start.
 */
import { readdir, readFile } from "node:fs/promises";
import { createRequire, stripTypeScriptTypes } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Asset {
  readonly type: string;
  readonly body: Buffer;
}

const folder = fileURLToPath(new URL("./web/", import.meta.url));

const types: Readonly<Record<string, string>> = {
  ".ts": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Files by the path they are asked for: `/web/app.ts`, `/web/app.css`, `/vendor/uplot.js`, and `/` for the page itself. */
export async function loadAssets(): Promise<ReadonlyMap<string, Asset>> {
  const assets = new Map<string, Asset>();
  for (const name of await readdir(folder)) {
    const type = types[name.slice(name.lastIndexOf("."))];
    if (type === undefined) continue;
    const source = await readFile(join(folder, name));
    const asset = name.endsWith(".ts") ? moduleAsset(type, source) : { type, body: source };
    assets.set(name === "index.html" ? "/" : `/web/${name}`, asset);
  }
  const chart = dirname(createRequire(import.meta.url).resolve("uplot"));
  assets.set("/vendor/uplot.js", {
    type: "text/javascript; charset=utf-8",
    body: await readFile(join(chart, "uPlot.esm.js")),
  });
  assets.set("/vendor/uplot.css", {
    type: "text/css; charset=utf-8",
    body: await readFile(join(chart, "uPlot.min.css")),
  });
  return assets;
}

function moduleAsset(type: string, source: Buffer): Asset {
  let body: Buffer | undefined;
  return {
    type,
    get body() {
      body ??= Buffer.from(browserModule(source.toString("utf8")));
      return body;
    },
  };
}

function browserModule(source: string): string {
  return stripTypeScriptTypes(source).replaceAll('from "uplot"', 'from "/vendor/uplot.js"');
}
