import { availableParallelism } from "node:os";
import type { Principal } from "./access-rules.ts";
import { ClickHouseException } from "./clickhouse-exception.ts";

/** What one query of an outsider may use at most. */
export interface QueryLimits {
  readonly maxExecutionSeconds: number;
  readonly maxMemoryBytes: number;
  readonly maxResultRows: number;
  readonly maxResultBytes: number;
  readonly maxRowsToRead: number;
  readonly maxThreads: number;
}

export const defaultQueryLimits: QueryLimits = {
  maxExecutionSeconds: 60,
  maxMemoryBytes: 2 * 1024 ** 3,
  maxResultRows: 1_000_000,
  maxResultBytes: 256 * 1024 ** 2,
  maxRowsToRead: 1_000_000_000,
  maxThreads: Math.max(1, Math.floor(availableParallelism() / 2)),
};

/** Queries of a larger number wait, block by block, while one of a smaller runs: what comes in goes before what is asked. */
const priorities = { incoming: 1, asked: 10 } as const;
/** Longest such wait, ms: however much comes in, questions go on. */
const waitForIncomingMs = 500;
/**
 * Nice value of the threads of what is asked, so that the operating system too puts what comes in first, here and in the other processes of
 * the pipeline. Needs CAP_SYS_NICE, since threads are used again and go back to 0; the engine ignores it without.
 */
const niceOfAsked = 15;

/** Parameters of the URL that are not settings of the engine. */
const interfaceParameters = new Set([
  "add_http_cors_header",
  "buffer_size",
  "client_protocol_version",
  "compress",
  "database",
  "decompress",
  "default_format",
  "enable_http_compression",
  "http_zlib_compression_level",
  "password",
  "query",
  "query_id",
  "quota_key",
  "send_progress_in_http_headers",
  "http_headers_progress_interval_ms",
  "http_write_exception_in_output_format",
  "stacktrace",
  "user",
  "wait_end_of_query",
  "cancel_http_readonly_queries_on_client_close",
  "role",
]);

/** Insert settings that clients send by habit and that must not weaken "acknowledged means stored". */
const ignoredSettings = new Set([
  "async_insert",
  "wait_for_async_insert",
  "async_insert_busy_timeout_ms",
  "async_insert_max_data_size",
  "readonly",
  "network_compression_method",
  "network_zstd_compression_level",
]);

const outsiderSettings =
  /^(date_time_(in|out)put_format|session_timezone|join_use_nulls|extremes|limit|offset|max_block_size|(allow_experimental|enable)_analyzer|prefer_column_name_to_alias|final|output_format_(json|csv|tsv|pretty|decimal|native|arrow|parquet|markdown|values|bool|float)[a-z0-9_]*)$/;
const writerSettings =
  /^(insert_deduplication_token|insert_deduplicate|input_format_[a-z0-9_]*|max_insert_block_size|allow_experimental_[a-z_]*|enable_json_type)$/;

/** Settings that an outsider may lower, by the engine's name. */
const capped = (limits: QueryLimits): Readonly<Record<string, number>> => ({
  max_execution_time: limits.maxExecutionSeconds,
  max_memory_usage: limits.maxMemoryBytes,
  max_result_rows: limits.maxResultRows,
  max_result_bytes: limits.maxResultBytes,
  max_rows_to_read: limits.maxRowsToRead,
  max_threads: limits.maxThreads,
});

export interface SettingsRequest {
  readonly principal: Principal;
  readonly parameters: URLSearchParams;
  readonly limits: QueryLimits;
  readonly isWrite: boolean;
}

/**
 * Settings for the session that runs one statement: what the sender asked for, if it may, and the limits,
 * which an outsider can lower but not raise. Throws `UNKNOWN_SETTING` for what is not on the list.
 */
export function sessionSettings(request: SettingsRequest): ReadonlyMap<string, string> {
  const { principal, parameters, limits, isWrite } = request;
  const settings = new Map<string, string>([
    ["async_insert", "0"],
    ["max_insert_threads", "1"],
  ]);
  const isOutsider = principal.role !== "owner";
  const isIncoming = !isOutsider || isWrite;
  settings.set("priority", String(isIncoming ? priorities.incoming : priorities.asked));
  if (!isIncoming) {
    settings.set("low_priority_query_wait_time_ms", String(waitForIncomingMs));
    settings.set("os_threads_nice_value_query", String(niceOfAsked));
  }
  const caps = capped(limits);
  if (isOutsider) {
    for (const [name, limit] of Object.entries(caps)) settings.set(name, String(limit));
    settings.set(
      "max_bytes_before_external_group_by",
      String(Math.floor(limits.maxMemoryBytes / 2)),
    );
  }
  for (const [name, value] of parameters) {
    if (interfaceParameters.has(name) || name.startsWith("param_") || ignoredSettings.has(name)) {
      continue;
    }
    if (name.startsWith("session_") && name !== "session_timezone") {
      throw unknownSetting(`${name} is not supported: every request is a session of its own`);
    }
    if (!isOutsider) {
      settings.set(name, checkedValue(name, value));
      continue;
    }
    const limit = caps[name];
    if (limit !== undefined) {
      const wanted = Number(value);
      // 0 means "no limit" to the engine, so it means the limit here.
      settings.set(name, String(wanted > 0 && wanted < limit ? wanted : limit));
    } else if (
      outsiderSettings.test(name) ||
      (principal.role === "writer" && writerSettings.test(name))
    ) {
      settings.set(name, checkedValue(name, value));
    } else {
      throw unknownSetting(`Setting ${name} is not among those that a request may carry`);
    }
  }
  if (settings.has("insert_deduplication_token")) {
    // Blocks must be cut the same way each time for the token to mean the same rows.
    settings.set("input_format_parallel_parsing", "0");
  }
  if (isOutsider && !isWrite) settings.set("readonly", "1");
  return settings;
}

function unknownSetting(message: string): Error {
  return new ClickHouseException(115, "UNKNOWN_SETTING", message);
}

function checkedValue(name: string, value: string): string {
  if (!/^[a-z][a-z0-9_]*$/i.test(name)) throw unknownSetting(`Setting ${name} has no valid name`);
  if (value.includes("\0")) throw unknownSetting(`Setting ${name} holds a NUL byte`);
  return value;
}
