import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Principal } from "./access-rules.ts";
import { ClickHouseException } from "./clickhouse-exception.ts";

export interface Account {
  readonly user: string;
  readonly password: string;
  readonly principal: Principal;
}

/**
 * Finds who asks, from `X-ClickHouse-User`/`-Key`, basic authorization or `user`/`password` in the URL, in this
 * order as ClickHouse has it. No name, or `default` without a password, is a reader. Throws code 516.
 */
export function authenticate(
  accounts: readonly Account[],
  headers: IncomingHttpHeaders,
  parameters: URLSearchParams,
): Principal {
  const { user, password } = credentials(headers, parameters);
  const account = accounts.find((candidate) => candidate.user === user);
  if (account !== undefined && isSame(account.password, password)) return account.principal;
  if (user === "default" && password === "") return { role: "reader" };
  throw new ClickHouseException(
    516,
    "AUTHENTICATION_FAILED",
    `${user}: Authentication failed: password is incorrect, or there is no user with such name`,
  );
}

function credentials(
  headers: IncomingHttpHeaders,
  parameters: URLSearchParams,
): { user: string; password: string } {
  const named = headers["x-clickhouse-user"];
  if (typeof named === "string") {
    const key = headers["x-clickhouse-key"];
    return { user: named, password: typeof key === "string" ? key : "" };
  }
  const basic = /^Basic\s+(\S+)$/i.exec(headers.authorization ?? "")?.[1];
  if (basic !== undefined) {
    const text = Buffer.from(basic, "base64").toString("utf8");
    const colon = text.indexOf(":");
    if (colon < 0) return { user: text || "default", password: "" };
    return { user: text.slice(0, colon) || "default", password: text.slice(colon + 1) };
  }
  return {
    user: parameters.get("user") || "default",
    password: parameters.get("password") ?? "",
  };
}

/** Compares in a time that does not depend on where the two differ. */
function isSame(expected: string, given: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(expected), digest(given));
}
