/** What there is of containers, images, networks and volumes: asked at each press of the tab key, so quick. */

import { readdirSync } from "node:fs";
import { constants } from "node:os";
import type { Roots } from "../../container/roots.ts";
import { type Container, isAlive, listContainers } from "../../engine/status.ts";
import { familiarName } from "../../image/familiar.ts";
import { listReferences } from "../../image/names.ts";
import { openStore } from "../../image/store.ts";
import { capabilities } from "../../plan/constants.ts";
import type { Globals } from "../command.ts";
import { engineRoots } from "../each-container.ts";
import type { Proposal, Sources } from "./propose.ts";

const plain = (word: string): Proposal => ({ word, about: "" });

/** Commands that mean only some of the containers. */
const alive = new Set(["attach", "exec", "kill", "pause", "port", "stop", "top", "verify"]);

function means(command: string, container: Container): boolean {
  if (command === "unpause") return container.status === "paused";
  if (command === "start") return !isAlive(container);
  return !alive.has(command) || isAlive(container);
}

/** Without what is implied; a container of a directory has no image. */
const shortImage = (image: string): string => image.replace(/^docker\.io\/(library\/)?/, "");

async function containers(roots: Roots, command: string): Promise<readonly Proposal[]> {
  return (await listContainers(roots))
    .filter((each) => means(command, each))
    .map(({ name, record, status }) => ({
      word: name,
      about: `${shortImage(record.image)} (${status})`,
    }));
}

async function images({ dataRoot }: Roots): Promise<readonly Proposal[]> {
  const names = await listReferences(openStore(dataRoot));
  return names.map(({ name }) => plain(familiarName(name)));
}

async function networks({ dataRoot }: Roots): Promise<readonly Proposal[]> {
  const { listNetworks } = await import("../../network/store.ts");
  return (await listNetworks(dataRoot)).map(({ name, subnets }) => ({
    word: name,
    about: subnets.map(({ subnet }) => subnet).join(", "),
  }));
}

function namesIn(directory: string): readonly Proposal[] {
  try {
    return readdirSync(directory)
      .filter((name) => !name.startsWith("."))
      .map(plain);
  } catch {
    return []; // there is none yet, or it is not ours to read
  }
}

/** @param globals those that stand in the line that is completed come before them */
export const readSources =
  (globals: Globals): Sources =>
  async (kind, command, given) => {
    const roots = engineRoots({
      ...globals,
      root: given.get("root") ?? globals.root,
      runRoot: given.get("runroot") ?? globals.runRoot,
    });
    if (typeof kind === "object") {
      if ("words" in kind) return kind.words;
      const found =
        kind.of === "containers"
          ? await containers(roots, command)
          : namesIn(`${roots.dataRoot}/volumes`);
      const after = kind.before === undefined ? kind.upTo : "";
      return found.map(({ word, about }) => ({
        word: `${kind.before ?? ""}${word}${after}`,
        about,
      }));
    }
    switch (kind) {
      case "containers":
        return containers(roots, command);
      case "images":
        return images(roots);
      case "volumes":
        return namesIn(`${roots.dataRoot}/volumes`);
      case "networks":
        return networks(roots);
      case "signals":
        return Object.keys(constants.signals).map((name) => plain(name.replace(/^SIG/, "")));
      case "capabilities":
        return ["ALL", ...Object.keys(capabilities).map((name) => name.replace(/^CAP_/, ""))].map(
          plain,
        );
      case "variables":
        return Object.keys(process.env).map(plain);
    }
  };
