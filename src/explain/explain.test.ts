// The explanation of plans: every operation is known to every printer, and what they print can be
// read by whom it is for.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { catalogue, type OpName } from "../plan/catalogue.ts";
import type { Plan, Step } from "../plan/op.ts";
import { arbitraryOpOf } from "../plan/testing/arbitrary.ts";
import { byInit, byParent, inRoot, mkdir, mount, onHost, slot } from "../planner/step.ts";
import { initialState } from "../simulator/initial.ts";
import type { MountinfoRow } from "../simulator/mountinfo.ts";
import { explainPlan } from "./explanation.ts";
import { predictPlan } from "./predict.ts";
import { explanationAsJson } from "./print-json.ts";
import { explanationAsMarkdown } from "./print-markdown.ts";
import { explanationAsMermaid } from "./print-mermaid.ts";
import { coloured, explanationAsText, plain, whyLegend } from "./print-text.ts";
import { shellLines } from "./shell.ts";
import { Places } from "./shell-place.ts";
import { changeLines, changesOf } from "./table-change.ts";
import { withoutStep } from "./without.ts";

/** A small container: a root, a /proc in it, and the change of root. */
const plan: Plan = {
  version: 1,
  steps: [
    byParent(mkdir(onHost("/state"), 0o700), "this container's state", {
      op: "remove",
      at: onHost("/state"),
    }),
    byParent(
      {
        op: "clone",
        namespaces: ["mount"],
        cgroup: null,
        user: null,
        process: null,
        join: [],
        proc: null,
      },
      "linux.namespaces",
    ),
    byInit(
      {
        op: "mount_setattr",
        at: onHost("/"),
        attributes: [],
        clear: [],
        propagation: "private",
        recursive: true,
      },
      "default: no mount made here is seen by the host",
    ),
    byInit(mount({ type: "tmpfs", at: onHost("/state"), into: "root" }), "root"),
    byInit(mount({ type: "proc", attributes: ["nosuid"], at: inRoot("/proc") }), "mounts[0]"),
    byInit(
      { op: "chdir", at: slot("root"), again: false },
      "the next calls say `.` for the new root",
    ),
    byInit({ op: "pivot_root", new_root: ".", put_old: "." }, "the new root"),
    byInit({ op: "umount", target: ".", flags: ["detach"] }, "the old root goes"),
    byInit(
      { op: "chdir", at: onHost("/"), again: false },
      "the working directory must not stay on the old root",
    ),
  ],
};

const explained = (of: Plan = plan) =>
  explainPlan(of, {
    title: "pivot run `x`; <b>|",
    id: "f".repeat(64),
    ...predictPlan(
      of,
      initialState(),
      () => "directory",
      () => true,
    ),
  });

describe("what is predicted", () => {
  const { steps, mounts } = explained();

  test("the table before and after, of whoever takes the step", () => {
    const proc = steps[4]?.prediction;
    expect(proc?.of).toBe("init");
    expect(changeLines(proc?.changes ?? []).map(({ text }) => text)).toEqual([
      "+ /state/proc  proc  proc  rw,nosuid,relatime",
    ]);
  });

  test("the change of root moves a tree, in one line", () => {
    const [line, ...more] = changeLines(steps[6]?.prediction?.changes ?? []);
    expect(line?.text).toBe("~ /  tmpfs  /state → /, with 1 mount below it");
    expect(more).toEqual([]);
  });

  test("at the end there is what was mounted, and nothing of the host", () => {
    expect(mounts?.map(({ mountpoint }) => mountpoint)).toEqual(["/", "/proc"]);
  });

  test("without a step: the first failure with errno, rule and cure", () => {
    expect(steps[5]?.prediction?.without).toMatch(
      /step 7, make the new root \/, fails: EBUSY\. .* mount --bind/,
    );
  });

  test("without a step: what is different at the end", () => {
    expect(steps[4]?.prediction?.without).toContain("the container lacks /proc (proc)");
    expect(steps[7]?.prediction?.without).toContain("the container still has / (tmpfs)");
    // With `.` for both, the working directory has been on the new root all the time.
    expect(steps[8]?.prediction?.without).toBeNull();
  });

  test("private mounts: what would be where they are shared", () => {
    expect(steps[2]?.prediction?.without).toMatch(
      /as systemd makes them: step 7, .* fails: EINVAL/,
    );
  });

  test("a plan that fails is told up to there", () => {
    const broken = { ...plan, steps: plan.steps.toSpliced(5, 1) };
    const found = explained(broken);
    expect(found.steps[5]?.prediction?.failure).toMatch(/^EBUSY\. /);
    expect(found.steps[6]?.prediction).toBeNull();
    expect(found.mounts).toBeNull();
  });
});

const row = (given: Partial<MountinfoRow>): MountinfoRow => ({
  id: 1,
  parent: 0,
  device: "0:1",
  root: "/",
  mountpoint: "/",
  flags: "rw",
  shared: null,
  master: null,
  propagateFrom: null,
  unbindable: false,
  type: "tmpfs",
  source: "tmpfs",
  superOptions: "rw",
  ...given,
});

