/**
 * What `pivot learn` answers. Any page in any browser of this machine can send requests to loopback,
 * and any user of it can, too: so every path begins with a random token, the Host header has to be
 * ours (a name that somebody has made to mean 127.0.0.1 is not), and other sites get nothing.
 */

import { timingSafeEqual } from "node:crypto";
import { livePath, servedAttribute } from "./live.ts";
import type { PageFiles } from "./page.ts";

export type Asked = {
  readonly method: string;
  /** With its leading slash, as it came. */
  readonly path: string;
  readonly host: string | undefined;
  /** Sec-Fetch-Site: what browsers say of who asks. */
  readonly site: string | undefined;
};

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
};

export type Serving = {
  readonly token: string;
  readonly port: number;
  readonly files: PageFiles;
  /** What there is to see of the machine's containers. */
  readonly look: () => Promise<unknown>;
  /**
   * Takes the word of a link that works once, for a browser that is opened: command lines can be
   * read by others. True when it was right, and had not been taken.
   */
  readonly redeem: (word: string) => boolean;
};

const headers: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  // The address holds the token, and what it answers is of this moment.
  "Cache-Control": "no-store",
};

const answer = (status: number, type: string, body: Uint8Array | string): Answer => ({
  status,
  headers: { ...headers, "Content-Type": type },
  body,
});

const refused = (status: number, why: string): Answer =>
  answer(status, "text/plain; charset=utf-8", `${why}\n`);

const isToken = (given: string, token: string): boolean => {
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
};

/** The page learns here that somebody answers beside it. */
const asServed = (html: Uint8Array): string =>
  new TextDecoder().decode(html).replace(`${servedAttribute}=""`, `${servedAttribute}="learn"`);

export async function answerTo(asked: Asked, serving: Serving): Promise<Answer> {
  const { token, port, files } = serving;
  const ours = [`127.0.0.1:${port}`, `localhost:${port}`];
  if (asked.host === undefined || !ours.includes(asked.host)) {
    return refused(403, `this is pivot learn: ask for http://127.0.0.1:${port}/`);
  }
  if (asked.method !== "GET" && asked.method !== "HEAD")
    return refused(405, "only GET is answered");
  const [, first = "", ...rest] = (asked.path.split("?")[0] ?? "").split("/");
  if (first === "open" && asked.site !== "cross-site") {
    if (!serving.redeem(rest.join("/"))) {
      return refused(410, "this link has been used: take the address that pivot learn printed");
    }
    const there = refused(303, "there");
    return { ...there, headers: { ...there.headers, Location: `/${token}/` } };
  }
  if (!isToken(first, token)) {
    return refused(
      404,
      "take the whole address that pivot learn printed: it ends in a random word",
    );
  }
  if (asked.site === "cross-site" || asked.site === "same-site") {
    return refused(403, "other sites are not answered");
  }
  const path = rest.join("/");
  if (path === livePath) {
    return answer(200, "application/json; charset=utf-8", JSON.stringify(await serving.look()));
  }
  if (rest.length === 0) {
    const there = refused(308, "there");
    return { ...there, headers: { ...there.headers, Location: `/${token}/` } };
  }
  const file = files.get(path === "" ? "index.html" : path);
  if (file === undefined) return refused(404, "there is no such file");
  const body = file.type.startsWith("text/html") ? asServed(file.bytes) : file.bytes;
  return answer(200, file.type, body);
}
