// Labels and shares of caches, where this machine has nobody to enforce them: refused in one line.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { type BundleConfig, runBundle } from "./bundle.ts";
import { Ground, whyNot } from "./pivot.ts";
import { makeSmallRoot } from "./small-root.ts";

const ground = new Ground("labels");
const root = makeSmallRoot(ground, "root");
const run = (change: (config: BundleConfig) => void) =>
  runBundle(ground, root, ["/bin/echo", "ran"], change);

const hasAppArmor = existsSync("/sys/module/apparmor");
const hasSelinux = existsSync("/sys/fs/selinux/policyvers");
const hasResctrl = readFileSync("/proc/self/mountinfo", "utf8").includes(" - resctrl ");

describe.skipIf(whyNot !== undefined)(`labels (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close());

  const refused: readonly (readonly [
    path: string,
    elsewhere: boolean,
    change: (config: BundleConfig) => void,
  ])[] = [
    [
      "process.apparmorProfile",
      hasAppArmor,
      ({ process }) => {
        process["apparmorProfile"] = "strict";
      },
    ],
    [
      "process.selinuxLabel",
      hasSelinux,
      ({ process }) => {
        process["selinuxLabel"] = "u:r:t:s0";
      },
    ],
    [
      "linux.intelRdt",
      hasResctrl,
      ({ linux }) => {
        linux["intelRdt"] = { closID: "gold" };
      },
    ],
  ];
  test.skipIf(hasSelinux)("linux.mountLabel is left out with a warning", () => {
    const { code, stderr } = run(({ linux }) => {
      linux["mountLabel"] = "u:o:t:s0";
    });
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr:
        "pivot: warning: linux.mountLabel: this kernel runs without SELinux: mounts get no label\n",
    });
  });

  for (const [path, elsewhere, change] of refused) {
    test.skipIf(elsewhere)(`${path} is refused in one line`, () => {
      const { code, stdout, stderr } = run(change);
      expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
      expect(stderr).toMatch(
        /^pivot: [^\n]+: leave it out\n$|^pivot: [^\n]+ leave the field out\n$/,
      );
      expect(stderr).toStartWith(`pivot: ${path}: `);
    });
  }

  test("empty labels, and AppArmor's word for no profile, are no labels", () => {
    const ran = run(({ process, linux }) => {
      process["apparmorProfile"] = "unconfined";
      process["selinuxLabel"] = linux["mountLabel"] = "";
    });
    expect(ran).toMatchObject({ code: 0, stdout: "ran\n", stderr: "" });
  });
});
