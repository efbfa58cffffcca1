/**
 * Who reads what in a group. Partition i of every topic goes to one member (a source task's three signals, a stage's
 * several inputs), and a member keeps what it has as far as an even share allows: less is restored when one comes or goes.
 */
export interface GroupClaim {
  readonly memberId: string;
  readonly topics: readonly string[];
  /** Generation in which it was given `numbers`; of two who claim a number the later one is believed. */
  readonly generation: number;
  /** Partition numbers that it reads now. */
  readonly numbers: readonly number[];
}

/** Partitions by topic for each member. The same for every order of the claims. */
export function assignPartitions(
  claims: readonly GroupClaim[],
  partitionsOf: (topic: string) => number,
): ReadonlyMap<string, Readonly<Record<string, readonly number[]>>> {
  const members = [...claims].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const topics = [...new Set(members.flatMap((member) => member.topics))];
  const count = Math.max(0, ...topics.map(partitionsOf));
  const numbers = shareOut(members, count);
  return new Map(
    members.map(({ memberId, topics: own }) => {
      const given = numbers.get(memberId) ?? [];
      const byTopic = own.map((topic) => {
        const partitions = partitionsOf(topic);
        return [topic, given.filter((number) => number < partitions)] as const;
      });
      return [memberId, Object.fromEntries(byTopic)];
    }),
  );
}

function shareOut(members: readonly GroupClaim[], count: number): Map<string, number[]> {
  const owners = new Map<number, GroupClaim>();
  for (const member of members) {
    for (const number of member.numbers) {
      const other = owners.get(number);
      if (number < count && (other === undefined || other.generation < member.generation))
        owners.set(number, member);
    }
  }
  const shares = members.map((member) => ({
    memberId: member.memberId,
    numbers: [...owners].flatMap(([number, owner]) => (owner === member ? [number] : [])),
  }));
  for (const share of shares) share.numbers.sort((a, b) => a - b);
  // Those who have most get the share that is one larger.
  shares.sort((a, b) => b.numbers.length - a.numbers.length || (a.memberId < b.memberId ? -1 : 1));
  const least = Math.floor(count / Math.max(1, shares.length));
  const larger = count - least * shares.length;
  const quota = (rank: number) => (rank < larger ? least + 1 : least);
  for (const [rank, share] of shares.entries()) share.numbers.splice(quota(rank));
  const taken = new Set(shares.flatMap((share) => share.numbers));
  const free = Array.from({ length: count }, (_, number) => number).filter((n) => !taken.has(n));
  for (const [rank, share] of shares.entries())
    share.numbers.push(...free.splice(0, quota(rank) - share.numbers.length));
  return new Map(shares.map(({ memberId, numbers }) => [memberId, numbers]));
}
