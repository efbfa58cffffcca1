/**
 * Where it sits: the smallest set of places, named as the telemetry names them, that holds the bad requests and hardly anything
 * healthy. Bad ratios inside are compared with those outside; a name that adds nothing is left out.
 */
import { type Cell, cellAttributes, parseCellKey } from "../contracts/cell.ts";
import type { Attribution } from "../contracts/incident.ts";
import { type Attributes, holds } from "../contracts/place.ts";
import { listAttribution } from "./attribution-list.ts";
import { type DimensionCounts, otherDimension } from "./other-dimension.ts";
import type { PlaceSample } from "./place-sample.ts";

export interface Place {
  /** Empty: uniform over everything that can have this trouble. */
  readonly dimensions: readonly Readonly<Record<string, string>>[];
  readonly attribution: readonly Attribution[];
}

/** A cell counts as hit at this part of the typical strength, as healthy when it is surely below. */
const hitPart = 0.4;
/** Least part of a place's known weight that must be hit for its name to be true. */
const leastPurity = 0.75;
/** A name that also holds more healthy traffic than this leaves is worth less than one that does not. */
const purePlace = 0.93;
/** Part of the bad requests that the named places must hold. */
const enoughRecall = 0.9;
const mostPlaces = 4;

/** `known`: a further dimension's value of which it is known that the trouble is its own. */
export function locate(
  samples: readonly PlaceSample[],
  dimensions: DimensionCounts,
  known?: Attributes,
): Place {
  const kind = deepestKind(samples);
  const ofKind = samples.filter((sample) => sample.cell.startsWith(kind));
  const split = splitHit(ofKind);
  if (split.hit.length === 0)
    return { dimensions: known === undefined ? [] : [known], attribution: [] };
  // All routes and no model call is not everywhere, nor are a few cells because of others too little is known.
  const canBeUniform =
    isWide(ofKind) && (kind === "genai" || samples.every((sample) => sample.cell.startsWith(kind)));
  const covered = coverPlaces(split, canBeUniform) ?? coverPlaces(membersOf(ofKind), canBeUniform);
  const found = covered ?? [];
  const places = kind === "http" ? withCalls(found, samples) : found;
  const other = known ?? otherDimension(dimensions);
  const named =
    other === undefined
      ? places
      : places.length === 0
        ? [other]
        : places.map((place) => ({ ...place, ...other }));
  return {
    dimensions: named,
    attribution: listAttribution({ samples: split.known, places, dimensions, other }),
  };
}

/** Part of the trouble that model calls must show to say where it is. */
const callsPart = 0.25;

/**
 * HTTP cells and model calls describe the same requests from two sides. The deeper side says where, if it shows at least a quarter of the
 * trouble that any one service shows: requests of services behind one another are the same ones again.
 */
function deepestKind(samples: readonly PlaceSample[]): "genai" | "http" {
  const trouble = new Map<string, number>();
  for (const sample of samples) {
    if (!sample.isMember) continue;
    const { kind, provider } = parseCellKey(sample.cell);
    const name = kind === "genai" ? "" : provider;
    trouble.set(name, (trouble.get(name) ?? 0) + Math.max(0, usualTrouble(sample)));
  }
  const calls = trouble.get("") ?? 0;
  trouble.delete("");
  if (calls === 0 && Math.max(0, ...trouble.values()) === 0)
    // Nothing to weigh: what is slower by its level alone.
    return samples.some(({ cell, isMember }) => isMember && cell.startsWith("genai"))
      ? "genai"
      : "http";
  return calls > 0 && calls >= callsPart * Math.max(0, ...trouble.values()) ? "genai" : "http";
}

/** Bad requests as they would be in usual traffic: a flood of one route must not outweigh what is behind another. */
function usualTrouble({ bad, of, expected, usual }: PlaceSample): number {
  return of > 0 ? ((bad - expected) / of) * usual : 0;
}

interface Split {
  readonly hit: readonly PlaceSample[];
  /** Hit ones and those that are surely healthy. */
  readonly known: readonly PlaceSample[];
  /** Those of which nothing is sure, one by one. */
  readonly unknown: readonly PlaceSample[];
  /** Strength below which a cell is healthy. */
  readonly limit: number;
}

