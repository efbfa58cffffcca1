import type { Sender } from "./fleet-model.ts";
import type { Attribute } from "./span-shape.ts";

/** Resource of a sender, as an operator-injected Python SDK on Kubernetes has it. */
export function resourceAttributes(sender: Sender): readonly Attribute[] {
  return [
    ["service.name", sender.service],
    ["service.version", sender.version],
    ["service.instance.id", sender.instanceId],
    ["deployment.environment.name", "production"],
    ["cloud.provider", "aws"],
    ["cloud.region", sender.region.name],
    ["k8s.cluster.name", sender.region.cluster],
    ["k8s.pod.name", `${sender.service}-${sender.instanceId.slice(0, 8)}`],
    ["telemetry.sdk.language", "python"],
    ["telemetry.sdk.name", "opentelemetry"],
    ["telemetry.sdk.version", "1.45.2"],
  ];
}
