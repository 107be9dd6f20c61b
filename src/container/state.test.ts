import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { gatherContainerFacts } from "./gather.ts";
import { readState } from "./state.ts";

const runRoot = mkdtempSync(`${tmpdir()}/pivot-state-`);
afterAll(() => rmSync(runRoot, { recursive: true }));
const id = "a".repeat(64);
mkdirSync(`${runRoot}/${id}`);
const write = (file: string, text: string) => writeFileSync(`${runRoot}/${id}/${file}`, text);

test("a name that is a path is no name: what it leads to would be removed", () => {
  for (const name of ["../../etc", "a/b", "..", ""]) {
    write("state.json", JSON.stringify({ version: 2, id, name }));
    expect(readState(runRoot, id).state).toBeNull();
  }
  write("state.json", JSON.stringify({ version: 2, id, name: "web" }));
  expect(readState(runRoot, id).state?.name).toBe("web");
});

test("a process that has been given the pid since is not the container's", () => {
  const gather = () =>
    gatherContainerFacts({
      id: "b".repeat(64),
      root: "/",
      runRoot,
      options: { pid: { container: id }, network: { container: id }, ipc: { container: id } },
      facts: { cgroups: { mode: "v2" } } as never,
      volumes: null,
    });
  write("pid", `${process.pid} 1`);
  expect(gather).toThrow(`the container ${id} is not running: its namespaces are gone`);
});
