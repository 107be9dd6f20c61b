/** What the server of `pivot learn` answers, and to whom. */

import { afterAll, describe, expect, test } from "bun:test";
import { request } from "node:http";
import { boundedTable, foreignName, isFirstProcess, liveContainers } from "./containers.ts";
import type { PageFiles } from "./page.ts";
import { serveLearn } from "./serve.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const files: PageFiles = new Map([
  ["index.html", { type: "text/html", bytes: bytes('<html lang="en" data-served="">') }],
  ["assets/a.js", { type: "text/javascript", bytes: bytes("let a;") }],
]);
let looks = 0;
const server = await serveLearn(0, files, async () => ({ looks: ++looks }));
const { port } = new URL(server.address);

type Reply = { readonly status: number; readonly body: string; readonly location: string };

/** With node:http, since fetch sends a path only after it has tidied it up. */
const ask = (path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port, path, headers, method, agent: false },
      (got) => {
        let body = "";
        got.setEncoding("utf8");
        got.on("data", (text: string) => {
          body += text;
        });
        got.on("end", () => {
          resolve({ status: got.statusCode ?? 0, body, location: got.headers.location ?? "" });
        });
      },
    );
    sent.on("error", reject);
    sent.end();
  });

const { pathname } = new URL(server.address);

describe("who has the address", () => {
  afterAll(() => server.close());

  test("gets the page, its files, and what is alive", async () => {
    expect(await ask(pathname)).toMatchObject({
      status: 200,
      body: '<html lang="en" data-served="learn">',
    });
    expect(await ask(`${pathname}assets/a.js`)).toMatchObject({ status: 200, body: "let a;" });
    const before = looks;
    expect(await ask(`${pathname}api/containers`)).toMatchObject({
      status: 200,
      body: `{"looks":${before + 1}}`,
    });
    expect(await ask(pathname.slice(0, -1))).toMatchObject({ status: 308, location: pathname });
  });

  test("whoever has not gets nothing, and nothing is looked at", async () => {
    const before = looks;
    for (const path of [
      "/",
      "/api/containers",
      "/x/api/containers",
      "//api/containers",
      "/favicon.ico",
    ]) {
      expect({ path, status: (await ask(path)).status }).toEqual({ path, status: 404 });
    }
    expect(looks).toBe(before);
  });

  test("a name that somebody made to mean this machine is not ours", async () => {
    const host = `rebound.example:${port}`;
    expect((await ask(`${pathname}api/containers`, { Host: host })).status).toBe(403);
    expect((await ask(pathname, { Host: `localhost:${port}` })).status).toBe(200);
  });

  test("pages of other sites are not answered, and nothing is changed", async () => {
    const site = { "Sec-Fetch-Site": "cross-site" };
    expect((await ask(`${pathname}api/containers`, site)).status).toBe(403);
    expect(
      (await ask(`${pathname}api/containers`, { "Sec-Fetch-Site": "same-origin" })).status,
    ).toBe(200);
    expect((await ask(pathname, {}, "POST")).status).toBe(405);
  });

  test("no path leads out of the page", async () => {
    for (const path of [
      "../../etc/passwd",
      "..%2f..%2fetc/passwd",
      "assets/../../x",
      "/etc/passwd",
    ]) {
      expect((await ask(`${pathname}${path}`)).status).toBe(404);
    }
  });

  test("a link that is opened works once", async () => {
    const link = new URL(server.linkOnce()).pathname;
    expect((await ask(link, { "Sec-Fetch-Site": "cross-site" })).status).toBe(404);
    expect(await ask(link)).toMatchObject({ status: 303, location: pathname });
    expect((await ask(link)).status).toBe(410);
    expect((await ask("/open/")).status).toBe(410);
  });

  test("a port that is taken is told in a line", async () => {
    await expect(serveLearn(Number(port), files, async () => null)).rejects.toThrow(
      `port ${port} is taken: choose another by --port, or leave it out`,
    );
  });
});

describe("what is seen of the machine", () => {
  test("a first process of a namespace below ours", () => {
    expect(isFirstProcess("Name:\tsh\nNSpid:\t4711\t1\nNSpgid:\t4711\t1\n")).toBe(true);
    expect(isFirstProcess("Name:\tsh\nNSpid:\t4711\t12\n")).toBe(false);
    expect(isFirstProcess("Name:\tinit\nNSpid:\t1\n")).toBe(false);
  });

  test("names by cgroups of other engines, or by the program", () => {
    const id = "0123456789abcdef".repeat(4);
    expect(foreignName(`0::/system.slice/docker-${id}.scope\n`, "sh")).toBe("0123456789ab");
    expect(foreignName("0::/user.slice\n", "sh")).toBe("sh");
  });

  test("tables are cut between lines", () => {
    expect(boundedTable("ab\ncd\nef\n", 7)).toBe("ab\ncd\n");
    expect(boundedTable("ab\n", 7)).toBe("ab\n");
  });

  test("an engine without containers tells of the host all the same", async () => {
    const directory = `/nonexistent-${process.pid}`;
    const live = await liveContainers({ dataRoot: directory, runRoot: directory });
    expect(live.host).toContain(" - proc proc ");
    expect(live.containers.filter(({ image }) => image !== null)).toEqual([]);
  });
});
