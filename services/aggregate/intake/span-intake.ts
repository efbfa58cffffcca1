/** Spans: read from the record, staged, and put into their windows once the whole record has been read. */
import type { Judgement } from "../../contracts/config.ts";
import { createFields, fieldOf } from "../conventions/attributes.ts";
import { type Classifier, classify } from "../conventions/classify.ts";
import { libraryOf } from "../conventions/libraries.ts";
import { enclosingOutcomeOf } from "../conventions/outcomes.ts";
import { type Reading, textIn } from "../conventions/reading.ts";
import { weightOf } from "../conventions/sampling.ts";
import { valueKind } from "../decode/attributes.ts";
import {
  createTexts,
  hashBytes,
  internBytes,
  secondHash,
  textOf,
  textsHeld,
} from "../decode/texts.ts";
import { createTraceReader, readTraces, type TraceVisitor } from "../decode/trace-reader.ts";
import { nanosToMs } from "../decode/wire-scan.ts";
import {
  appendCandidate,
  candidate,
  candidateKind,
  createCandidates,
  reserveCandidate,
} from "../spans/candidates.ts";
import { addSpan, freeWindow, hasIdentity, isRepeat } from "../spans/open-spans.ts";
import { createIdentity, createOpenSpans, rowFlag } from "../spans/span-rows.ts";
import {
  countTraces,
  createTraceTallies,
  forgetBefore,
  noteFailed,
  traceKey,
} from "../spans/trace-tallies.ts";
import {
  boundaryBefore,
  callsOf,
  createBoundary,
  keepBoundary,
} from "../windows/boundary-calls.ts";
import { createCellAccumulator } from "../windows/cell-accumulator.ts";
import { cellsOf } from "../windows/close-window.ts";
import { decide } from "../windows/decide.ts";
import type { Closed, Intake, Put } from "./intake.ts";
import { senderOfResource } from "./sender.ts";
import { createStagedSpans, readIdentity, stageSpan } from "./staged-spans.ts";
import { compactTexts, textsLimit } from "./tidy-texts.ts";

/** Spans of a window that are looked at one by one, as a bound on memory; further ones count as late, by sender. */
const spanLimit = 2 ** 20;

/** No window is open for as long as this many. */
const baseMargin = 100_000;

const regionField = fieldOf("cloud.region");
const responseFields = [fieldOf("gen_ai.response.id"), fieldOf("ai.response.id")];

