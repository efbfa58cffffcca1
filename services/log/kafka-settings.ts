/** The `log` section of the configuration, as the Kafka driver takes it; secrets and certificates may lie in files. */
import { readFileSync } from "node:fs";
import type { Config } from "../contracts/config.ts";
import { ForeshockError } from "../contracts/errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { KafkaLogOptions } from "./kafka.ts";
import type { KafkaSasl, KafkaTls } from "./kafka-client.ts";

/** Throws `config_invalid` naming the key whose value cannot be used. */
export function kafkaLogOptions({ brokers, kafka }: Config["log"], clock: Clock): KafkaLogOptions {
  if (brokers.length === 0)
    throw new ForeshockError(
      "config_invalid",
      "log.brokers must name at least one broker when log.engine is kafka, got none",
    );
  const odd = brokers.find((broker) => !/^[^:\s]+:\d+$/.test(broker));
  if (odd !== undefined)
    throw new ForeshockError("config_invalid", `log.brokers must be host:port each, got ${odd}`);
  return {
    brokers,
    clientId: "foreshock",
    clock,
    prefix: kafka.topicPrefix,
    compression: kafka.compression,
    replicationFactor: kafka.replicationFactor,
    holdFactor: kafka.holdFactor,
    sessionTimeoutMs: kafka.sessionTimeoutMs,
    sasl: saslOf(kafka.sasl),
    tls: tlsOf(kafka.tls),
  };
}

function saslOf(sasl: Config["log"]["kafka"]["sasl"]): KafkaSasl | undefined {
  const { mechanism, username, passwordFile } = sasl;
  if (mechanism === "none") return undefined;
  const password =
    passwordFile === ""
      ? sasl.password
      : readText("log.kafka.sasl.passwordFile", passwordFile).trim();
  if (username === "" || password === "")
    throw new ForeshockError(
      "config_invalid",
      `log.kafka.sasl needs username and password (or passwordFile) for ${mechanism}`,
    );
  return { mechanism, username, password };
}

function tlsOf(tls: Config["log"]["kafka"]["tls"]): KafkaTls | undefined {
  if (!tls.enabled) return undefined;
  const read = (key: "caFile" | "certFile" | "keyFile") =>
    tls[key] === "" ? undefined : readText(`log.kafka.tls.${key}`, tls[key]);
  const ca = read("caFile");
  const cert = read("certFile");
  const key = read("keyFile");
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function readText(key: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new ForeshockError("config_invalid", `${key}: ${path} cannot be read`, { cause });
  }
}
