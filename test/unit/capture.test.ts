import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type CaptureRecord,
  encodeCaptureRecord,
  openCaptureWriter,
  readCapture,
} from "../../services/log/capture.ts";
import { createCaptureParser } from "../../services/log/capture-format.ts";

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "foreshock-capture-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const record = (changes: Partial<CaptureRecord> = {}): CaptureRecord => ({
  signal: "traces",
  isHeartbeat: false,
  partition: 0,
  appendMs: 1_790_000_000_000,
  payload: new Uint8Array([1, 2, 3]),
  ...changes,
});

async function readFile(file: string) {
  const torn: number[] = [];
  const records: CaptureRecord[] = [];
  for await (const each of readCapture(file, { onTorn: (offset) => torn.push(offset) })) {
    records.push({ ...each, payload: new Uint8Array(each.payload) });
  }
  return { records, torn };
}

async function writeFile(name: string, records: readonly CaptureRecord[]): Promise<string> {
  const file = join(directory, name);
  await using writer = openCaptureWriter(file);
  for (const each of records) await writer.write(each);
  return file;
}

const anyRecords = fc
  .array(
    fc.record({
      signal: fc.constantFrom("traces" as const, "metrics" as const, "logs" as const),
      isHeartbeat: fc.boolean(),
      partition: fc.integer({ min: 0, max: 0xffff }),
      appendMs: fc.maxSafeInteger(),
      payload: fc.uint8Array({ maxLength: 300 }),
    }),
    { maxLength: 30 },
  )
  .map((records) => records.sort((a, b) => a.appendMs - b.appendMs));

describe("the capture format", () => {
  it("is a header of 16 little-endian bytes and the payload", () => {
    const bytes = encodeCaptureRecord({
      signal: "logs",
      isHeartbeat: true,
      partition: 0x0102,
      appendMs: 0x0102030405,
      payload: new Uint8Array([9, 8]),
    });
    expect([...bytes]).toEqual([2, 0, 0, 0, 3, 1, 2, 1, 5, 4, 3, 2, 1, 0, 0, 0, 9, 8]);
  });

  it("holds append times before 1970", () => {
    const [read] = createCaptureParser("f").push(encodeCaptureRecord(record({ appendMs: -5 })));
    expect(read?.appendMs).toBe(-5);
  });

  it("refuses values that do not fit it", () => {
    expect(() => encodeCaptureRecord(record({ partition: 65536 }))).toThrow(
      "partition of a capture record must be 0–65535, got 65536",
    );
    expect(() => encodeCaptureRecord(record({ appendMs: 0.5 }))).toThrow(
      "append time of a capture record must be whole Unix ms, got 0.5",
    );
  });

  it("gives back what was encoded, whatever pieces it arrives in", () => {
    fc.assert(
      fc.property(anyRecords, fc.integer({ min: 1, max: 100 }), (records, pieceBytes) => {
        const bytes = Buffer.concat(records.map(encodeCaptureRecord));
        const parser = createCaptureParser("f");
        const read: CaptureRecord[] = [];
        for (let at = 0; at < bytes.length; at += pieceBytes) {
          read.push(...parser.push(bytes.subarray(at, at + pieceBytes)));
        }
        expect(read.map((each) => ({ ...each, payload: new Uint8Array(each.payload) }))).toEqual(
          records,
        );
        expect(parser.isTorn()).toBe(false);
        expect(parser.offset()).toBe(bytes.length);
      }),
    );
  });
});

describe("a capture file", () => {
  const records = Array.from({ length: 200 }, (_, i) =>
    record({
      signal: (["traces", "metrics", "logs"] as const)[i % 3] ?? "traces",
      partition: i % 4,
      appendMs: 1000 + i,
      isHeartbeat: i % 10 === 0,
      payload: new Uint8Array(i * 50).fill(i),
    }),
  );

  for (const name of ["plain.capture", "small.capture.gz", "small.capture.zst"]) {
    it(`gives back its records: ${name}`, async () => {
      const file = await writeFile(name, records);
      expect(await readFile(file)).toEqual({ records, torn: [] });
    });
  }

  it("is gzip or zstd as its name says, the same bytes inside", async () => {
    const plain = readFileSync(await writeFile("same.capture", records));
    const gzip = readFileSync(await writeFile("same.capture.gz", records));
    const zstd = readFileSync(await writeFile("same.capture.zst", records));
    expect(Buffer.compare(gunzipSync(gzip), plain)).toBe(0);
    expect(Buffer.compare(zstdDecompressSync(zstd), plain)).toBe(0);
  });

  it("may have been written by another program, in several compressed members", async () => {
    const halves = [records.slice(0, 100), records.slice(100)].map((half) =>
      Buffer.concat(half.map(encodeCaptureRecord)),
    );
    const gzip = join(directory, "members.gz");
    writeFileSync(gzip, Buffer.concat(halves.map((half) => gzipSync(half))));
    expect(await readFile(gzip)).toEqual({ records, torn: [] });
    const zstd = join(directory, "members.zst");
    writeFileSync(zstd, Buffer.concat(halves.map((half) => zstdCompressSync(half))));
    expect(await readFile(zstd)).toEqual({ records, torn: [] });
  });

  it("holds payloads of many megabytes", async () => {
    const payload = new Uint8Array(5_000_000).map((_, i) => i % 251);
    const big = [record(), record({ payload }), record()];
    const { records: read, torn } = await readFile(await writeFile("big.zst", big));
    expect(read.map((each) => each.payload.length)).toEqual([3, 5_000_000, 3]);
    expect(Buffer.compare(read[1]?.payload ?? new Uint8Array(), payload)).toBe(0);
    expect(torn).toEqual([]);
  });

  it("may be empty", async () => {
    expect(await readFile(await writeFile("empty", []))).toEqual({ records: [], torn: [] });
    expect(await readFile(await writeFile("empty.gz", []))).toEqual({ records: [], torn: [] });
    expect(await readFile(await writeFile("empty.zst", []))).toEqual({ records: [], torn: [] });
  });
});

