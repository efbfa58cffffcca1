/**
 * Who may ask. The page holds no login, so it must not be steered by other sites that a browser has open: names that a foreign
 * DNS server makes point at loopback are refused, and so are changes that another origin asks for. Pure.
 */
import type { ApiErrorCode } from "../contracts/http-api.ts";

export interface GuardedRequest {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly contentType: string | undefined;
}

export interface GuardSettings {
  /** Address that the server listens on. */
  readonly listenHost: string;
  /** How readers reach the page; empty when directly. */
  readonly publicUrl: string;
}

export interface Refusal {
  readonly code: ApiErrorCode;
  readonly message: string;
}

/** Undefined when the request may pass. */
export function refusalOf(request: GuardedRequest, settings: GuardSettings): Refusal | undefined {
  const { host } = request;
  const name = hostName(host);
  const publicHost = settings.publicUrl === "" ? undefined : new URL(settings.publicUrl).hostname;
  if (name === undefined)
    return { code: "bad_request", message: "the Host header is missing or wrong" };
  if (isLoopback(settings.listenHost) && !isLoopback(name) && name !== publicHost)
    return {
      code: "forbidden",
      message: `Host must be a loopback name or address${publicHost === undefined ? "" : ` or ${publicHost}`}, got ${name}; set console.publicUrl to allow another`,
    };
  if (request.method === "GET" || request.method === "HEAD") return undefined;
  if (request.fetchSite !== undefined && !["same-origin", "none"].includes(request.fetchSite))
    return {
      code: "forbidden",
      message: `changes from another site are refused (${request.fetchSite})`,
    };
  if (request.origin !== undefined && !isOwnOrigin(request.origin, host, settings.publicUrl))
    return {
      code: "forbidden",
      message: `changes from another origin are refused (${request.origin})`,
    };
  // A form of another site cannot send this type without asking first.
  if (!/^application\/json\s*(;|$)/i.test(request.contentType ?? ""))
    return { code: "unsupported_media_type", message: "Content-Type must be application/json" };
  return undefined;
}

function hostName(host: string | undefined): string | undefined {
  if (host === undefined || !URL.canParse(`http://${host}`)) return undefined;
  const url = new URL(`http://${host}`);
  return url.pathname === "/" && url.username === "" ? url.hostname : undefined;
}

function isOwnOrigin(origin: string, host: string | undefined, publicUrl: string): boolean {
  if (!URL.canParse(origin)) return false;
  if (publicUrl !== "" && new URL(publicUrl).origin === new URL(origin).origin) return true;
  return new URL(origin).host === host?.toLowerCase();
}

function isLoopback(name: string): boolean {
  const bare = name.replace(/^\[|\]$/g, "").toLowerCase();
  return (
    bare === "localhost" ||
    bare.endsWith(".localhost") ||
    bare === "::1" ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(bare)
  );
}
