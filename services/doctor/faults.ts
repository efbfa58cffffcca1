/** Kinds of faults, in the words of those who have them, and what seeing each needs; S01 … S20 are the simulated ones. */
import type { NeedName } from "./needs.ts";

export interface Fault {
  readonly scenario: string;
  readonly title: string;
  /** Without one of each group the fault is not seen, or only when it is an outage already. */
  readonly sees: readonly (readonly NeedName[])[];
  /** With one of these it is said where the fault sits; empty: everywhere, or the cell says it. */
  readonly places: readonly NeedName[];
  /** Make it earlier or clearer. */
  readonly helps: readonly NeedName[];
}

const fault = (
  scenario: string,
  title: string,
  sees: Fault["sees"],
  rest: { readonly places?: readonly NeedName[]; readonly helps?: readonly NeedName[] } = {},
): Fault => ({ scenario, title, sees, places: rest.places ?? [], helps: rest.helps ?? [] });

export const faults: readonly Fault[] = [
  fault("S01", "A configuration breaks everything at once", [["requests"]]),
  fault("S02", "A bad version rolls out", [["requests"]], { places: ["version"] }),
  fault("S03", "Control plane down, clusters lose DNS", [["requests"]], {
    places: ["cluster", "region"],
  }),
  fault("S04", "GPU nodes drop out", [["firstTokens", "tokenSpeed"]], {
    places: ["region"],
    helps: ["inFlight"],
  }),
  fault("S05", "Overload and a retry storm", [["firstTokens"]], { helps: ["retries", "inFlight"] }),
  fault("S06", "A gateway leaks memory until it is killed", [["requests"]], {
    places: ["instance"],
    helps: ["firstTokens"],
  }),
  fault("S07", "Logins fail, then chat", [["login"]]),
  fault("S08", "A dependency stalls", [["firstTokens"]], { helps: ["routes"] }),
  fault("S09", "A fallback drags the next model down", [["responseModel"]], {
    helps: ["firstTokens"],
  }),
  fault("S10", "A region is lost, the others take its load", [["region"]], {
    helps: ["firstTokens"],
  }),
  fault("S11", "A database or cache is lost", [["requests", "routes"]], { places: ["routes"] }),
  fault("S12", "The edge provider flaps, traffic drops", [["requests", "routes"]]),
  fault("S13", "The safety filter shrinks", [["requests"]], { helps: ["firstTokens"] }),
  fault("S14", "One model answers emptily", [["outputTokens"]], { helps: ["finish"] }),
  fault("S15", "Streams break in the middle", [["finish"]], { places: ["version"] }),
  fault("S16", "Grey, slow replicas", [["tokenSpeed"]], { places: ["instance"] }),
  fault("S17", "A launch goes viral", [["firstTokens"]], { places: ["tier"], helps: ["inFlight"] }),
  fault("S18", "An attack on the front doors", [["requests", "routes"]]),
  fault("S19", "Wrong rate limits for all tenants", [["requests"]], { places: ["tenants"] }),
  fault("S20", "Long requests kill their servers", [["requests"]], { places: ["inputTokens"] }),
];
