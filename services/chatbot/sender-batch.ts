import { partitionFor } from "../log/partitioner.ts";
import type { Sender } from "./fleet-model.ts";
import {
  encodeRequest,
  encodeResource,
  encodeScope,
  type OtlpSpanEncoder,
} from "./otlp-encoder.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";
import type { Scope, SpanShape } from "./span-shape.ts";

/** What one sender's batch processor holds until its next export. */
export class SenderBatch {
  readonly sender: Sender;
  spans = 0;
  flushes = 0;
  /** Whether an export is scheduled. */
  isScheduled = false;
  readonly #encoder: OtlpSpanEncoder;
  readonly #partitions: number;
  readonly #resource: Uint8Array;
  readonly #parts: {
    readonly partition: number;
    readonly scope: Scope;
    readonly scopeBytes: Uint8Array;
    readonly elements: ProtobufWriter;
  }[] = [];

  constructor(sender: Sender, encoder: OtlpSpanEncoder, partitions: number) {
    this.sender = sender;
    this.#encoder = encoder;
    this.#partitions = partitions;
    this.#resource = encodeResource(sender);
  }

  add(span: SpanShape, skewMs: number): void {
    const partition = partitionFor(span.traceId, this.#partitions);
    let part = this.#parts.find((p) => p.partition === partition && p.scope === span.scope);
    if (part === undefined) {
      part = {
        partition,
        scope: span.scope,
        scopeBytes: encodeScope(span.scope),
        elements: new ProtobufWriter(16_384),
      };
      this.#parts.push(part);
    }
    this.#encoder.append(part.elements, span, skewMs);
    this.spans += 1;
  }

  /** Empties the batch: one request for each partition that has spans in it. */
  flush(): { readonly partition: number; readonly payload: Uint8Array }[] {
    this.spans = 0;
    this.flushes += 1;
    this.isScheduled = false;
    const requests: { readonly partition: number; readonly payload: Uint8Array }[] = [];
    for (let partition = 0; partition < this.#partitions; partition += 1) {
      const parts = this.#parts
        .filter((part) => part.partition === partition && part.elements.length > 0)
        .map((part) => ({ scope: part.scopeBytes, elements: part.elements.take() }));
      if (parts.length === 0) continue;
      requests.push({ partition, payload: encodeRequest(this.#resource, parts) });
    }
    return requests;
  }
}
