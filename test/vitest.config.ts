import { defineConfig } from "vitest/config";

/** One tier a folder: quick ones run in parallel, those that start real processes run one file at a time. */
const tier = (name: string, extra: object = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], ...extra },
});

export default defineConfig({
  root: ".",
  test: {
    projects: [
      tier("unit", { testTimeout: 60_000 }),
      tier("property", { testTimeout: 60_000 }),
      tier("contract", { testTimeout: 60_000 }),
      tier("integration", { testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false }),
      tier("e2e", { testTimeout: 300_000, hookTimeout: 300_000, fileParallelism: false }),
    ],
  },
});
