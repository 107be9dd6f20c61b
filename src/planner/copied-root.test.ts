// Roots on a file system that overlayfs does not write to.

import { expect, test } from "bun:test";
import type { Spec } from "../spec/mod.ts";
import { planDirectories, planRoot } from "./root.ts";
import type { Setting } from "./setting.ts";
import { plainFacts } from "./testing/facts.ts";
import { plainSetting } from "./testing/setting.ts";

const spec: Spec = { ociVersion: "1.3.0", root: { path: "/r" }, linux: {} };
const ids = [{ containerID: 0, hostID: 1000, size: 1 }];
const inNamespace = {
  ...plainFacts,
  userNamespace: { uid: ids, gid: ids, setgroups: false },
};

const settingOf = (copied: "is to be" | "is there"): Setting => ({
  ...plainSetting,
  root: { kind: "overlay", layers: ["/base", "/image"], copied },
});

const stepsOf = (copied: "is to be" | "is there", facts = plainFacts) =>
  planRoot({ setting: settingOf(copied), facts, spec, inUserNamespace: false }).steps.map(
    ({ op }) => op,
  );

const data = `${plainSetting.dataRoot}/containers/${plainSetting.id}`;

test("an overlay is only read, and what it shows is copied; the mark comes last", () => {
  const [view, open, copy, mark, bind, attach] = stepsOf("is to be");
  expect(view).toMatchObject({ op: "mount", type: "overlay", at: null, into: "image" });
  const options = view?.op === "mount" ? view.options : [];
  expect(options).toEqual(["lowerdir+=/image", "lowerdir+=/base"]);
  expect(open).toMatchObject({ op: "open", at: { path: `${data}/upper` }, into: "copy" });
  expect(copy).toMatchObject({ op: "copy_up", from: { in: "image" }, to: "copy" });
  expect(mark).toMatchObject({ op: "write", at: { path: `${data}/copied` } });
  expect(bind).toMatchObject({ op: "bind", from: { path: `${data}/upper` }, into: "root" });
  expect(attach).toMatchObject({ op: "attach", mount: "root" });
});

test("in a user namespace the view finds overlayfs's notes where the user may read them", () => {
  const [view] = stepsOf("is to be", inNamespace);
  expect(view?.op === "mount" ? view.options.at(-1) : null).toBe("userxattr");
});

test("a copy that is whole is taken as it is, half of one goes first", () => {
  expect(stepsOf("is there").map(({ op }) => op)).toEqual(["bind", "attach"]);
  const made = (copied: "is to be" | "is there") =>
    planDirectories(settingOf(copied), ["true"])
      .map(({ op }) => op)
      .filter((op) => "at" in op && op.at !== null && op.at.path === `${data}/upper`)
      .map(({ op }) => op);
  expect(made("is to be")).toEqual(["remove", "mkdir"]);
  expect(made("is there")).toEqual([]);
});
