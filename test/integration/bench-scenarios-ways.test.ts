import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadScenario, planRun, simulate } from "../../services/chatbot/chatbot.ts";
import { judgementSchema } from "../../services/contracts/config.ts";
import { frameRecord } from "../../services/contracts/frame.ts";
import { topics } from "../../services/contracts/topics.ts";
import { encodeWindow } from "../../services/contracts/window-write.ts";
import { detectStage } from "../../services/detect/detect.ts";
import { encodeFrameParts } from "../../services/detect/record-parts.ts";
import { type FilmOptions, FilmStore, shootFilm } from "../bench/scenarios-film.ts";
import { judgeFrames } from "../bench/scenarios-judge.ts";
import { DirectDetect } from "../support/direct-detect.ts";
import { FleetWindows } from "../support/fleet-windows.ts";
import { contextFor, runScenario } from "../support/run-scenario.ts";

const minuteMs = 60_000;
const judgement = judgementSchema.parse({});

/** An eighth of the fleet's traffic for a few minutes around a total failure. */
const options: FilmOptions = {
  scenario: { ...loadScenario("S01"), fleet: { requestsPerSecond: 5 } },
  seed: 3,
  quietMs: 6 * minuteMs,
  longestMs: 10 * minuteMs,
  isWhole: false,
  isFull: true,
};

test("windows judged directly give the frames of the detect stage", () => {
  const plan = planRun(options);
  const windows = new FleetWindows(plan.fleet, judgement.window.lengthMs);
  const direct = new DirectDetect(judgement);
  const stage = detectStage.create(contextFor("detect/0", judgement));
  let frames = 0;
  for (const event of simulate(plan))
    for (const window of windows.observe(event)) {
      const { appendMs } = window;
      const value = encodeWindow(window);
      const record = {
        topic: topics.windows,
        partition: 0,
        offset: frames,
        appendMs,
        value,
        headers: {},
      };
      const made = stage.step(record).outputs.filter(({ topic }) => topic === topics.frames);
      const own = direct.step(window);
      const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
      expect(encodeFrameParts(own).map(text)).toEqual(made.map(({ value }) => text(value)));
      // Nor does it matter whether incident reads it written or as it is.
      expect(made.map(({ value }) => frameRecord.decode(value))).toStrictEqual([own]);
      frames++;
    }
  expect(frames).toBeGreaterThan(100);
});

test("a kept film is judged as the run itself was", () => {
  const folder = mkdtempSync(join(tmpdir(), "foreshock-films-"));
  try {
    const shot = shootFilm(options);
    const live = judgeFrames(shot.frames);
    const made = shot.finish();
    const kept = new FilmStore(folder, false).keep(options);
    expect(judgeFrames(kept.frames)).toEqual(live);
    kept.finish();
    const film = new FilmStore(folder, false).read(options);
    expect(film?.truth).toEqual(made.truth);
    expect(film?.series).toEqual(made.series);
    expect(judgeFrames(film?.frames ?? [])).toEqual(live);
    expect(live.length).toBeGreaterThan(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the short way from events and the whole way over spans page at the same time, and at the same place", () => {
  const run = {
    scenario: { ...loadScenario("S01"), fleet: { requestsPerSecond: 10 } },
    seed: 3,
    quietMs: 12 * minuteMs,
    longestMs: 16 * minuteMs,
  };
  const pages = [true, false].map((isDirect) =>
    runScenario(run, { isDirect }).incidents.filter(({ transition }) => transition === "paged"),
  );
  const [direct, whole] = pages.map((list) => list[0]);
  expect(direct).toBeDefined();
  expect(
    Math.abs((direct?.windowStartMs ?? 0) - (whole?.windowStartMs ?? 1e12)),
  ).toBeLessThanOrEqual(5_000);
  expect(direct?.dimensions).toEqual(whole?.dimensions);
});
