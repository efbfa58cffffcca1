import { ForeshockError } from "../contracts/errors.ts";

/**
 * The capture file: OTLP export requests as they were appended, for replay. A sequence of records, little endian:
 *
 * | bytes | what |
 * | --- | --- |
 * | 0–3 | u32 payload length |
 * | 4 | u8 signal: 1 traces, 2 metrics, 3 logs |
 * | 5 | u8 flags: bit 0 heartbeat; others are passed over |
 * | 6–7 | u16 source partition |
 * | 8–15 | i64 append time, Unix ms; never falls within a partition |
 * | then | payload: an `Export{Trace,Metrics,Logs}ServiceRequest` protobuf, uncompressed |
 */
export interface CaptureRecord {
  readonly signal: CaptureSignal;
  /** An empty request that only lets time pass. */
  readonly isHeartbeat: boolean;
  /** Source partition, 0–65535. */
  readonly partition: number;
  /** Append time, whole Unix ms. */
  readonly appendMs: number;
  readonly payload: Uint8Array;
}

export type CaptureSignal = "traces" | "metrics" | "logs";

const captureHeaderBytes = 16;
/** A longer payload is no request that any stage accepts, but a file that is not a capture. */
const maxCapturePayloadBytes = 256 * 1024 * 1024;

const signalNumbers: Readonly<Record<CaptureSignal, number>> = { traces: 1, metrics: 2, logs: 3 };
const signalsByNumber: readonly (CaptureSignal | undefined)[] = [
  undefined,
  "traces",
  "metrics",
  "logs",
];
const heartbeatFlag = 1;

/** Bytes of a record as it lies in the file. Throws `capture_invalid` on values that the format can't hold. */
export function encodeCaptureRecord(record: CaptureRecord): Uint8Array {
  const { signal, isHeartbeat, partition, appendMs, payload } = record;
  if (!Number.isInteger(partition) || partition < 0 || partition > 0xffff) {
    throw invalid(`partition of a capture record must be 0–65535, got ${partition}`);
  }
  if (!Number.isSafeInteger(appendMs)) {
    throw invalid(`append time of a capture record must be whole Unix ms, got ${appendMs}`);
  }
  if (payload.length > maxCapturePayloadBytes) {
    throw invalid(
      `payload of a capture record must be ≤ ${maxCapturePayloadBytes} bytes, got ${payload.length}`,
    );
  }
  const bytes = new Uint8Array(captureHeaderBytes + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length, true);
  view.setUint8(4, signalNumbers[signal]);
  view.setUint8(5, isHeartbeat ? heartbeatFlag : 0);
  view.setUint16(6, partition, true);
  view.setBigInt64(8, BigInt(appendMs), true);
  bytes.set(payload, captureHeaderBytes);
  return bytes;
}

/** Takes a capture's bytes in pieces of any size and gives the records that they complete. */
export interface CaptureParser {
  /** Payloads may share memory with `chunk`. Throws `capture_invalid` naming file, offset, value and limit. */
  push(chunk: Uint8Array): CaptureRecord[];
  /** Offset of the first byte that belongs to no whole record yet. */
  offset(): number;
  /** Whether bytes of an unfinished record are held. */
  isTorn(): boolean;
}

export function createCaptureParser(file: string): CaptureParser {
  const lastAppendMs = new Map<number, number>();
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  /** Bytes from `offset` on that are needed before anything new can be read. */
  let neededBytes = captureHeaderBytes;
  let offset = 0;

  /** Payload length of the header at `at`. */
  function payloadBytes(view: DataView, at: number): number {
    const bytes = view.getUint32(at, true);
    if (bytes <= maxCapturePayloadBytes) return bytes;
    throw invalid(
      `capture ${file}: record at byte ${offset} has a payload length of ${bytes}, must be ≤ ${maxCapturePayloadBytes}`,
    );
  }

  function readRecord(view: DataView, at: number, payload: Uint8Array): CaptureRecord {
    const signalNumber = view.getUint8(at + 4);
    const signal = signalsByNumber[signalNumber];
    if (signal === undefined) {
      throw invalid(
        `capture ${file}: record at byte ${offset} has signal ${signalNumber}, must be 1 (traces), 2 (metrics) or 3 (logs)`,
      );
    }
    const partition = view.getUint16(at + 6, true);
    const appendMs = Number(view.getBigInt64(at + 8, true));
    if (!Number.isSafeInteger(appendMs)) {
      throw invalid(
        `capture ${file}: record at byte ${offset} has append time ${appendMs}, must be within ±2^53 ms`,
      );
    }
    const lastMs = lastAppendMs.get(partition);
    if (lastMs !== undefined && appendMs < lastMs) {
      throw invalid(
        `capture ${file}: record at byte ${offset} has append time ${appendMs}, must be ≥ ${lastMs}, the one before it in partition ${partition}`,
      );
    }
    lastAppendMs.set(partition, appendMs);
    const isHeartbeat = (view.getUint8(at + 5) & heartbeatFlag) !== 0;
    return { signal, isHeartbeat, partition, appendMs, payload };
  }

  return {
    push(chunk) {
      pending.push(chunk);
      pendingBytes += chunk.length;
      // Long payloads are gathered first, so that each byte is copied once.
      if (pendingBytes < neededBytes) return [];
      const bytes = pending.length === 1 ? chunk : Buffer.concat(pending, pendingBytes);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      const records: CaptureRecord[] = [];
      let at = 0;
      neededBytes = captureHeaderBytes;
      while (bytes.length - at >= captureHeaderBytes) {
        const end = at + captureHeaderBytes + payloadBytes(view, at);
        if (end > bytes.length) {
          neededBytes = end - at;
          break;
        }
        records.push(readRecord(view, at, bytes.subarray(at + captureHeaderBytes, end)));
        offset += end - at;
        at = end;
      }
      pending = at === bytes.length ? [] : [bytes.subarray(at)];
      pendingBytes = bytes.length - at;
      return records;
    },
    offset: () => offset,
    isTorn: () => pendingBytes > 0,
  };
}

function invalid(message: string): ForeshockError {
  return new ForeshockError("capture_invalid", message);
}
