/** Records go to partitions by the same hash that cells do; see contracts/partition.ts for its definition. */
export { hashKey, partitionFor } from "../contracts/partition.ts";