test("changes of a table: come, gone, other; another parent alone is none", () => {
  const before = [row({}), row({ id: 2, mountpoint: "/a" }), row({ id: 3, mountpoint: "/b" })];
  const after = [
    row({ parent: 9 }),
    row({ id: 3, mountpoint: "/b", shared: 4 }),
    row({ id: 5, mountpoint: "/c" }),
  ];
  expect(changeLines(changesOf(before, after)).map(({ text }) => text)).toEqual([
    "- /a  tmpfs  tmpfs  rw",
    "~ /b  tmpfs  private → shared:4",
    "+ /c  tmpfs  tmpfs  rw",
  ]);
});

describe("every operation", () => {
  for (const name of Object.keys(catalogue) as OpName[]) {
    test(`${name} has a command, or a reason why not, and a use`, () => {
      fc.assert(
        fc.property(arbitraryOpOf(name), (op) => {
          for (const manner of ["plain", "safe"] as const) {
            const lines = shellLines(op, new Places(manner));
            expect(lines.every((line) => typeof line === "string")).toBe(true);
          }
          const step: Step = { by: "init", op, why: "x" };
          expect(withoutStep(step)).toMatch(/^Without .*\.$/s);
        }),
        { numRuns: 10 },
      );
    });
  }
});

describe("printers", () => {
  const explanation = explained();

  test("text keeps to the width, but for what is to be copied, and has colour only on demand", () => {
    const settings = { width: 60, paint: plain, brief: false, whole: false };
    const text = explanationAsText(explanation, settings);
    const long = text.split("\n").filter((line) => line.length > 60);
    expect(long.every((line) => /^(shell| {9})/.test(line))).toBe(true);
    expect(text).not.toContain("\u001b");
    expect(explanationAsText(explanation, { ...settings, paint: coloured })).toContain(
      "\u001b[32m+ ",
    );
    expect(text).toContain("shell    mount --make-rprivate /");
  });

  test("brief text has the commands and no more", () => {
    const text = explanationAsText(explanation, {
      width: 80,
      paint: plain,
      brief: true,
      whole: false,
    });
    expect(text).toContain("pivot_root . .");
    expect(text).not.toContain("without");
  });

  test("the words of each step are told first, also of one step alone", () => {
    const settings = { width: 400, paint: plain, brief: false, whole: false };
    const one = { ...explanation, steps: explanation.steps.slice(0, 1) };
    for (const each of [explanation, one]) {
      const text = explanationAsText(each, settings);
      expect(text).toMatch(/steps\. parent is the executor on the host, init /);
      expect(text).toContain(whyLegend);
    }
    expect(explanationAsText(one, { ...settings, brief: true })).not.toContain(whyLegend);
    expect(explanationAsMarkdown(one)).toContain("linux.seccomp names what asks for the step");
  });

  test("what could steer a terminal is shown", () => {
    const steered = explained({
      version: 1,
      steps: [byParent(mkdir(onHost("/\u001b[2J\u202e"), 0o700), "x\u0007")],
    });
    const text = explanationAsText(steered, { width: 80, paint: plain, brief: false, whole: true });
    for (const each of ["\u001b", "\u0007", "\u202e"]) expect(text).not.toContain(each);
    expect(text).toContain("\\x1b[2J");
  });

  test("JSON can be read back, tables as lines of mountinfo", () => {
    const read = JSON.parse(explanationAsJson(explanation)) as {
      steps: { operation: string; prediction: { after: string[] } }[];
      mounts: string[];
    };
    expect(read.steps.map(({ operation }) => operation)).toEqual(plan.steps.map(({ op }) => op.op));
    expect(read.mounts[1]).toMatch(/^\d+ \d+ \d+:\d+ \/ \/proc rw,nosuid,relatime - proc proc rw$/);
  });

  test("Markdown: a section for each step, fences that nothing in them ends", () => {
    const odd = explained({
      version: 1,
      steps: [byParent(mkdir(onHost("/a```b <i>*"), 0o700), "x | y")],
    });
    const text = explanationAsMarkdown(odd);
    expect(text).toContain("````sh\nmkdir -m 700 '/a```b <i>*'\n````");
    expect(text).toContain("# pivot run \\`x\\`; &lt;b\\>\\|");
    expect(explanationAsMarkdown(explanation).match(/^## \d+\. /gm)).toHaveLength(
      plan.steps.length,
    );
  });

  test("Mermaid: a sequence with the turns, and the tree of the mounts", () => {
    const text = explanationAsMermaid(explanation);
    expect(text.match(/```mermaid/g)).toHaveLength(2);
    expect(text).toContain("parent->>init: 2. start the container's first process");
    expect(text).toMatch(/m(\d+) --> m\d+/);
    // In a message these would end it, or begin a comment.
    for (const line of text.split("\n").filter((each) => each.includes("->>"))) {
      expect(line.replaceAll(/#\d+;/g, "").slice(line.indexOf(":"))).not.toMatch(/[;#]/);
    }
  });
});
