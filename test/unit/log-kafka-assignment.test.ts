import { describe, expect, it } from "vitest";
import { assignPartitions, type GroupClaim } from "../../services/log/kafka-assignment.ts";

const claim = (memberId: string, numbers: readonly number[] = [], generation = 1): GroupClaim => ({
  memberId,
  topics: ["spans", "metrics"],
  generation,
  numbers,
});
const partitions = (topic: string) => (topic === "spans" ? 8 : 4);
const spansOf = (claims: readonly GroupClaim[]) =>
  Object.fromEntries(
    [...assignPartitions(claims, partitions)].map(([id, topics]) => [id, topics["spans"]]),
  );

describe("assigning partitions", () => {
  it("gives a partition number of every topic to one member, in even shares", () => {
    expect(Object.fromEntries(assignPartitions([claim("b"), claim("a")], partitions))).toEqual({
      a: { spans: [0, 1, 2, 3], metrics: [0, 1, 2, 3] },
      b: { spans: [4, 5, 6, 7], metrics: [] },
    });
  });

  it("leaves with each member what it has when one comes", () => {
    const shares = spansOf([claim("a", [0, 2, 4, 6]), claim("b", [1, 3, 5, 7]), claim("c")]);
    expect(shares).toEqual({ a: [0, 2, 4], b: [1, 3, 5], c: [6, 7] });
  });

  it("gives what a member left to those who have least", () => {
    const shares = spansOf([claim("a", [0, 2, 4]), claim("c", [6, 7])]);
    expect(shares).toEqual({ a: [0, 2, 4, 1], c: [6, 7, 3, 5] });
  });

  it("believes the later generation when two claim the same", () => {
    const shares = spansOf([
      claim("a", [0, 1, 2, 3], 4),
      claim("b", [4, 5, 6, 7], 4),
      claim("back again", [0, 1, 2, 3, 4, 5, 6, 7], 2),
    ]);
    expect(shares).toEqual({ a: [0, 1, 2], b: [4, 5, 6], "back again": [3, 7] });
  });

  it("gives nothing to members beyond the partitions, and each partition once", () => {
    const many = Array.from({ length: 10 }, (_, i) => claim(`m${i}`));
    const shares = Object.values(spansOf(many));
    expect(shares.flat().sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(shares.map((share) => share?.length).sort()).toEqual([0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
  });

  it("gives a topic only to members who read it", () => {
    const old: GroupClaim = { ...claim("a"), topics: ["spans"] };
    expect(Object.fromEntries(assignPartitions([old, claim("b")], partitions))).toEqual({
      a: { spans: [0, 1, 2, 3] },
      b: { spans: [4, 5, 6, 7], metrics: [] },
    });
  });
});
