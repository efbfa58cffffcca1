/** Keys of deliveries that are on record: what a crash between record and checkpoint must not send or record again. */
import { deliveryRecord } from "../contracts/records.ts";
import { topics } from "../contracts/topics.ts";
import type { Log } from "../log/log.ts";

export async function readRecordedKeys(log: Log): Promise<ReadonlySet<string>> {
  const keys = new Set<string>();
  const topic = (await log.topics()).find(({ name }) => name === topics.deliveries);
  for (let partition = 0; partition < (topic?.partitions ?? 0); partition++) {
    const { start, end } = await log.offsets(topics.deliveries, partition);
    let fromOffset = start;
    while (fromOffset < end) {
      const records = await log.read({
        topic: topics.deliveries,
        partition,
        fromOffset,
        waitMs: 0,
      });
      if (records.length === 0) break;
      for (const record of records) {
        fromOffset = record.offset + 1;
        try {
          keys.add(deliveryRecord.decode(record.value).key);
        } catch {
          // Not a delivery: whoever consumes the topic says so; it holds back nothing here.
        }
      }
    }
  }
  return keys;
}
