/**
 * Which uniform of a request's (or attempt's) key decides what. Each decision has its own number, so that a fault,
 * or a change here, moves nothing else. Numbers are never reused.
 */
export const slot = {
  kind: 1,
  model: 2,
  region: 3,
  stream: 4,
  inputTokens: 5,
  outputTokens: 6,
  httpSeconds: 7,
  httpOverhead: 8,
  baseRateLimit: 9,
  baseError: 10,
  baseErrorClass: 11,
  badLogin: 12,
  patience: 13,
  stop: 14,
  stopPoint: 15,
  finish: 16,
  tokenSpeed: 17,
  cutPoint: 18,
  userRetry: 19,
  userRetryPause: 20,
  failover: 21,
  refusalClass: 22,
  // Of an attempt.
  refused: 30,
  filterRefused: 31,
  filterSeconds: 32,
  waitNoise: 33,
  firstToken: 34,
  transient: 35,
  attemptSeconds: 36,
  backoff: 37,
  // 41–42: sender-board.ts.
  /** Plus the fault's index × 8. */
  fault: 100,
} as const;
