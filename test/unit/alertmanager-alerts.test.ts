import { describe, expect, it } from "vitest";
import { alertsOf as alertsAt } from "../../services/notify/sinks/alertmanager.ts";
import type { Notification } from "../../services/notify/sinks/sink.ts";
import { anIncident, incidentStartMs } from "../support/incidents.ts";

const aNotification = (overrides: Partial<Notification> = {}): Notification => ({
  key: "7f3a91c2/paged/alertmanager",
  transition: "paged",
  why: "severity_rose",
  incident: anIncident(),
  severities: ["page"],
  place: { "gen_ai.request.model": "claude-sonnet", "cloud.region": "eu-west-1" },
  text: "PAGE  …",
  url: "http://127.0.0.1:8080/incidents/7f3a91c2",
  ...overrides,
});

const heldUntilMs = incidentStartMs + 12 * 3_600_000;
const alertsOf = (notification: Notification) => alertsAt(notification, { heldUntilMs });

describe("alertsOf", () => {
  it("labels an alert with incident, severity and place in Prometheus's names", () => {
    expect(alertsOf(aNotification())).toEqual([
      {
        labels: {
          alertname: "ForeshockIncident",
          incident: "7f3a91c2",
          severity: "page",
          gen_ai_request_model: "claude-sonnet",
          cloud_region: "eu-west-1",
        },
        annotations: {
          summary: "claude-sonnet in eu-west-1: first tokens 2.3× slower, spreading",
          description: "PAGE  …",
          delivery_key: "7f3a91c2/paged/alertmanager",
        },
        startsAt: new Date(incidentStartMs).toISOString(),
        endsAt: new Date(heldUntilMs).toISOString(),
        generatorURL: "http://127.0.0.1:8080/incidents/7f3a91c2",
      },
    ]);
  });

  it("keeps its labels when the place is named otherwise later", () => {
    const [later] = alertsOf(aNotification({ incident: anIncident({ dimensions: [] }) }));
    expect(later?.labels).toEqual(alertsOf(aNotification())[0]?.labels);
  });

  it("ends the ticket in the request that starts the page", () => {
    const alerts = alertsOf(aNotification({ severities: ["ticket", "page"] }));
    expect(alerts.map(({ labels, endsAt }) => [labels["severity"], endsAt])).toEqual([
      ["page", new Date(heldUntilMs).toISOString()],
      ["ticket", new Date(incidentStartMs + 30_000).toISOString()],
    ]);
  });

  it("ends everything when the incident is resolved", () => {
    const resolvedMs = incidentStartMs + 600_000;
    const incident = anIncident({ phase: "resolved", transition: "resolved", resolvedMs });
    const ends = alertsOf(aNotification({ incident, severities: ["ticket", "page"] }));
    expect(ends.map(({ endsAt }) => endsAt)).toEqual([
      new Date(resolvedMs).toISOString(),
      new Date(resolvedMs).toISOString(),
    ]);
  });

  it("makes attribute names that begin with a digit into labels", () => {
    const [alert] = alertsOf(aNotification({ place: { "3rd.party": "x" } }));
    expect(alert?.labels).toMatchObject({ _3rd_party: "x" });
  });
});
