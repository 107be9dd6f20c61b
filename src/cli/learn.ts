/** `pivot learn`: serves the page of lessons, with this machine's containers. */

import { spawn } from "node:child_process";
import { writeAll } from "../host/write.ts";
import { liveContainers } from "../learn/containers.ts";
import { readPage } from "../learn/page.ts";
import { serveLearn } from "../learn/serve.ts";
import { type Flag, isOn, lastValue, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { engineRoots } from "./each-container.ts";
import { interruptible } from "./interrupt.ts";
import { shownImage } from "./ps.ts";

export const learnFlags: readonly Flag[] = [
  { name: "open", help: "open it in the browser, too" },
  { name: "port", value: "N", help: "listen on this port of loopback; a free one unless told" },
];

function readPort(text: string | null): number {
  if (text === null) return 0;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
    throw new UsageError(`--port takes a number from 1 to 65535, received ${JSON.stringify(text)}`);
  }
  return port;
}

/** The desktop's browser. Where there is none, the printed address does. */
function openBrowser(address: string): void {
  const child = spawn("xdg-open", [address], { stdio: "ignore", detached: true });
  child.on("error", () => {
    writeAll(2, "pivot: no browser was opened (xdg-open): open the address yourself\n");
  });
  child.unref();
}

export async function learnCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  if (given.words.length > 0) throw new UsageError("usage: pivot learn [OPTIONS]");
  const port = readPort(lastValue(given, "port"));
  const roots = engineRoots(globals);
  const server = await serveLearn(port, readPage(), () => liveContainers(roots, shownImage));
  return interruptible(async (signal) => {
    try {
      writeAll(1, `${server.address}\n`);
      writeAll(2, "The page is there, for you alone, until you press Ctrl-C.\n");
      if (isOn(given, "open")) openBrowser(server.linkOnce());
      await new Promise<void>((done) => {
        signal.addEventListener("abort", () => done(), { once: true });
      });
      // To end it so is what was asked for.
      return 0;
    } finally {
      server.close();
    }
  });
}