/** Part of the usual traffic that degraded cells have where trouble is everybody's. */
const wideShare = 1 / 3;

function isWide(samples: readonly PlaceSample[]): boolean {
  const usual = (these: readonly PlaceSample[]) => these.reduce((sum, s) => sum + s.usual, 0);
  return usual(samples.filter(({ isMember }) => isMember)) >= wideShare * usual(samples);
}

/** Where counts say nothing, what is degraded is what is hit. */
function splitHit(samples: readonly PlaceSample[]): Split {
  const split = splitByStrength(samples);
  return split.hit.length > 0 ? split : membersOf(samples);
}

function membersOf(samples: readonly PlaceSample[]): Split {
  const hit = samples
    .filter(({ isMember }) => isMember)
    .map((sample) => ({ ...sample, bad: sample.expected + Math.max(1, sample.of) }));
  return { hit, known: hit, unknown: samples.filter((s) => !s.isMember), limit: 0 };
}

function splitByStrength(samples: readonly PlaceSample[]): Split {
  const members = samples
    .filter((s) => s.isMember && s.strength > 0)
    .toSorted((a, b) => a.strength - b.strength);
  const total = members.reduce((sum, s) => sum + s.of, 0);
  // Typical strength: the weighted median of what is degraded.
  let seen = 0;
  let typical = 0;
  for (const sample of members) {
    seen += sample.of;
    typical = sample.strength;
    if (seen >= 0.5 * total) break;
  }
  const limit = hitPart * typical;
  if (typical <= 0) return { hit: [], known: [], unknown: [], limit };
  const hit = samples.filter(
    (s) => s.strength >= limit && (s.isMember || s.strength > 2 * s.doubt),
  );
  const healthy = samples.filter((s) => isHealthy([s], limit));
  const known = [...hit, ...healthy];
  return { hit, known, unknown: samples.filter((s) => !known.includes(s)), limit };
}

/** Whether cells, taken together, are surely below a strength. */
function isHealthy(samples: readonly PlaceSample[], limit: number): boolean {
  const of = samples.reduce((sum, s) => sum + s.of, 0);
  if (of <= 0) return samples.every((s) => s.strength + 1.3 * s.doubt < limit);
  const strength = samples.reduce((sum, s) => sum + s.of * s.strength, 0) / of;
  const doubt = Math.sqrt(samples.reduce((sum, s) => sum + (s.of * s.doubt) ** 2, 0)) / of;
  return strength + 1.3 * doubt < limit;
}

/** Standard deviations of a count from which it is no chance. */
const sureDeviations = 2;

/**
 * Places of HTTP requests whose model calls, taken together, surely show a quarter of the trouble too, although no single cell of them does yet:
 * then it is not the service that fails but what is in its region, or everything.
 */
function withCalls(
  places: readonly Attributes[],
  samples: readonly PlaceSample[],
): readonly Attributes[] {
  const widened = places.map((place): Attributes => {
    const region = place["cloud.region"];
    const inRegion = samples.filter(
      ({ cell }) => region === undefined || parseCellKey(cell).region === region,
    );
    const calls = inRegion.filter(({ cell }) => cell.startsWith("genai"));
    const requests = inRegion.filter(
      ({ cell }) => !cell.startsWith("genai") && holds(place, cellAttributes(parseCellKey(cell))),
    );
    const bad = calls.reduce((sum, sample) => sum + sample.bad, 0);
    const more = calls.reduce((sum, sample) => sum + sample.bad - sample.expected, 0);
    const sum = (these: readonly PlaceSample[]) =>
      these.reduce((all, sample) => all + usualTrouble(sample), 0);
    const isShared =
      more > sureDeviations * Math.sqrt(bad + 1) && sum(calls) >= callsPart * sum(requests);
    if (!isShared) return place;
    return region === undefined ? {} : { "cloud.region": region };
  });
  if (widened.some((place) => Object.keys(place).length === 0)) return [];
  // Several routes of a region, each of them widened, are the region once.
  const texts = widened.map((place) => JSON.stringify(place));
  return widened.filter((_, index) => texts.indexOf(texts[index] as string) === index);
}

