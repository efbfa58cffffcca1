import { describe, expect, it } from "vitest";
import { isSilenced } from "../../services/contracts/silence.ts";
import { anIncident } from "../support/incidents.ts";

const nowMs = 1_800_000_000_000;

describe("isSilenced", () => {
  const west = { "cloud.region": "eu-west-1", "gen_ai.request.model": "gpt-4o" };
  const east = { "cloud.region": "us-east-1" };
  const silence = (matchers: Record<string, string>) => [{ id: "s", matchers, untilMs: nowMs + 1 }];

  it("wants every matcher to fit", () => {
    const incident = anIncident({ dimensions: [west] });
    expect(isSilenced(incident, silence({ "cloud.region": "eu-west-1" }), nowMs)).toBe(true);
    expect(
      isSilenced(
        incident,
        silence({ "cloud.region": "eu-west-1", "gen_ai.request.model": "o1" }),
        nowMs,
      ),
    ).toBe(false);
  });

  it("stays loud when the fault also sits elsewhere", () => {
    const incident = anIncident({ dimensions: [west, east] });
    expect(isSilenced(incident, silence({ "cloud.region": "eu-west-1" }), nowMs)).toBe(false);
  });

  it("covers a uniform fault only without matchers or by the incident's name", () => {
    const incident = anIncident({ incident: "i1", dimensions: [] });
    expect(isSilenced(incident, silence({ "cloud.region": "eu-west-1" }), nowMs)).toBe(false);
    expect(isSilenced(incident, silence({}), nowMs)).toBe(true);
    expect(isSilenced(incident, silence({ incident: "i1" }), nowMs)).toBe(true);
    expect(isSilenced(incident, silence({ incident: "i2" }), nowMs)).toBe(false);
  });

  it("ends at its time", () => {
    expect(isSilenced(anIncident(), silence({}), nowMs + 1)).toBe(false);
  });
});
