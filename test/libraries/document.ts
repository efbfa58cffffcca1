/** `docs/libraries.md`: the libraries that were run, by version, and what each shows and leaves out. */
import { showings } from "./departures.ts";
import type { Showing } from "./expected.ts";
import type { LibraryRun } from "./library-run.ts";
import type { Truth } from "./truth.ts";

const head = `# Libraries

What real instrumentation libraries export is counted as the provider saw it. Each library below was run against a server on
loopback that imitates the interfaces of OpenAI (Groq's and Mistral's, too), Anthropic, Google, Amazon Bedrock and Cohere (answers whole
and streamed, empty, truncated, with tools; 429, 529, 500, 503, 400, 401; no answer in time; streams that break, carry an error or are left by their caller; a 429 that the client repeats). What it sent
is kept in \`test/fixtures/libraries\` with what the server saw, and \`test/unit/libraries-captures.test.ts\` counts it: provider,
model, operation, outcome, tokens and the time to the first token must be the server's, as sent and as ingest lets it through.

What a library does not show can't be counted. Those are the sentences of the last column; each is a rule of
\`test/libraries/departures.ts\`, and the test fails where one of them stops being true.

Run them again with \`npm run capture:libraries -- [NAME…]\` (Python and npm; everything is installed under the system's
temporary folder, some clients in the versions that their instrumentations take: google-genai before 3, Cohere before 6; OpenLLMetry's
instrumentation of Mistral's client loads with none of its latest major version), and write this page with \`node test/libraries/write-document.ts\`.

| run | library and versions | calls | first token | repeated attempts | not shown, or differently |
| --- | --- | --- | --- | --- | --- |
`;

const tail = `
## How spans are told apart

- Of spans that describe one call the innermost counts. Side by side, in one trace or in two, they are one call if they have the same
  response id; without a shared id, if they come from one sender, name the same model, one lies within the other in time,
  both have the same parent or none, and both failed or both have the same tokens.
- The spans of one trace are read by one task. Two spans of a call in two traces may be read by two, which do not know of each other:
  where a library writes such spans (LiteLLM or Anthropic's SDK beside another one, with no span of the application around them), give
  the application a span, turn one of the libraries off, or run with one partition.
- Agents, workflows, steps, tools, routes and HTTP requests are no calls, whatever attributes they have. LiteLLM writes a call's
  attributes on the application's HTTP span where there is one: such a call is not counted, unless its client is instrumented.
- A call that is said to have failed without a word of how, before anything of its answer had come, ended as the nearest failed span
  above it says (Mastra).
- A metric tells of the same requests as spans of its provider, model and operation, also where it leaves out their region (Bedrock) or the
  version of their model (OpenLLMetry): then only the spans count.
- A model server's own span (vLLM's \`llm_request\`) is the innermost.
`;

const times = (showing: Showing, truth: Truth): string => {
  const streams = truth.calls.filter(({ streamed }) => streamed);
  const shown = streams.filter(showing.firstToken).length;
  return shown === 0 ? "no" : "yes";
};

function row(run: LibraryRun, truth: Truth, showing: Showing): string {
  const versions = Object.entries(truth.versions).map(([name, version]) => `${name} ${version}`);
  const departures = showing.departures
    .filter(({ when }) => truth.calls.some(when))
    .map(({ because }) => because);
  const cells = [
    `\`${run.name}\``,
    `${run.title}: ${versions.join(", ")}`,
    String(truth.calls.length),
    times(showing, truth),
    showing.retries === "a call each" ? "a call each" : "inside one",
    departures.join("; ") || "–",
  ];
  return `| ${cells.join(" | ")} |`;
}

export function libraryDocument(
  runs: readonly LibraryRun[],
  truthOf: (name: string) => Truth,
): string {
  const rows = runs.map((run) => {
    const showing = showings[run.name];
    if (showing === undefined) throw new Error(`${run.name} has no entry in departures.ts`);
    return row(run, truthOf(run.name), showing);
  });
  return `${head}${rows.join("\n")}\n${tail}`;
}
