/** The demo as people start it, to its end. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { foreshock } from "../support/foreshock-process.ts";

const folder = mkdtempSync(join(tmpdir(), "foreshock-demo-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

describe("foreshock demo", () => {
  it("pages before the outage, says when each came, and ends with 0", async () => {
    const json = join(folder, "demo.json");
    const { code, stdout, stderr } = await foreshock(["demo", "--once", "--json", json]);
    expect(stderr).not.toMatch(/ error /);
    expect(stdout).toMatch(/PAGE {2}/);
    expect(code).toBe(0);
    const told = JSON.parse(readFileSync(json, "utf8"));
    expect(told).toEqual({
      installed_s: expect.any(Number),
      first_picture_s: expect.any(Number),
      page_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      outage_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      lead_s: expect.any(Number),
      scenario: expect.stringMatching(/\S/),
      title: expect.stringMatching(/\S/),
    });
    expect(told.lead_s).toBeGreaterThan(0);
    const leadMs = Date.parse(told.outage_at) - Date.parse(told.page_at);
    expect(Math.abs(leadMs / 1000 - told.lead_s)).toBeLessThan(1);
  }, 600_000);
});
