// Who may import whom. Run: depcruise --config test/checks/import-rules.cjs detectors services
// Needs @swc/core beside TypeScript 7: without it the tool looks at 0 modules and still exits 0.
const stages = "ingest|aggregate|detect|incident|notify|archive|console";
const drivers = "^services/(log/(kafka|lmdb)|history/(clickhouse|embedded))\\.ts$";
const clock = "^services/runtime/clock\\.ts$";
const only = (vendor, owner) => ({
  name: `only-${owner.replace(/\W+/g, "-")}-imports-${vendor.replace(/\W+/g, "-")}`,
  severity: "error",
  from: { pathNot: `^${owner}$|^test/` },
  to: { path: `node_modules/${vendor}/` },
});
module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "detectors-are-pure",
      severity: "error",
      from: { path: "^detectors/" },
      to: { pathNot: "^detectors/|node_modules/(simple-statistics|zod)/" },
    },
    {
      name: "contracts-know-only-detectors",
      severity: "error",
      from: { path: "^services/contracts/" },
      to: { pathNot: "^services/contracts/|^detectors/|node_modules/zod/" },
    },
    {
      name: "reducers-are-pure",
      severity: "error",
      from: { path: "^services/(aggregate|detect|incident)/" },
      to: {
        pathNot:
          "^services/($1|contracts)/|^services/stage\\.ts$|^detectors/|node_modules/(simple-statistics|zod)/",
      },
    },
    {
      name: "decisions-in-edge-stages-do-no-io",
      severity: "error",
      from: {
        path: "^services/(notify/(route|tasks|state)|ingest/(admission|walker|edits|copy-plan|content|error-text|record-builder|json-transcoder)|archive/(rows|spans)/.*)\\.ts$",
      },
      to: { dependencyTypes: ["core"], pathNot: "^(node:)?(buffer|crypto)$" },
    },
    {
      name: "browser-code-knows-only-contracts",
      severity: "error",
      from: { path: "^services/console/web/" },
      to: { pathNot: "^services/console/web/|^services/contracts/|node_modules/uplot/" },
    },
    {
      name: "stages-do-not-meet",
      severity: "error",
      from: { path: `^services/(${stages})/` },
      to: { path: `^services/(${stages})/`, pathNot: "^services/$1/" },
    },
    {
      name: "only-pipeline-imports-stages",
      severity: "error",
      from: { pathNot: `^services/(${stages})/|^services/pipeline\\.ts$|^test/` },
      to: { path: `^services/(${stages})/` },
    },
    {
      name: "nothing-watches-through-the-fleet",
      severity: "error",
      from: { pathNot: "^services/(chatbot|command)/|^test/" },
      to: { path: "^services/chatbot/" },
    },
    {
      name: "the-fleet-knows-no-stage",
      severity: "error",
      from: { path: "^services/chatbot/" },
      to: { path: `^services/(${stages}|runtime|history|command)/`, pathNot: clock },
    },
    {
      name: "only-app-opens-drivers",
      severity: "error",
      from: { pathNot: "^services/runtime/app\\.ts$|^services/(log|history)/|^test/" },
      to: { path: drivers },
    },
    {
      name: "runtime-is-the-top",
      severity: "error",
      from: { pathNot: "^services/(runtime|command)/|^services/main\\.ts$|^test/" },
      to: { path: "^services/runtime/", pathNot: clock },
    },
    {
      name: "dashboards-know-only-contracts",
      severity: "error",
      from: { path: "^dashboards/" },
      to: {
        pathNot: "^dashboards/|^services/contracts/|@grafana/grafana-foundation-sdk/",
        dependencyTypesNot: ["core"],
      },
    },
    {
      name: "only-dashboards-import-grafana",
      severity: "error",
      from: { pathNot: "^dashboards/(build-|queries)|^test/" },
      to: { path: "@grafana/" },
    },
    {
      name: "sources-never-import-tests",
      severity: "error",
      from: { pathNot: "^test/" },
      to: { path: "^test/" },
    },
    only("kafkajs", "services/log/kafka[a-z0-9-]*\\.ts"),
    only("lmdb", "services/log/lmdb(-store)?\\.ts"),
    only("@clickhouse/client", "services/history/clickhouse\\.ts"),
    only("chdb", "services/history/[a-z-]+\\.ts"),
    only("@opentelemetry/(sdk-node|exporter-prometheus)", "services/runtime/telemetry\\.ts"),
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.json" },
  },
};
