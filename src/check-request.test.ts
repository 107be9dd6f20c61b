import { expect, test } from "bun:test";
import { checkApply, checkPull, checkRequest, checkView, checkViewRun } from "./check-request.ts";
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
    "env: it is an object of strings, and not an object with 1 at A",
    'network: it is "private", "host", "none", { network: "NAME" }, and not a string',
    "rm: it is true or false, and not 1",
  ]);
  expect(problems({ mounts: ["/tmp:/x"], egress: "example.com", pull: {} })).toEqual([
    "mounts[0]: it is an object, and not a string",
    "egress: it is an array of strings, and not a string",
    'pull: it is "always", "missing", "never", and not an object',
  ]);
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

test("a part that is misspelt is told, too: it may be what guards", () => {
  const mount = { type: "bind", source: "/etc", target: "/etc", readOnly: true };
  expect(problems({ mounts: [mount] })).toEqual([
    "mounts[0].readOnly: there is no such option; is it readonly?",
  ]);
  expect(problems({ securityOpt: { noNewPrivilege: true } })).toEqual([
    "securityOpt.noNewPrivilege: there is no such option; is it noNewPrivileges?",
  ]);
  expect(problems({ roots: { dataroot: "/tmp" } })[0]).toEndWith("is it dataRoot?");
  expect(problems({ constructor: 1 })).toEqual(["constructor: there is no such option"]);
});

test("requests of views and registries are looked at likewise", () => {
  const odd = (value: object): never => value as never;
  expect(() => checkView(odd({ pwd: "/" }))).toThrow(WishError);
  expect(() => checkViewRun(odd({ command: ["ls"], netwrk: "none" }))).toThrow("is it network?");
  expect(() => checkViewRun(odd({ command: [] }))).toThrow("command: name a program to run");
  expect(() => checkApply(odd({ path: ["src"] }))).toThrow("is it paths?");
  expect(() => checkPull(odd({ datRoot: "/tmp/x" }))).toThrow("is it dataRoot?");
  checkViewRun({ command: ["ls"], network: "none", stdin: "pipe", timeout: 1 });
  checkApply({ paths: ["a"], dryRun: true });
});
