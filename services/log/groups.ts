import type { Committed } from "./log.ts";

/** Consumer groups as an embedded log knows them, in memory; whoever changes them also saves them. */
export interface Groups {
  register(group: string, topic: string): void;
  forget(group: string): void;
  commit(position: GroupPosition, committed: Committed): void;
  committed(position: GroupPosition): Committed | undefined;
  /** Groups registered for a topic, in order of registration. */
  registeredFor(topic: string): readonly string[];
}

interface GroupPosition {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

export function createGroups(): Groups {
  const commits = new Map<string, Map<string, Committed>>();
  const groupsByTopic = new Map<string, string[]>();
  const place = (topic: string, partition: number) => `${partition}/${topic}`;
  return {
    register(group, topic) {
      const known = groupsByTopic.get(topic);
      if (known === undefined) groupsByTopic.set(topic, [group]);
      else if (!known.includes(group)) known.push(group);
    },
    forget(group) {
      commits.delete(group);
      for (const [topic, known] of groupsByTopic) {
        groupsByTopic.set(
          topic,
          known.filter((each) => each !== group),
        );
      }
    },
    commit({ group, topic, partition }, committed) {
      let ofGroup = commits.get(group);
      if (ofGroup === undefined) {
        ofGroup = new Map();
        commits.set(group, ofGroup);
      }
      ofGroup.set(place(topic, partition), committed);
    },
    committed: ({ group, topic, partition }) => commits.get(group)?.get(place(topic, partition)),
    registeredFor: (topic) => groupsByTopic.get(topic) ?? [],
  };
}
