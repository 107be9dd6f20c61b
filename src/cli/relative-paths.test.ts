import { expect, test } from "bun:test";
import { parseArguments } from "./arguments.ts";
import { findRelativePaths } from "./relative-paths.ts";
import { runFlags } from "./run-flags.ts";

const relative = (...words: string[]): string[] =>
  findRelativePaths(parseArguments(runFlags, words));

test("paths from the root, names of volumes and images need no working directory", () => {
  expect(
    relative(
      "-v",
      "/a:/b",
      "-v",
      "data:/c",
      "-v",
      "/anonymous",
      "--rootfs",
      "/r",
      "--device",
      "/dev/x",
      "--mount",
      "type=volume,source=data,target=/d",
      "--mount",
      "type=tmpfs,target=/t",
      "--security-opt",
      "seccomp=unconfined",
      "--security-opt",
      "seccomp=/p",
      "oci:x",
    ),
  ).toEqual([]);
  expect(relative("busybox", "oci:x")).toEqual([]);
  expect(relative("oci:/x", "y")).toEqual([]);
});

test("what starts at the working directory is found", () => {
  expect(relative("-v", "./a:/b", "-v", ".:/c", "-v", "../d:/e", "busybox")).toEqual([
    "./a:/b",
    ".:/c",
    "../d:/e",
  ]);
  const mounts = ["type=bind,src=.,dst=/x", "source=../y,target=/x", '"source=./z",target=/x'];
  for (const mount of mounts) expect(relative("--mount", mount, "busybox")).toEqual([mount]);
  expect(relative("--security-opt", "seccomp=p.json", "oci:images")).toEqual([
    "seccomp=p.json",
    "oci:images",
  ]);
  expect(relative("--rootfs", "root", "oci:not-an-image")).toEqual(["root"]);
});
