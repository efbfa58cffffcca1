// Who may import whom. Run: depcruise --config test/import-rules.cjs detectors services dashboards
// Needs @swc/core beside TypeScript 7: without it the tool cruises 0 modules and still exits 0.
const stages = "ingest|aggregate|detect|incident|notify|archive|console";
const drivers =
  "^services/(log/(kafka|lmdb)|history/(clickhouse|embedded)|notify/sinks/[^/]+)\\.ts$";
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
      name: "transform-stages-are-pure",
      severity: "error",
      from: { path: "^services/(aggregate|detect|incident)/" },
      to: {
        pathNot:
          "^services/($1|contracts)/|^services/stage\\.ts$|^detectors/|node_modules/(simple-statistics|zod)/",
      },
    },
    {
      name: "pure-files-in-edge-stages",
      severity: "error",
      from: {
        path: "^services/(notify/(route|reason)|ingest/(decode|admission)|history/queries)\\.ts$",
      },
      to: { pathNot: "^services/contracts/|^detectors/|node_modules/zod/" },
    },
    {
      name: "browser-code-knows-only-http-api",
      severity: "error",
      from: { path: "^services/console/web/" },
      to: { pathNot: "^services/console/web/|^services/contracts/http-api\\.ts$" },
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
      from: {
        pathNot: `^services/(${stages})/|^services/pipeline\\.ts$|^services/runtime/app\\.ts$|^test/`,
      },
      to: { path: `^services/(${stages})/` },
    },
    {
      name: "nothing-watches-through-the-fleet",
      severity: "error",
      from: { pathNot: "^services/(chatbot/|runtime/app\\.ts$|main\\.ts$)|^test/" },
      to: { path: "^services/chatbot/" },
    },
    {
      name: "only-app-opens-drivers",
      severity: "error",
      from: { pathNot: "^services/runtime/app\\.ts$|^services/notify/sinks/registry\\.ts$|^test/" },
      to: { path: drivers },
    },
    {
      name: "runtime-is-the-top",
      severity: "error",
      from: { pathNot: "^services/(runtime/|main\\.ts$)|^test/" },
      to: { path: "^services/runtime/" },
    },
    {
      name: "dashboards-know-only-contracts",
      severity: "error",
      from: { path: "^dashboards/" },
      to: { path: "^services/", pathNot: "^services/contracts/" },
    },
    {
      name: "sources-never-import-tests",
      severity: "error",
      from: { pathNot: "^test/" },
      to: { path: "^test/" },
    },
    only("kafkajs", "services/log/kafka\\.ts"),
    only("lmdb", "services/log/lmdb\\.ts"),
    only("@clickhouse/client", "services/history/clickhouse\\.ts"),
    only("chdb", "services/history/embedded\\.ts"),
    only("@opentelemetry/(sdk-node|exporter-prometheus)", "services/runtime/telemetry\\.ts"),
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.json" },
  },
};
