import { expect, test } from "bun:test";
import type { Plan, Step } from "../plan/op.ts";
import { executablePaths } from "../planner/process.ts";
import { encodePlan } from "./encode.ts";
import { fillTemplate, makeTemplate } from "./template.ts";

const idA = "0123456789ab".padEnd(64, "c");
const idB = "fedcba987654".padEnd(64, "d");

/** A plan with the id, its short form, slots before and after the gaps, and undos. */
function planFor(id: string, argv: readonly string[]): Plan {
  const directory = { in: "host", path: `/run/pivot/${id}` };
  const env = ["PATH=/usr/bin:/bin", `HOSTNAME=${id.slice(0, 12)}`, "GREETING=grüß dich"];
  const steps: Step[] = [
    {
      by: "parent",
      op: { op: "mkdir", at: directory, mode: 0o700, parents: false },
      undo: { op: "remove", at: directory },
      why: "",
    },
    {
      by: "parent",
      op: {
        op: "write",
        at: { in: "host", path: `/run/pivot/${id}/command` },
        text: JSON.stringify(argv),
        how: "exclusive",
        mode: 0o600,
      },
      why: "",
    },
    { by: "parent", op: { op: "open", at: directory, flags: ["path"], into: "state" }, why: "" },
    { by: "init", op: { op: "sethostname", name: id.slice(0, 12) }, why: "" },
    {
      by: "init",
      op: { op: "exec", paths: executablePaths(argv[0] ?? "", env), argv, env },
      why: "",
    },
    {
      by: "parent",
      op: {
        op: "supervise",
        signals: true,
        parent: false,
        status: { in: "state", path: "exit" },
        replace: false,
        oom: null,
      },
      why: "",
    },
  ];
  return { version: 1, steps };
}

test("a filled template is the plan that planning anew gives", () => {
  for (const command of [["true"], ["sh", "-c", "echo grüße; exit 3"], ["/bin/ls", ""]]) {
    const template = makeTemplate(planFor(idA, ["init.sh", "a", "b"]), idA, ["a", "b"]);
    if (template === null) throw new Error("no template");
    const kept = JSON.parse(JSON.stringify(template));
    const filled = fillTemplate(kept, idB, command);
    const fresh = encodePlan(planFor(idB, ["init.sh", ...command]));
    expect(filled).toBe(fresh.toString("latin1"));
  }
});

test("a template holds neither the id nor the command of its first use", () => {
  const secret = "sesame-open-4711";
  const template = makeTemplate(planFor(idA, ["curl", secret]), idA, ["curl", secret]);
  const kept = JSON.stringify(template);
  expect(kept).not.toContain(secret);
  expect(kept).not.toContain(idA.slice(0, 12));
});

test("a plan that runs something else has no template", () => {
  expect(makeTemplate(planFor(idA, ["sh"]), idA, ["true"])).toBeNull();
  expect(makeTemplate({ version: 1, steps: [] }, idA, ["true"])).toBeNull();
});
