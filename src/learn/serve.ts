/** The server of `pivot learn`, on loopback. */

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { WishError } from "../container/wish-error.ts";
import { answerTo, type Serving } from "./answer.ts";
import type { PageFiles } from "./page.ts";

export type LearnServer = {
  /** `http://127.0.0.1:PORT/TOKEN/` */
  readonly address: string;
  /** An address that leads to it once, and soon. */
  readonly linkOnce: () => string;
  readonly close: () => void;
};

/** Milliseconds that a link which works once is good for. */
const soon = 60_000;

const word = (): string => randomBytes(24).toString("base64url");

/** Links that work once. */
class Links {
  readonly #good = new Map<string, number>();

  make(): string {
    const made = word();
    this.#good.set(made, Date.now() + soon);
    return made;
  }

  readonly redeem = (given: string): boolean => {
    const until = this.#good.get(given);
    this.#good.delete(given);
    return until !== undefined && Date.now() < until;
  };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  serving: Serving,
): Promise<void> {
  const { method = "", url = "", headers } = request;
  const site = headers["sec-fetch-site"];
  try {
    const {
      status,
      headers: told,
      body,
    } = await answerTo(
      {
        method,
        path: url,
        host: headers.host,
        site: typeof site === "string" ? site : undefined,
      },
      serving,
    );
    response.writeHead(status, told);
    response.end(method === "HEAD" ? undefined : body);
  } catch (error) {
    // A look that failed is one answer that is missing, and not the end of the server.
    const why = error instanceof Error ? error.message : String(error);
    response.writeHead(500, { "Content-Type": "text/plain; charset=utf-8" });
    response.end(`${why}\n`);
  }
}

/**
 * @param port 0: any that is free
 * @throws WishError when the port is taken, or not ours to take
 */
export async function serveLearn(
  port: number,
  files: PageFiles,
  look: () => Promise<unknown>,
): Promise<LearnServer> {
  const token = word();
  const links = new Links();
  let serving: Serving | null = null;
  const server = createServer((request, response) => {
    if (serving !== null) void respond(request, response, serving);
  });
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new WishError([
      code === "EADDRINUSE"
        ? `port ${port} is taken: choose another by --port, or leave it out`
        : `cannot listen on 127.0.0.1:${port}: ${code ?? String(error)}`,
    ]);
  }
  const bound = server.address();
  const actual = typeof bound === "object" && bound !== null ? bound.port : port;
  serving = { token, port: actual, files, look, redeem: links.redeem };
  const origin = `http://127.0.0.1:${actual}`;
  return {
    address: `${origin}/${token}/`,
    linkOnce: () => `${origin}/open/${links.make()}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
