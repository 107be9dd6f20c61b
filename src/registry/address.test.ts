/** Where registries are, by what was typed and what the settings say. */
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { endpointOf, isLoopback, pullEndpoints } from "./address.ts";
import { readRetryAfter } from "./patience.ts";
import { noSettings, readSettings } from "./settings.ts";

const directory = mkdtempSync(`${tmpdir()}/pivot-settings-`);
afterAll(() => rmSync(directory, { recursive: true }));

test("this machine, and what only looks like it", () => {
  for (const host of ["localhost", "LOCALHOST:80", "127.0.0.1:5000", "127.255.0.9", "[::1]:5000"]) {
    expect([host, isLoopback(host)]).toEqual([host, true]);
  }
  for (const host of [
    "localhost.example",
    "127.0.0.1.example:80",
    "128.0.0.1",
    "[::2]",
    "1127.0.0.1",
  ]) {
    expect([host, isLoopback(host)]).toEqual([host, false]);
  }
});

test("plain HTTP is for this machine, and for what the settings name", () => {
  expect(endpointOf("docker.io", noSettings)).toEqual({
    host: "registry-1.docker.io",
    name: "docker.io",
    schemes: ["https"],
    isUnverified: false,
  });
  expect(endpointOf("localhost:5000", noSettings).schemes).toEqual(["https", "http"]);
  expect(endpointOf("10.0.0.5:5000", noSettings).schemes).toEqual(["https"]);
  const settings = { ...noSettings, insecure: new Set(["10.0.0.5:5000"]) };
  expect(endpointOf("10.0.0.5:5000", settings)).toMatchObject({
    schemes: ["https", "http"],
    isUnverified: true,
  });
});

/** The settings of a user who has written this. */
function settingsFrom(text: string) {
  mkdirSync(`${directory}/pivot`, { recursive: true });
  writeFileSync(`${directory}/pivot/registries.json`, text);
  return readSettings({ XDG_CONFIG_HOME: directory });
}

test("mirrors come before the registry", () => {
  const mirrors = { "docker.io": ["https://mirror.example", "http://10.0.0.5:5000/", "m.example"] };
  const endpoints = pullEndpoints("docker.io", settingsFrom(JSON.stringify({ mirrors })));
  expect(endpoints.map(({ host, schemes }) => [host, ...schemes])).toEqual([
    ["mirror.example", "https"],
    ["10.0.0.5:5000", "http"],
    ["m.example", "https"],
    ["registry-1.docker.io", "https"],
  ]);
  // Credentials of the registry are none of its mirrors'.
  expect(endpoints[0]?.name).toBe("mirror.example");
  expect(pullEndpoints("quay.io", settingsFrom(JSON.stringify({ mirrors })))).toHaveLength(1);
});

test("settings that are wrong are told by file and field", () => {
  const file = `${directory}/pivot/registries.json`;
  const say = (text: string) => {
    try {
      pullEndpoints("docker.io", settingsFrom(text));
      return "nothing";
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(say("{")).toBe(`${file}: it is not JSON in UTF-8`);
  expect(say('{"mirror":{}}')).toBe(`${file}: "mirror" is unknown; there are mirrors and insecure`);
  expect(say('{"insecure":"all"}')).toContain("insecure must be a list");
  expect(say('{"mirrors":{"docker.io":["https://m.example/path"]}}')).toContain(
    'the mirror "https://m.example/path" is not a host',
  );
  expect(say('{"mirrors":{"docker.io":["ftp://m.example"]}}')).toContain("is not a host");
});

test("how long a server wants to be left alone", () => {
  const now = Date.parse("2030-01-01T00:00:00Z");
  expect(readRetryAfter("7", now)).toBe(7000);
  expect(readRetryAfter("Tue, 01 Jan 2030 00:00:09 GMT", now)).toBe(9000);
  expect(readRetryAfter("Tue, 01 Jan 2020 00:00:00 GMT", now)).toBe(0);
  for (const none of [null, "soon", ""]) expect(readRetryAfter(none, now)).toBeUndefined();
});
