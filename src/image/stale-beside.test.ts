import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { removeStaleBeside } from "./stale-beside.ts";
import { temporaryName } from "./temporary.ts";

test("files of commands that are gone go, and nothing else", async () => {
  const directory = mkdtempSync(`${tmpdir()}/stale-beside-`);
  try {
    const own = temporaryName();
    // Of this boot and this namespace, and of a process that cannot be there.
    const of = (pid: number): string => own.replace(/^\.tmp-\d+-/, `.tmp-${pid}-`);
    const [gone, link, inner] = [of(4194305), of(4194306), of(4194307)] as const;
    for (const name of [own, gone, ".tmp-notes", "saved.tar"])
      writeFileSync(`${directory}/${name}`, "");
    symlinkSync("saved.tar", `${directory}/${link}`);
    mkdirSync(`${directory}/${inner}`, { recursive: true });
    await removeStaleBeside(directory);
    expect(readdirSync(directory).sort()).toEqual(
      [own, link, inner, ".tmp-notes", "saved.tar"].sort(),
    );
    await removeStaleBeside(`${directory}/none`);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
