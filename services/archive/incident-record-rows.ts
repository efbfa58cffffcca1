import { incidentRecord } from "../contracts/incident.ts";
import { deliveryRecord } from "../contracts/records.ts";
import { pushSource, pushUpstreamSource, type RecordRows } from "./record-rows.ts";
import { createTableBlocks, monthOf } from "./table-blocks.ts";

/** Incidents: a row a transition. */
export function incidentRecordRows({ maxRows }: { readonly maxRows: number }): RecordRows {
  const incidents = createTableBlocks("incidents", { maxRows });
  const { columns } = incidents;
  return {
    tables: [incidents],
    isStreaming: false,
    append(record) {
      const incident = incidentRecord.decode(record.value);
      if (!incidents.admitRow(monthOf(incident.openedMs), record.offset, 0)) return;
      pushUpstreamSource(columns, record, 0);
      columns.incident.push(incident.incident);
      columns.revision.push(incident.revision);
      columns.epoch.push(incident.epoch);
      columns.at.push(incident.atMs);
      columns.window_start.push(incident.windowStartMs);
      columns.transition.push(incident.transition);
      columns.phase.push(incident.phase);
      columns.severity.push(incident.severity);
      columns.title.push(incident.title);
      columns.dimensions.push(JSON.stringify(incident.dimensions));
      for (const cell of incident.cells) columns.cells.elements.push(cell);
      columns.cells.endRow();
      columns.degraded_cells.push(incident.degradedCells);
      columns.live_cells.push(incident.liveCells);
      columns.degraded_share.push(incident.degradedShare);
      for (const signal of incident.signals) columns.signals.elements.push(signal);
      columns.signals.endRow();
      columns.leading_signal.push(incident.leadingSignal);
      columns.since.push(incident.sinceMs);
      columns.opened.push(incident.openedMs);
      columns.resolved.push(incident.resolvedMs ?? 0);
      columns.forecast.push(incident.forecast === null ? "" : JSON.stringify(incident.forecast));
      columns.reason.push(incident.reason);
      columns.record.pushBytes(record.value);
    },
  };
}

/** Deliveries: a row each. */
export function deliveryRecordRows({ maxRows }: { readonly maxRows: number }): RecordRows {
  const deliveries = createTableBlocks("deliveries", { maxRows });
  const { columns } = deliveries;
  return {
    tables: [deliveries],
    isStreaming: false,
    append(record) {
      const delivery = deliveryRecord.decode(record.value);
      if (!deliveries.admitRow(monthOf(delivery.atMs), record.offset, 0)) return;
      pushSource(columns, record, 0);
      columns.delivery.push(delivery.key);
      columns.incident.push(delivery.incident);
      columns.transition.push(delivery.transition);
      columns.sink.push(delivery.sink);
      columns.severity.push(delivery.severity);
      columns.at.push(delivery.atMs);
      columns.outcome.push(delivery.outcome);
      columns.attempts.push(delivery.attempts);
      columns.delay_ms.push(delivery.delayMs);
      columns.detail.push(delivery.detail);
    },
  };
}
