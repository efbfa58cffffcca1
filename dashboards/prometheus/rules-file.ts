/** `rules.yml` as Prometheus reads it. Texts are written as JSON strings, which YAML takes as they are. */
import { alertRules } from "./rules.ts";

const text = (value: string) => JSON.stringify(value);

const rules = alertRules.map(
  (rule) => `      - alert: ${rule.alert}
        expr: ${text(rule.expression)}
        for: ${rule.for}
        labels:
          severity: ${rule.severity}
          service: foreshock
        annotations:
          summary: ${text(rule.summary)}
          description: ${text(rule.description)}
          runbook: docs/runbooks/${rule.runbook}.md`,
);

export const rulesFile = `# Made from dashboards/prometheus/rules.ts by \`npm run generate\`. Scrape Foreshock as job "foreshock".
groups:
  - name: foreshock
    rules:
${rules.join("\n")}
`;
