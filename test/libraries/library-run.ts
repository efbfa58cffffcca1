/** A run of a library. */
export interface LibraryRun {
  /** Names the files in `test/fixtures/libraries`. */
  readonly name: string;
  readonly title: string;
  /** A key of `libraryEnvironments`. */
  readonly environment: string;
  /** Packages whose versions are the library's, first the one that writes the spans. */
  readonly named: readonly string[];
  readonly driver: string;
  readonly variables?: Readonly<Record<string, string>>;
}

/** Keeps Anthropic's SDK from writing spans of its own beside the library's. */
export const quietSdk = { ANTHROPIC_OPEN_TELEMETRY: "false" };
