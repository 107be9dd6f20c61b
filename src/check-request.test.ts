import { expect, test } from "bun:test";
import { checkRequest } from "./check-request.ts";
import { WishError } from "./container/wish-error.ts";
import type { RunRequest } from "./run.ts";

/** What is wrong with a request as a caller without types would write it. */
function problems(more: Record<string, unknown>): readonly string[] {
  try {
    checkRequest({ image: "busybox", ...more } as unknown as RunRequest);
    return [];
  } catch (error) {
    if (error instanceof WishError) return error.problems;
    throw error;
  }
}

test("an option that there is not is no option", () => {
  expect(problems({ readonly: true })).toEqual([
    "readonly: there is no such option; is it readOnly?",
  ]);
  expect(problems({ network: "none", memroy: 1 })).toEqual([
    "memroy: there is no such option; is it memory?",
  ]);
  expect(problems({ tty: true })[0]).toStartWith("tty: there is no such option");
});

test("values of another kind are told, all of them, and never in full", () => {
  expect(
    problems({ command: "echo secret", user: 1000, env: { A: 1 }, network: "container:x", rm: 1 }),
  ).toEqual([
    "command: it is an array of strings, and not a string",
    "user: it is a string, and not 1000",
    "env: it is an object of strings, and not an object",
    'network: it is "private", "host", "none" or an object, and not a string',
    "rm: it is true or false, and not 1",
  ]);
  expect(problems({ mounts: ["/tmp:/x"], egress: "example.com" })).toHaveLength(2);
});

test("streams, times and the signal are what they can be", () => {
  expect(problems({ stdin: 5, stdout: "file", timeout: Number.NaN, signal: {} })).toEqual([
    'stdin: it is a string, a Uint8Array, "pipe", "inherit" or "ignore", and not 5; a stream is piped into the stdin of what start gives',
    'stdout: it is "pipe", "inherit" or "ignore"',
    "signal: it is an AbortSignal, and not an object",
    "timeout: it is a number of milliseconds, and not NaN",
  ]);
});

test("undefined is as if it were not there, and there is one root", () => {
  expect(problems({ memory: undefined, stdin: undefined, roots: undefined })).toEqual([]);
  expect(problems({ rootfs: "/" })).toEqual(["name one of image, rootfs and bundle"]);
});

test("all that a request can have is taken", () => {
  const whole: RunRequest = {
    image: "busybox",
    command: [],
    env: { A: "1", B: null },
    memory: 2n ** 60n,
    cpus: 0.5,
    network: { network: "back" },
    ipc: "shareable",
    stopSignal: 9,
    mounts: [{ type: "bind", source: "/a", target: "/b" }],
    stdin: new Uint8Array(1),
    signal: AbortSignal.abort(),
    timeout: Number.POSITIVE_INFINITY,
  };
  expect(() => checkRequest(whole)).not.toThrow();
});