export function createSpanIntake(judgement: Judgement, horizonWindows: number): Intake {
  const { dimensions, tenantAttributes } = judgement.series;
  const fields = createFields([...dimensions, ...tenantAttributes]);
  const reader = createTraceReader(fields.keys);
  const reading: Reading = { ...reader, bytes: new Uint8Array(0), texts: createTexts(), scope: 0 };
  const classifier: Classifier = {
    dimensions: dimensions.map((name, i) => ({ name, field: fields.configured[i] as number })),
    tenantFields: fields.configured.slice(dimensions.length),
    resourceRegion: 0,
    library: libraryOf(""),
  };
  const open = createOpenSpans(horizonWindows);
  const staged = createStagedSpans();
  const stagedCandidates = createCandidates(dimensions.length);
  const accumulator = createCellAccumulator(dimensions);
  const traces = createTraceTallies();
  /** Calls at the end of the last window that closed, as they had come. */
  const boundary = createBoundary(dimensions.length);
  // Of the span that is being read or put; used again for each.
  const response: ResponseHash = { hash: 0, tail: 0 };
  const identity = createIdentity();
  const arrival = { window: 0, flags: 0, candidate: -1, responseHash: 0, responseTail: 0 };
  const row = { data: stagedCandidates.data, at: 0 };
  let sender = 0;
  let scopeHash = 0;
  /** Index of the window that rows count from, so that their numbers stay small and above 0. */
  let base: number | undefined;

  const visitor: TraceVisitor = {
    onResource() {
      classifier.resourceRegion = textIn(reading, reading.resource, regionField);
      sender = senderOfResource(reading);
    },
    onScope(start, end) {
      const { bytes, texts } = reading;
      reading.scope = internBytes(texts, reading.scan.view, start, end);
      scopeHash = hashBytes(bytes, start, end) & 0x7fffff;
      classifier.library = libraryOf(textOf(texts, reading.scope));
    },
    onSpan() {
      const { span } = reading;
      const at = reserveCandidate(stagedCandidates);
      row.data = stagedCandidates.data;
      row.at = at;
      const isRequest = classify(reading, classifier, row);
      let flags = scopeHash << rowFlag.scopeShift;
      response.hash = 0;
      response.tail = 0;
      if (span.statusCode === 2) flags |= rowFlag.error;
      if (isRequest) {
        const { data } = stagedCandidates;
        const isCall = data[at + candidate.kind] === candidateKind.call;
        if (isCall) {
          flags |= rowFlag.call;
          hashResponse(reading, response);
        }
        data[at + candidate.sender] = sender;
        data[at + candidate.weight] = weightOf(reading.bytes, {
          start: span.traceStateStart,
          end: span.traceStateEnd,
          traceWord: span.trace3 ^ span.trace1,
        });
      } else if (span.statusCode === 2) {
        // A framework's own span may be the only one to say why the call beneath it has no end.
        flags |= enclosingOutcomeOf(reading) << rowFlag.outcomeShift;
      }
      stageSpan(staged, span, {
        timeMs: nanosToMs(span.endHigh, span.endLow),
        flags,
        responseHash: response.hash,
        responseTail: response.tail,
        sender,
        candidate: isRequest ? stagedCandidates.count++ : -1,
      });
    },
  };

  return {
    get texts() {
      return reading.texts;
    },
    read(bytes) {
      staged.count = 0;
      stagedCandidates.count = 0;
      reading.bytes = bytes;
      readTraces(reader, bytes, visitor);
      return staged.count;
    },
    timeOf: (item) => staged.times[item] as number,
    senderOf: (item) => staged.senders[item] as number,
    put(item, window): Put {
      base ??= window.index - baseMargin;
      const relative = window.index - base;
      readIdentity(staged, item, identity);
      if (hasIdentity(identity) && isRepeat(open, identity, relative)) return "repeat";
      if (window.spans >= spanLimit) return "full";
      window.spans++;
      const from = staged.candidates[item] as number;
      const { candidates } = window;
      const to =
        from < 0
          ? -1
          : appendCandidate(candidates, stagedCandidates, from * stagedCandidates.stride);
      arrival.window = relative;
      arrival.flags = staged.flags[item] as number;
      arrival.candidate = to;
      arrival.responseHash = staged.responses[item] as number;
      arrival.responseTail = staged.responseTails[item] as number;
      const row = addSpan(open, identity, arrival);
      if (to >= 0) candidates.data[to * candidates.stride + candidate.row] = row;
      if (hasIdentity(identity)) {
        // An inner span may fail in every trace and mean nothing: a miss in a cache, say.
        const isRoot = (identity.parent0 | identity.parent1) === 0;
        const isFailed =
          (isRoot && ((staged.flags[item] as number) & rowFlag.error) !== 0) ||
          (to >= 0 && candidates.data[to * candidates.stride + candidate.outcome] !== 0);
        if (isFailed) noteFailed(traces, traceKey(identity), relative);
        if (isRoot) window.roots.push(traceKey(identity));
      }
      return "taken";
    },
    close(_, window, windows): Closed {
      if (window === undefined) return { cells: [], outerSpans: 0 };
      const origin = base ?? window.index - baseMargin;
      const { candidates } = window;
      const winners = decide({
        open,
        window: window.index - origin,
        candidates,
        candidatesOf: (relative) => windows.byIndex.get(relative + origin)?.candidates,
        before: boundaryBefore(boundary, window.index),
        startMsOf: (relative) => (relative + origin) * judgement.window.lengthMs,
      });
      const cells = cellsOf({ window, winners, texts: reading.texts, open, accumulator });
      return {
        cells,
        outerSpans: candidates.count - winners.length,
        ...countTraces(traces, window.roots),
      };
    },
    closing(index, window) {
      keepBoundary(boundary, window.candidates, {
        index,
        endMs: (index + 1) * judgement.window.lengthMs,
      });
    },
    save: () => [],
    closedBefore(firstOpen, oldest) {
      if (base === undefined) return;
      open.firstOpen = firstOpen - base;
      forgetBefore(traces, oldest - base);
      for (const window of [...open.lists.keys()])
        if (window < oldest - base) freeWindow(open, window);
    },
    tidy(windows) {
      if (textsHeld(reading.texts) > textsLimit)
        reading.texts = compactTexts(reading.texts, windows, callsOf(boundary));
    },
  };
}

interface ResponseHash {
  hash: number;
  tail: number;
}

/** Sets both halves of the hash of the response id, if the call has one. */
function hashResponse(reading: Reading, into: ResponseHash): void {
  for (const field of responseFields) {
    if (reading.attributes.kinds[field] !== valueKind.text) continue;
    const start = reading.attributes.starts[field] as number;
    const end = reading.attributes.ends[field] as number;
    if (start >= end) continue;
    into.hash = hashBytes(reading.bytes, start, end) || 1;
    into.tail = secondHash(reading.bytes, start, end);
    return;
  }
}