describe("a torn capture", () => {
  const records = [record(), record({ payload: new Uint8Array(20).fill(5) })];
  const firstBytes = 19;
  const allBytes = firstBytes + 36;

  it("gives the whole records and the offset of the torn one, torn at any byte of it", async () => {
    const file = await writeFile("torn", records);
    for (let bytes = allBytes - 1; bytes > firstBytes; bytes--) {
      truncateSync(file, bytes);
      expect(await readFile(file)).toEqual({ records: [records[0]], torn: [firstBytes] });
    }
    truncateSync(file, firstBytes);
    expect(await readFile(file)).toEqual({ records: [records[0]], torn: [] });
  });

  for (const [ending, compress] of [
    ["gz", gzipSync],
    ["zst", zstdCompressSync],
  ] as const) {
    it(`gives the whole records when torn inside, then compressed: ${ending}`, async () => {
      const file = join(directory, `torn-inside.${ending}`);
      const bytes = Buffer.concat(records.map(encodeCaptureRecord));
      writeFileSync(file, compress(bytes.subarray(0, allBytes - 7)));
      expect(await readFile(file)).toEqual({ records: [records[0]], torn: [firstBytes] });
    });

    it(`is used as far as it can be decompressed, cut at any byte: ${ending}`, async () => {
      const file = join(directory, `cut.${ending}`);
      const compressed = compress(Buffer.concat(records.map(encodeCaptureRecord)));
      for (let bytes = compressed.length - 1; bytes >= 0; bytes--) {
        writeFileSync(file, compressed.subarray(0, bytes));
        const { records: read, torn } = await readFile(file);
        expect(read).toEqual(records.slice(0, read.length));
        expect(torn).toEqual([[0, firstBytes, allBytes][read.length]]);
      }
    });
  }
});

describe("a file that is no capture", () => {
  const write = (name: string, bytes: Uint8Array): string => {
    const file = join(directory, name);
    writeFileSync(file, bytes);
    return file;
  };
  const expectInvalid = async (file: string, message: string) => {
    await expect(readFile(file)).rejects.toMatchObject({ code: "capture_invalid", message });
  };

  it("is refused when append times fall within a partition, not across partitions", async () => {
    const good = [record({ appendMs: 9 }), record({ appendMs: 5, partition: 1 })];
    const bytes = Buffer.concat(
      [...good, record({ appendMs: 8, partition: 0 })].map(encodeCaptureRecord),
    );
    const file = write("falling", bytes);
    await expectInvalid(
      file,
      `capture ${file}: record at byte 38 has append time 8, must be ≥ 9, the one before it in partition 0`,
    );
  });

  it("is refused for an unknown signal", async () => {
    const bytes = encodeCaptureRecord(record());
    bytes[4] = 4;
    const file = write("signal", bytes);
    await expectInvalid(
      file,
      `capture ${file}: record at byte 0 has signal 4, must be 1 (traces), 2 (metrics) or 3 (logs)`,
    );
  });

  it("is refused for an absurd length, without waiting for so many bytes", async () => {
    const file = write("absurd", Buffer.from("this is a text file, not a capture"));
    await expectInvalid(
      file,
      `capture ${file}: record at byte 0 has a payload length of 1936287860, must be ≤ 268435456`,
    );
  });

  it("is refused when its compression does not read", async () => {
    const gzip = write("text.gz", Buffer.from("plain text under a gzip name"));
    await expectInvalid(gzip, `capture ${gzip} does not read as gzip: incorrect header check`);
    const zstd = write("text.zst", Buffer.from("plain text under a zstd name"));
    await expectInvalid(zstd, `capture ${zstd} does not read as zstd: Unknown frame descriptor`);
  });

  it("is refused when it is not there", async () => {
    for (const name of ["absent", "absent.gz"]) {
      const file = join(directory, name);
      await expectInvalid(
        file,
        `capture ${file} can't be read: ENOENT: no such file or directory, open '${file}'`,
      );
    }
  });
});

describe("the capture writer", () => {
  it("refuses append times that fall within a partition", async () => {
    await using writer = openCaptureWriter(join(directory, "writer"));
    await writer.write(record({ appendMs: 9 }));
    expect(() => writer.write(record({ appendMs: 8 }))).toThrow("must be ≥ 9, got 8");
    await writer.write(record({ appendMs: 8, partition: 1 }));
  });

  it("asks to be waited for when a batch is full", async () => {
    await using writer = openCaptureWriter(join(directory, "pressure"));
    expect(writer.write(record())).toBeUndefined();
    const wait = writer.write(record({ payload: new Uint8Array(300_000) }));
    expect(wait).toBeInstanceOf(Promise);
    await wait;
  });

  it("may be closed twice and takes nothing after", async () => {
    const writer = openCaptureWriter(join(directory, "closed"));
    await writer.close();
    await writer.close();
    expect(() => writer.write(record())).toThrow("was closed");
  });

  it("says when the file can't be written", async () => {
    const file = join(directory, "nowhere", "capture");
    const writer = openCaptureWriter(file);
    await expect(writer.close()).rejects.toMatchObject({
      code: "capture_invalid",
      message: `capture ${file} can't be written: ENOENT: no such file or directory, open '${file}'`,
    });
  });
});