/** Conjunctions of one, two, three … of a cell's attributes. */
function conjunctions(cell: Cell): Attributes[] {
  const entries = Object.entries(cellAttributes(cell));
  const found: Attributes[] = [];
  for (let mask = 1; mask < 1 << entries.length; mask++)
    found.push(Object.fromEntries(entries.filter((_, bit) => (mask >> bit) & 1)));
  return found;
}

interface Candidate {
  readonly attributes: Attributes;
  readonly size: number;
  readonly name: string;
}

/** Empty: everywhere. Undefined: no name holds it. */
function coverPlaces(
  { hit, known, unknown, limit }: Split,
  canBeUniform: boolean,
): readonly Attributes[] | undefined {
  const weight = (samples: readonly PlaceSample[]) => samples.reduce((sum, s) => sum + s.of, 0);
  const isHit = new Set(hit.map((sample) => sample.cell));
  const isUniform =
    weight(hit) >= leastPurity * weight(known) && hit.length >= leastPurity * known.length;
  if (isUniform && canBeUniform) return [];
  const cells = new Map(
    [...known, ...unknown].map((s) => [s.cell, cellAttributes(parseCellKey(s.cell))]),
  );
  const isIn = (place: Attributes, sample: PlaceSample) => holds(place, cells.get(sample.cell));
  const candidates = candidatesOf(hit);
  const chosen: Attributes[] = [];
  let left = [...hit];
  const all = excess(hit);
  while (left.length > 0 && chosen.length < mostPlaces && excess(left) > (1 - enoughRecall) * all) {
    let best: { readonly candidate: Candidate; readonly gain: number } | undefined;
    for (const candidate of candidates) {
      const inside = known.filter((sample) => isIn(candidate.attributes, sample));
      // Cells too thin to tell one by one may tell together that the name says too much.
      const doubtful = unknown.filter((sample) => isIn(candidate.attributes, sample));
      if (doubtful.length > 0 && isHealthy(doubtful, limit)) inside.push(...doubtful);
      const insideHit = inside.filter((sample) => isHit.has(sample.cell));
      const isPure =
        weight(insideHit) >= leastPurity * weight(inside) &&
        insideHit.length >= leastPurity * inside.length;
      if (!isPure) continue;
      const purity = weight(insideHit) / weight(inside);
      const gain =
        excess(left.filter((sample) => isIn(candidate.attributes, sample))) *
        (purity >= purePlace ? 1 : purity);
      // Candidates come smallest first: a longer name must hold clearly more.
      if (gain > 0 && (best === undefined || gain > 1.02 * best.gain)) best = { candidate, gain };
    }
    if (best === undefined) break;
    const { attributes } = best.candidate;
    chosen.push(attributes);
    left = left.filter((sample) => !isIn(attributes, sample));
  }
  return chosen.length > 0 ? chosen : undefined;
}

function excess(samples: readonly PlaceSample[]): number {
  return samples.reduce((sum, s) => sum + Math.max(0, s.bad - s.expected), 0);
}

/** Order in which names are preferred when they say the same. */
const preference = [
  "gen_ai.request.model",
  "cloud.region",
  "service.name",
  "http.route",
  "gen_ai.provider.name",
  "gen_ai.operation.name",
];

function candidatesOf(hit: readonly PlaceSample[]): Candidate[] {
  const byName = new Map<string, Candidate>();
  for (const sample of hit) {
    for (const attributes of conjunctions(parseCellKey(sample.cell))) {
      const names = Object.keys(attributes).toSorted(
        (a, b) => preference.indexOf(a) - preference.indexOf(b),
      );
      const name = names
        .map((key) => `${preference.indexOf(key)}${key}=${attributes[key]}`)
        .join("\u001f");
      if (!byName.has(name)) byName.set(name, { attributes, size: names.length, name });
    }
  }
  return [...byName.values()].toSorted((a, b) => a.size - b.size || (a.name < b.name ? -1 : 1));
}
