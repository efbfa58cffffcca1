/** Versions of what results depend on beside the configuration: a change starts a new epoch. */
import { detectors } from "../../detectors/registry.ts";
import { stageNames, stages } from "../pipeline.ts";

export const algorithmVersions: Readonly<Record<string, number>> = Object.fromEntries([
  ...stageNames.flatMap((name) => {
    const stage = stages[name];
    return stage.kind === "reducer" ? [[name, stage.stateVersion]] : [];
  }),
  ...detectors.map(({ id, stateVersion }) => [`detector:${id}`, stateVersion]),
]);
