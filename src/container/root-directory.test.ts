import { expect, test } from "bun:test";
import { checkRootDirectory } from "./root-directory.ts";

const here = import.meta.dir;

test("a directory is one, also through a link", () => {
  expect(() => checkRootDirectory(here, "--rootfs")).not.toThrow();
  expect(() => checkRootDirectory("/proc/self/cwd", "--rootfs")).not.toThrow();
});

test("what is no directory, or not there, is named", () => {
  const file = import.meta.path;
  expect(() => checkRootDirectory(file, "--rootfs")).toThrow(`--rootfs: ${file} is no directory`);
  expect(() => checkRootDirectory(`${here}/none`, "root.path")).toThrow(
    `root.path: there is no directory ${here}/none`,
  );
  expect(() => checkRootDirectory(`${file}/none`, "root.path")).toThrow("root.path: ");
});
