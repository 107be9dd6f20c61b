import { expect, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { watch } from "./watch.ts";

test("no time-out is too long for a timer", async () => {
  for (const timeout of [2 ** 31, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY]) {
    let ended = 0;
    const watched = watch({ timeout }, () => ended++);
    await sleep(20);
    watched.stop();
    expect([timeout, ended, watched.cause()]).toEqual([timeout, 0, null]);
  }
});

test("what came first is the cause, and after stop there is none", async () => {
  const caller = new AbortController();
  let ended = 0;
  const late = watch({ timeout: 5, signal: caller.signal }, () => ended++);
  const stopped = watch({ timeout: 5, signal: caller.signal }, () => ended++);
  stopped.stop();
  await sleep(30);
  caller.abort();
  expect([late.cause(), stopped.cause()]).toEqual(["timeout", null]);
  // The time-out and the signal both end it: the one may have been too early to be heard.
  expect(ended).toBe(2);
});
